"""report.json and simulation.json: what they hold, and what a wrong one says."""

import json
import re

import pytest
from rich.console import Console

from edgecomp.report import (
    Layer,
    Quantization,
    Report,
    ReportError,
    SimulationReport,
    summarize,
    write_html,
)
from edgecomp.report.compare import compare, comparison_page
from edgecomp.report.comparison_summary import summarize_comparison


def test_a_report_is_written_as_it_was_read(report, report_json, tmp_path):
    path = tmp_path / "report.json"
    report.write(path)
    assert json.loads(path.read_text()) == report_json
    assert Report.read(path) == report


def test_a_simulation_is_written_as_it_was_read(simulation, simulation_json, tmp_path):
    path = tmp_path / "simulation.json"
    simulation.write(path)
    assert json.loads(path.read_text()) == simulation_json
    assert SimulationReport.read(path) == simulation


def test_a_build_report_holds_the_documented_fields(report):
    content = report.to_json()
    named = ["schema", "edgecomp", "model", "target", "board"]
    figures = ["memory", "quantization", "latency", "energy", "layers", "notices"]
    assert list(content) == named + figures
    assert {"name", "op", "engine", "macs", "cycles", "l1_bytes", "tiles", "checksum"} <= set(
        content["layers"][0]
    )


def test_an_infinite_ratio_is_null_in_json():
    perfect = Quantization(
        sqnr_db=float("inf"), cosine=1.0, argmax_agreement=None, windows=1
    ).model_dump_json()
    assert json.loads(perfect) == {
        "sqnr_db": None,
        "cosine": 1.0,
        "argmax_agreement": None,
        "windows": 1,
    }


def test_a_checksum_may_be_given_as_a_number():
    layer = Layer(
        name="a", op="add", engine="cores", macs=0, cycles=1.0, l1_bytes=4, tiles=1, checksum=0xBEEF
    )
    assert layer.checksum == "0000beef"


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("latency", "provenance", "guess"),
        ("memory", "l4", {}),
        ("quantization", "argmax_agreement", 1.5),
        ("energy", "joules", -1),
    ],
)
def test_a_wrong_field_is_named(report_json, tmp_path, section, field, value):
    report_json[section][field] = value
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report_json))
    with pytest.raises(ReportError, match=rf"report\.json is not .*{section}\.{field}"):
        Report.read(path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 2}'])
def test_a_file_that_is_no_report_is_refused(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(ReportError, match=r"report\.json is not a report of schema 1"):
        Report.read(path)


def test_an_absent_report_is_named(tmp_path):
    with pytest.raises(ReportError, match=r"cannot read .*report\.json"):
        Report.read(tmp_path / "report.json")


@pytest.fixture
def powerless(report) -> Report:
    """Of a board whose file states no power."""
    return report.model_copy(update={"energy": None, "duty_cycle": None})


def _printed(content) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(content)
    return capture.get()


def test_without_power_nothing_is_said_of_energy(powerless, tmp_path):
    assert not {"energy", "duty_cycle"} & set(powerless.to_json())
    powerless.write(tmp_path / "report.json")
    assert Report.read(tmp_path / "report.json") == powerless
    write_html(powerless, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Energy" not in page and "Battery" not in page
    assert not {"energy", "battery"} & set(_printed(summarize(powerless)).split())


def test_a_comparison_says_which_of_the_two_states_no_power(report, powerless):
    """In the terminal, as JSON and as a page."""
    for a, b in ((report, powerless), (powerless, report), (powerless, powerless)):
        found = compare(a, b)
        totals = {total.name: total for total in found.totals}
        for name in ("energy", "battery hours"):
            total = totals[name]
            assert (total.text_a, total.text_b)[a is report] == "-"
            assert total.change is None and total.change_text == "-"
        energy = totals["energy"]
        assert (energy.mark_a == "not known") == (a is powerless)
        assert (energy.mark_b == "not known") == (b is powerless)
        assert re.search(r"^energy .*not known.*\)$", _printed(summarize_comparison(found)), re.M)
        assert json.loads(json.dumps(found.to_json()))["totals"]
        assert ">not known<" in comparison_page(found)
