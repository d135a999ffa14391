"""Generated programs on the simulated chip; skipped, loudly, where there is none."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from edgecomp.errors import EdgecompError
from edgecomp.pipeline import Build, build, simulate
from edgecomp.simulators import gvsoc
from edgecomp.targets import load_board, target_names

pytestmark = [pytest.mark.gvsoc, pytest.mark.usefixtures("gvsoc")]

OPTIONS = {"layers": "1", "channels": "2", "samples": "100"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """TinyissimoMyo with one layer and ten tokens."""
    out = tmp_path_factory.mktemp("gvsoc") / "small"
    return build("tinyissimomyo", options=OPTIONS, windows=2, out=out)


@pytest.fixture
def broken(built: Build, tmp_path: Path) -> Path:
    """A copy of a build, to be broken."""
    return Path(shutil.copytree(built.directory, tmp_path / "broken"))


def replace(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_every_layer_has_the_bits_of_the_reference_and_measured_cycles(built: Build) -> None:
    simulation = simulate(built, simulator="gvsoc", windows=2)
    assert simulation.mismatch is None
    written = json.loads((built.directory / "simulation.json").read_text())
    assert written["simulator"] == "gvsoc"
    assert written["latency"]["provenance"] == "gvsoc"
    assert written["latency"]["label"].startswith("GVSoC")
    assert written["energy"]["provenance"] == "estimate"
    parts = ("compute", "exposed_dma", "exposed_l3", "exposed_ne16", "overhead")
    for layer in written["layers"]:
        assert layer["cycles"] == sum(layer[part] for part in parts)
    layers = sum(layer["cycles"] for layer in written["layers"])
    assert layers <= written["latency"]["cycles"] < 1.1 * layers
    level = written["memory"]["l2"]
    assert level["arena"] < level["peak"] < level["arena"] + 131_072
    assert level["provenance"] == "gvsoc"


def test_waits_for_ne16_and_its_work_are_counted(built: Build) -> None:
    """16 channels of 9 rows by 32 columns take the engine 63 cycles at least."""
    layers = simulate(built, simulator="gvsoc").report.layers
    on_engine = [layer for layer in layers if "ne16" in layer.engine]
    assert on_engine and len(on_engine) < len(layers)
    for layer in layers:
        assert layer.ne16_busy is not None and layer.exposed_ne16 is not None
        assert bool(layer.ne16_busy) == (layer in on_engine)
        assert layer.exposed_ne16 <= layer.ne16_busy <= 1.02 * layer.cycles
        assert layer.ne16_busy >= (layer.ne16_macs or 0) * 63 / (16 * 9 * 32)
    assert any(layer.exposed_ne16 for layer in on_engine)


@pytest.mark.parametrize("target", target_names())
def test_every_target_runs(target: str, tmp_path: Path) -> None:
    small = build("tinyissimomyo", target=target, options=OPTIONS, windows=1, out=tmp_path / "out")
    assert simulate(small, simulator="gvsoc").report.bit_exact


def test_a_stack_of_which_nothing_is_left_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The orchestrator's stack is what the state of the HAL leaves of the bytes reserved."""
    left: list[int] = []
    check = gvsoc._check_stacks
    monkeypatch.setattr(gvsoc, "_check_stacks", lambda run: left.extend(run.stacks_left))
    simulate(
        build("tinyissimomyo", options=OPTIONS, windows=1, out=tmp_path / "out"), simulator="gvsoc"
    )
    monkeypatch.setattr(gvsoc, "_check_stacks", check)
    enough = load_board("gap9_evk").reserved.orchestrator_stack_bytes
    board = tmp_path / "small.toml"
    board.write_text(
        'name = "small"\nbase = "gap9_evk"\ntarget = "gap9"\n'
        f"[reserved]\norchestrator_stack_bytes = {(enough - left[1]) // 16 * 16}\n"
    )
    small = build("tinyissimomyo", board=board, options=OPTIONS, windows=1, out=tmp_path / "small")
    with pytest.raises(EdgecompError, match="the orchestrator used all of its stack"):
        simulate(small, simulator="gvsoc")


def test_weights_that_do_not_fit_ram_are_read_from_flash(tmp_path: Path) -> None:
    """On both simulators. What lies in flash is not in the simulated RAM at all."""
    board = tmp_path / "short.toml"
    board.write_text(
        'name = "short"\nbase = "gap9_evk"\ntarget = "gap9"\n[memories]\nl3_bytes = 200_000\n'
    )
    out = tmp_path / "out"
    built = build("tinyissimomyo", board=board, options=OPTIONS, windows=2, out=out)
    assert built.report.memory.flash is not None
    assert built.report.memory.l3.peak <= 200_000 < built.report.memory.flash.peak
    for simulator in ("host", "gvsoc"):
        simulation = simulate(built, simulator=simulator, windows=2)
        assert simulation.mismatch is None
    chip = out / "firmware" / "gvsoc" / "gap9_gvsoc.py"
    replace(chip, 'Path("weights.bin")', 'Path("input.bin")')
    with pytest.raises(EdgecompError, match=r"the flash does not hold weights\.bin"):
        simulate(built, simulator="gvsoc")


def test_results_smaller_than_a_word_for_every_core_are_checked(tmp_path: Path) -> None:
    """Of one class, two bytes: one core has a share of them."""
    small = build(
        "tinyissimomyo", options={**OPTIONS, "classes": "1"}, windows=1, out=tmp_path / "out"
    )
    assert simulate(small, simulator="gvsoc").mismatch is None


def test_host_and_chip_give_the_same_checksums(built: Build) -> None:
    host = simulate(built, simulator="host", windows=1).report
    chip = simulate(built, simulator="gvsoc").report
    assert [each.checksum for each in host.layers] == [each.checksum for each in chip.layers]


def test_a_timeline_shows_every_layer_and_core(built: Build, tmp_path: Path) -> None:
    simulation = simulate(built, simulator="gvsoc", trace=tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    names = {event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert names == {"layers", "orchestrator", "NE16", *(f"core {core}" for core in range(8))}
    layers = [event["name"] for event in events if event.get("tid") == 0 and event["ph"] == "X"]
    assert layers == [layer.name for layer in simulation.report.layers]
    assert {event["name"] for event in events if event["ph"] == "b"} == {"DMA", "L3"}
    jobs = [event for event in events if event["name"].startswith("job ")]
    assert [event["name"] for event in jobs] == [f"job {i}" for i in range(len(jobs))]
    ends = [event["ts"] + event["dur"] for event in jobs]
    assert all(end <= event["ts"] + 1e-6 for end, event in zip(ends, jobs[1:], strict=False))
    busy = sum(layer.ne16_busy or 0 for layer in simulation.report.layers)
    shown = sum(event["args"]["cycles"] for event in jobs)
    assert 0.98 * busy <= shown <= 1.2 * busy  # recording delays the sight of an end


def test_a_wrong_weight_is_found_and_its_layer_named(broken: Path) -> None:
    weights = broken / "firmware" / "weights.bin"
    data = bytearray(weights.read_bytes())
    data[0] ^= 0x40
    weights.write_bytes(data)
    simulation = simulate(broken, simulator="gvsoc")
    assert simulation.mismatch is not None
    assert simulation.mismatch.layer == 0
    assert simulation.mismatch.difference is not None
    assert "of the L2 arena, stored from byte" in simulation.mismatch.difference.place


@pytest.mark.parametrize(
    ("row", "who"),
    [(5, "written by core 3"), (9, "right when the cores take turns: they disturb each other")],
)
def test_a_wrong_element_is_found_with_its_core(broken: Path, row: int, who: str) -> None:
    """Core 3 changes an element: of its own row, or of one that core 7 has yet to write.

    In the last normalisation: the others are parts of products, and write raised bytes.
    """
    source = broken / "firmware" / "src" / "layers.c"
    call = "    ec_layer_norm(arguments, core, cores);\n"
    args = "    const ec_layer_norm_args *a = arguments;\n"
    late = "    for (volatile int i = 0; i < 3000; ++i) {}\n" if row == 9 else ""
    last = "core == 3 && a->y_type == EC_I8"
    wrong = f"    if ({last}) {{\n{late}    ((int8_t *)a->y)[{row} * a->y_stride + 4] ^= 2; }}\n"
    replace(source, call, f"{call}{args}{wrong}")
    mismatch = simulate(broken, simulator="gvsoc").mismatch
    layers = json.loads((broken / "report.json").read_text())["layers"]
    norm = next(i for i, layer in enumerate(layers) if layer["op"] == "q_layer_norm")
    assert mismatch is not None and mismatch.layer == norm
    assert mismatch.difference is not None
    assert mismatch.difference.index[-2:] == (row, 4)
    assert mismatch.difference.actual == mismatch.difference.expected ^ 2
    assert mismatch.difference.place.endswith(who)


def test_weights_that_do_not_arrive_in_ram_are_an_error_of_the_start(broken: Path) -> None:
    """Not of the first layer that has other bits then."""
    hal = broken / "firmware" / "runtime" / "hal" / "gvsoc" / "hal_gvsoc.c"
    replace(hal, "REGISTER(HYPER_WRITE_START) = HYPER_ENABLE;", "")
    with pytest.raises(EdgecompError, match="before the first layer: .* RAM does not hold what"):
        simulate(broken, simulator="gvsoc")


def test_a_ram_that_is_smaller_than_the_weights_is_named(broken: Path) -> None:
    board = broken / "firmware" / "gvsoc" / "board.json"
    replace(board, '"l3_bytes": 33554432', '"l3_bytes": 131072')
    with pytest.raises(EdgecompError, match="before the first layer: .* asked for address 0x20000"):
        simulate(broken, simulator="gvsoc")


def test_an_illegal_instruction_is_reported_with_layer_core_and_place(broken: Path) -> None:
    source = broken / "firmware" / "src" / "layers.c"
    bad = 'if (core == 5) __asm__ volatile(".word 0xffffffff");\n    '
    replace(source, "    ec_layer_norm(arguments", f"    {bad}ec_layer_norm(arguments")
    place = r"core 5 stopped with an exception \(illegal .*\) at 0x1c0\w+ \(task_layer_norm\)"
    with pytest.raises(EdgecompError, match=rf"layer 1 \(.*qkv.*\): {place}"):
        simulate(broken, simulator="gvsoc")


def test_an_access_to_nowhere_is_reported_with_layer_core_and_address(broken: Path) -> None:
    source = broken / "firmware" / "src" / "layers.c"
    bad = "if (core == 2) *(volatile int *)0x30000000 = 1;\n    "
    replace(source, "    ec_layer_norm(arguments", f"    {bad}ec_layer_norm(arguments")
    with pytest.raises(EdgecompError, match=r"layer 1 .*core 2 .*0x30000000"):
        simulate(broken, simulator="gvsoc")


def test_a_core_that_does_not_return_is_reported(broken: Path) -> None:
    source = broken / "firmware" / "src" / "layers.c"
    bad = "while (core == 1) {}\n    "
    replace(source, "    ec_layer_norm(arguments", f"    {bad}ec_layer_norm(arguments")
    config = broken / "firmware" / "src" / "edgecomp_config.h"
    config.write_text(re.sub(r"(#define EC_HANG_CYCLES) \w+", r"\1 3000000u", config.read_text()))
    with pytest.raises(EdgecompError, match=r"layer 1 .*hangs: core 1 did not return"):
        simulate(broken, simulator="gvsoc")
