"""`simulate --simulator board`, with a flash tool that runs the program on this computer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgecomp.cli import cli
from edgecomp.errors import EdgecompError
from edgecomp.flashing import FlashError, built_for
from edgecomp.pipeline import Build, build, simulate
from edgecomp.simulators import SimulatorError
from edgecomp.targets import load_board

STUBS = Path(__file__).parent / "stubs"

GAPY = """#!/bin/sh
cp {firmware}/weights.bin .
for last in "$@"; do :; done
"${{last#--binary=}}" {change}
"""

OTHER_DIGIT = "/check 1 3 [0-7]/{s/check 1 3 ./check 1 3 f/;b};s/check 1 3 ./check 1 3 0/"
"""Another first digit of the checksum of layer 3 of window 1."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """For a board file of the user's own, which may be gone when the build is run."""
    options = {"channels": 2, "samples": 100, "layers": 1}
    folder = tmp_path_factory.mktemp("build")
    board = folder / "mine.toml"
    board.write_text('name = "mine"\nbase = "gap9_evk"\ntarget = "gap9"\n')
    built = build("tinyissimomyo", options=options, board=board, windows=2, out=folder / "net")
    assert built_for(built.directory) == load_board(board)
    board.unlink()
    return built


def install(built: Build, sdk: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An SDK whose gapy runs the program; ``change`` edits what it prints."""
    firmware = built.directory / "firmware"
    kernels = "set(EDGECOMP_KERNELS reference CACHE STRING kernels)\n"
    files = {
        "utils/cmake/setup.cmake": f"{kernels}include({STUBS}/setup.cmake)\n",
        "utils/gapy_v2/bin/gapy": GAPY.format(firmware=firmware, change=change),
        "utils/efuse/GAP9/efuse_hyper_preload.data": "",
    }
    for name, text in files.items():
        (sdk / name).parent.mkdir(parents=True)
        (sdk / name).write_text(text)
        (sdk / name).chmod(0o755)
    monkeypatch.setenv("GAP_SDK_HOME", str(sdk))


pytestmark = pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed")


def test_every_bit_is_compared(
    built: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(built, tmp_path / "good", "", monkeypatch)
    found = simulate(built, simulator="board", windows=2)
    assert found.mismatch is None
    assert found.report.simulator == "board"
    install(built, tmp_path / "bad", f"| sed '{OTHER_DIGIT}'", monkeypatch)
    other = simulate(built, simulator="board", windows=2)
    assert other.mismatch is not None
    assert (other.mismatch.window, other.mismatch.layer) == (1, 3)


def test_cycles_are_the_boards_as_far_as_it_counts_them(
    built: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the first window; at the clock that the board says it has."""
    window = "s/window 0 .*/window 0 123456/;s/@ec clock .*/@ec clock 100000000/"
    layer = "s/timed 0 2 .*/timed 0 2 1000 500 200 100 50/"
    install(built, tmp_path / "sdk", f"| sed '{window};{layer}'", monkeypatch)
    report = simulate(built, simulator="board", windows=2).report
    assert report.bit_exact
    latency = report.latency
    assert (latency.provenance, latency.label, latency.cycles) == ("board", "mine", 123456)
    assert (latency.frequency_hz, latency.seconds) == (1e8, pytest.approx(1.23456e-3))
    energy, estimated = report.energy, built.report.energy
    assert energy is not None and estimated is not None and energy.provenance == "estimate"
    assert energy.joules == pytest.approx(estimated.average_watts * latency.seconds)
    third = report.layers[2]
    assert third.cycles == 1000
    parts = (third.compute, third.exposed_dma, third.exposed_l3, third.exposed_ne16, third.overhead)
    assert parts == (500, 200, 100, 50, 150)
    assert third.ne16_macs == built.report.layers[2].ne16_macs
    written = json.loads((built.directory / "simulation.json").read_text())
    for found, planned in zip(written["layers"], built.report.layers, strict=True):
        assert "ne16_busy" not in found
        assert ("ne16" in planned.engine) == (found["exposed_ne16"] > 0)
    assert report.memory == built.report.memory  # nothing of it was measured
    assert "run on the board" in (built.directory / "simulation.html").read_text()


def test_a_line_that_lost_its_end_is_an_error(
    built: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(built, tmp_path / "lost", "| sed 's/timed 0 2 .*/timed 0 2 10/'", monkeypatch)
    with pytest.raises(SimulatorError, match="does not print: @ec timed 0 2 10"):
        simulate(built, simulator="board")
    install(built, tmp_path / "gone", "| sed '/timed 0 2/d'", monkeypatch)
    with pytest.raises(SimulatorError, match="did not report all of its"):
        simulate(built, simulator="board")


def test_a_program_that_stops_says_why(
    built: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_FAILS", "ram")
    install(built, tmp_path / "sdk", "|| true", monkeypatch)
    with pytest.raises(SimulatorError, match="on the board .* RAM does not hold what was written"):
        simulate(built, simulator="board")


def test_the_board_of_a_build(built: Build, tmp_path: Path) -> None:
    """Its own, also for `flash`; a damaged one is named."""
    lines = CliRunner().invoke(cli, ["flash", str(built.directory), "--dry-run"])
    assert lines.exit_code == 0, lines.stderr
    folder = Path(shutil.copytree(built.directory, tmp_path / "net"))
    board = folder / "firmware" / "gap_sdk" / "board.json"
    board.write_text(board.read_text().replace('"l2_bytes"', '"l2_octets"'))
    with pytest.raises(FlashError, match=r"board\.json is no board of this version"):
        built_for(folder)
    board.unlink()
    with pytest.raises(EdgecompError, match="unknown board 'mine'"):
        built_for(folder)


def test_a_board_that_says_nothing(
    built: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(built, tmp_path / "sdk", "| grep -v done", monkeypatch)
    with pytest.raises(SimulatorError, match="did not report 2 finished windows"):
        simulate(built, simulator="board", windows=2)
    monkeypatch.delenv("GAP_SDK_HOME")
    with pytest.raises(EdgecompError, match="GAP_SDK_HOME is not set"):
        simulate(built, simulator="board")
