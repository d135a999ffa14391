"""Two reports side by side, against figures worked out by hand."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from rich.console import Console

from edgecomp.cli import cli
from edgecomp.report import ReportError
from edgecomp.report.compare import compare, newest_report, percent_change, write_comparison
from edgecomp.report.comparison_summary import summarize_comparison


@pytest.fixture
def faster(report):
    """Half the cycles in the second layer, on another engine; one layer gone, one new."""
    first, second, pool = report.layers
    changed = second.model_copy(update={"cycles": second.cycles / 2, "engine": "cluster+ne16"})
    new = pool.model_copy(update={"name": "pool2"})
    latency = report.latency.model_copy(update={"cycles": 51_150_000.0, "seconds": 0.13824})
    return report.model_copy(
        update={
            "layers": [first, changed, new],
            "latency": latency,
            "engines": "all",
            "options": {"channels": "8"},
        }
    )


def _text(comparison, width: int = 120) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(summarize_comparison(comparison))
    return capture.get()


def test_totals_and_layers(report, faster):
    found = compare(report, faster)
    totals = {total.name: total for total in found.totals}
    assert totals["cycles"].change == pytest.approx(-0.25)
    assert totals["MAC"].change == 0
    assert totals["latency"].mark_a == "estimate"
    kinds = {total.mark_a.split(",")[0] for total in found.totals}
    assert kinds >= {"estimate", "measured", "counted"}
    changed = [(pair.name, pair.difference) for pair in found.changed_layers()]
    assert changed == [("block0.attention", -2_700_000), ("pool", -900), ("pool2", 900)]
    assert found.options == {"engines": ("-", "all"), "channels": ("-", "8")}


def test_decibels_and_shares_change_by_their_difference(report):
    worse = {"sqnr_db": 30.2, "argmax_agreement": 0.9375}
    quantization = report.quantization.model_copy(update=worse)
    found = compare(report, report.model_copy(update={"quantization": quantization}))
    texts = {total.name: total.change_text for total in found.totals}
    assert texts["SQNR"] == "-1.5 dB"
    assert texts["same class"] == "-4.7 points"
    assert texts["MAC"] == "="


def test_figures_of_other_windows_or_another_kind_have_no_change(report, simulation):
    """One window against many, simulated cycles against estimates."""
    quantization = report.quantization.model_copy(update={"windows": 1, "sqnr_db": 20.0})
    found = compare(report, simulation.model_copy(update={"quantization": quantization}))
    totals = {total.name: total for total in found.totals}
    assert totals["SQNR"].mark_b == "measured, 1 window"
    assert totals["SQNR"].change_text == totals["same class"].change_text == "-"
    assert (totals["cycles"].mark_a == totals["cycles"].mark_b) == (
        totals["cycles"].change is not None
    )


def test_a_report_is_like_itself(report):
    found = compare(report, report)
    assert found.changed_layers() == [] and found.options == {}
    assert all(total.change in (0, None) for total in found.totals)
    assert "all 3 layers take the same cycles" in _text(found)


def test_layers_of_one_name_are_paired_in_order(report):
    twice = [report.layers[0], report.layers[0].model_copy(update={"cycles": 1.0})]
    both = report.model_copy(update={"layers": twice})
    assert compare(both, both).changed_layers() == []
    assert len(compare(both, both).layers) == 2


def test_the_text_says_it_all(report, faster):
    text = _text(compare(report, faster))
    for part in ("-25.0 %", "(estimate)", "-2.70 M", "cores -> cluster+ne16", "channels", "pool2"):
        assert part in text


def test_changes_read_well():
    assert [percent_change(each) for each in (None, 0.0, -0.125, 1.0)] == [
        "-", "=", "-12.5 %", "+100.0 %",
    ]  # fmt: skip


def test_the_page_is_self_contained(report, faster, tmp_path):
    layers = [report.layers[0].model_copy(update={"name": "<b>"}), *report.layers[1:]]
    write_comparison(compare(report.model_copy(update={"layers": layers}), faster), tmp_path / "c")
    page = (tmp_path / "c").read_text()
    assert "src=" not in page and "href=" not in page
    assert "&lt;b&gt;" in page and "<b>" not in page
    assert "-25.0 %" in page


def test_a_simulation_is_preferred(report, simulation, tmp_path):
    report.write(tmp_path / "report.json")
    assert newest_report(tmp_path) == report
    simulation.write(tmp_path / "simulation.json")
    assert newest_report(tmp_path) == simulation
    assert newest_report(tmp_path, estimate=True) == report
    assert newest_report(tmp_path / "simulation.json") == simulation


def test_a_folder_that_is_no_build(tmp_path):
    with pytest.raises(ReportError, match="not a build"):
        newest_report(tmp_path)


def test_the_command(report, faster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, each in (("a", report), ("b", faster)):
        (tmp_path / name).mkdir()
        each.write(tmp_path / name / "report.json")
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    page = tmp_path / "page.html"
    plain = CliRunner().invoke(cli, ["compare", *folders])
    assert plain.exit_code == 0 and "-25.0 %" in plain.stdout
    assert {path.name for path in tmp_path.rglob("*")} == {"a", "b", "report.json"}
    done = CliRunner().invoke(cli, ["compare", *folders, "--html", str(page)])
    assert done.exit_code == 0 and "-25.0 %" in done.stdout
    assert page.is_file()
    content = json.loads(CliRunner().invoke(cli, ["compare", *folders, "--json"]).stdout)
    assert {"a", "b", "totals", "options", "layers"} == set(content)
    missing = CliRunner().invoke(cli, ["compare", folders[0], str(tmp_path)])
    assert missing.exit_code == 1 and "not a build" in missing.stderr
