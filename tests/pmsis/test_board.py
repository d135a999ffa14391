"""`simulate --simulator board`, with a flash tool that runs the program on this computer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgecomp.errors import EdgecompError
from edgecomp.pipeline import Build, build, simulate
from edgecomp.simulators import SimulatorError

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
    options = {"channels": 2, "samples": 100, "layers": 1}
    out = tmp_path_factory.mktemp("build") / "net"
    return build("tinyissimomyo", options=options, windows=2, out=out)


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
    assert found.report.latency.provenance == "estimate"
    install(built, tmp_path / "bad", f"| sed '{OTHER_DIGIT}'", monkeypatch)
    other = simulate(built, simulator="board", windows=2)
    assert other.mismatch is not None
    assert (other.mismatch.window, other.mismatch.layer) == (1, 3)


def test_a_board_that_says_nothing(
    built: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(built, tmp_path / "sdk", "| grep -v done", monkeypatch)
    with pytest.raises(SimulatorError, match="did not report 2 finished windows"):
        simulate(built, simulator="board", windows=2)
    monkeypatch.delenv("GAP_SDK_HOME")
    with pytest.raises(EdgecompError, match="GAP_SDK_HOME is not set"):
        simulate(built, simulator="board")
