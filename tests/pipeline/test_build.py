"""What a build leaves, and that it leaves the same each time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgecomp.codegen import checksum
from edgecomp.ir import interpret, verify
from edgecomp.pipeline import Build, build
from edgecomp.pipeline.reference import load_reference, quantize_windows
from edgecomp.report import Report


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_build_leaves_the_files_of_the_contract(small_build: Build) -> None:
    names = {path.name for path in small_build.directory.iterdir()} - {"simulation.json"}
    expected = {"model.onnx", "graph.txt", "firmware", "reference.npz", "report.json"}
    assert names == expected | {"report.html", ".edgecomp"}
    assert Report.read(small_build.directory / "report.json") == small_build.report


def test_graph_txt_is_ir_that_gives_the_reference(small_build: Build) -> None:
    """The listing parses back, and the parsed graph computes the stored outputs."""
    graph, reference = load_reference(small_build.directory)
    verify(graph)
    inputs = quantize_windows(graph, reference.windows)
    feed = {v.name: x[1] for v, x in zip(graph.inputs, inputs, strict=True)}
    for result, stored in zip(interpret(graph, feed), reference.integers, strict=True):
        np.testing.assert_array_equal(result, stored[1])


def test_the_report_agrees_with_the_reference(small_build: Build) -> None:
    _, reference = load_reference(small_build.directory)
    layers = small_build.report.layers
    assert [int(layer.checksum, 16) for layer in layers] == reference.checksums[0].tolist()
    assert int(layers[-1].checksum, 16) == checksum(reference.integers[0][0])
    assert small_build.report.latency.provenance == "estimate"
    assert sum(layer.macs for layer in layers) == small_build.report.model.macs
    assert any("synthetic" in notice for notice in small_build.report.notices)


def test_memory_stays_inside_the_board_and_near_the_bound(small_build: Build) -> None:
    memory = small_build.report.memory
    for level in (memory.l1, memory.l2, memory.l3):
        assert level.peak <= level.capacity
    assert memory.l2.arena <= 1.02 * memory.l2.lower_bound
    assert 0.9 * memory.l1.arena < memory.l1.lower_bound < memory.l1.arena  # guards


def test_two_builds_of_the_same_input_are_identical(
    small_build: Build, small_options: dict[str, str], out: Path
) -> None:
    again = build("tinyissimomyo", options=small_options, windows=3, out=out)
    first, second = files(small_build.directory), files(again.directory)
    first.pop("simulation.json", None)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_a_build_replaces_an_older_one_and_leaves_nothing_beside_it(
    small_options: dict[str, str], out: Path
) -> None:
    for seed in (0, 1):
        built = build("tinyissimomyo", options=small_options, windows=1, out=out, seed=seed)
        assert built.deleted == (["simulation.json"] if seed else [])
        (out / "simulation.json").touch()
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert json.loads((out / "report.json").read_text())["schema"] == 1


def test_the_report_estimates_how_the_engines_are_used(small_build: Build) -> None:
    content = json.loads((small_build.directory / "report.json").read_text())
    assert content["ne16_macs_per_cycle"] == 70
    waits = ("exposed_dma", "exposed_l3", "exposed_ne16")
    for layer in content["layers"]:
        parts = sum(layer[name] for name in ("compute", *waits, "overhead"))
        assert parts == pytest.approx(layer["cycles"], abs=3)
        assert (layer["ne16_busy"] > 0) == ("ne16" in layer["engine"])
        assert layer["ne16_macs"] == (layer["macs"] if "ne16" in layer["engine"] else 0)
    assert any(layer["ne16_macs"] for layer in content["layers"])


def test_the_report_holds_every_buffer_where_it_was_placed(small_build: Build) -> None:
    report = small_build.report
    assert report.buffers is not None
    last = len(report.layers) - 1
    for level, buffers in report.buffers:
        arena = getattr(report.memory, level).arena
        assert max(each.address + each.bytes for each in buffers) == arena
        assert all(0 <= each.first <= each.last <= last for each in buffers)
    for index, layer in enumerate(report.layers):
        own = [each for each in report.buffers.l1 if each.first == index]
        assert sum(each.bytes for each in own) == layer.l1_bytes
    weights = sum(layer.bytes or 0 for layer in report.layers)
    assert sum(each.bytes for each in report.buffers.l3) == weights == report.memory.l3.arena
    alive = [
        sum(each.bytes for each in report.buffers.l2 if each.first <= step <= each.last)
        for step in range(last + 1)
    ]
    assert max(alive) == report.memory.l2.lower_bound


def test_the_report_tells_what_was_asked_for_and_how_long_a_battery_lasts(
    small_build: Build,
) -> None:
    report = small_build.report
    assert report.options is not None and report.duty_cycle is not None
    assert report.options["channels"] == "2" and report.options["windows"] == "3"
    assert report.duty_cycle.period_seconds == 0.2
    assert report.duty_cycle.busy == pytest.approx(report.latency.seconds / 0.2)


def test_the_outputs_of_the_report_are_those_of_the_reference(small_build: Build) -> None:
    [output] = small_build.report.outputs or []
    with np.load(small_build.directory / "reference.npz") as data:
        expected = data["float/0"].reshape(-1)
    assert output.total == expected.size == len(output.float_model)
    assert np.allclose(output.float_model, expected, rtol=1e-5)
    assert np.corrcoef(output.float_model, output.integer)[0, 1] > 0.99


def test_weights_that_stay_in_l2_need_its_power_and_the_figure_says_whether_it_has_it(
    small_build: Build, small_options: dict[str, str], out: Path, tmp_path: Path
) -> None:
    """No public figure is known for GAP9; a board of one's own may state it."""
    duty = small_build.report.duty_cycle
    [notice] = [each for each in small_build.report.notices if "stay in L2" in each]
    assert "counts no power for" in notice
    assert duty is not None and duty.uncounted_l2_bytes > 0
    assert f"{duty.uncounted_l2_bytes:,} of " in notice
    board = tmp_path / "mine.toml"
    power = "[power]\nretained_sleep_watts = 2e-3\n"
    board.write_text(f'name = "mine"\nbase = "gap9_evk"\ntarget = "gap9"\n{power}')
    built = build("tinyissimomyo", options=small_options, board=board, windows=1, out=out)
    stated = built.report.duty_cycle
    assert stated is not None and (stated.sleep_watts, stated.uncounted_l2_bytes) == (2e-3, 0)
    assert not any("counts no power" in each for each in built.report.notices)
