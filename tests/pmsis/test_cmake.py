"""The project's CMakeLists.txt, configured and built with a set-up file in place of the SDK's."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from torch import nn

from edgecomp.frontend.export import export_onnx
from edgecomp.pipeline import build

STUBS = Path(__file__).parent / "stubs"


pytestmark = pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed")


def configure(firmware: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """CMake's configuration, with a set-up file in place of the SDK's."""
    sdk = out.parent / "sdk"
    setup = sdk / "utils" / "cmake" / "setup.cmake"
    setup.parent.mkdir(parents=True, exist_ok=True)
    setup.write_text(f"include({STUBS}/setup.cmake)\n")
    command = ["cmake", "-S", firmware / "gap_sdk", "-B", out, "-DEDGECOMP_KERNELS=reference"]
    environment = {**os.environ, "GAP_SDK_HOME": str(sdk)}
    return subprocess.run([*command, *options], env=environment, capture_output=True, text=True)


def test_both_programs_build_without_warnings(tmp_path: Path) -> None:
    options = {"channels": 2, "samples": 100, "layers": 1}
    built = build("tinyissimomyo", options=options, windows=2, out=tmp_path / "net")
    firmware = built.directory / "firmware"
    for program, status in (("app", 0), ("check", 1)):
        out = tmp_path / program
        done = configure(firmware, out, f"-DEDGECOMP_PROGRAM={program}")
        assert done.returncode == 0, done.stdout + done.stderr
        done = subprocess.run(["cmake", "--build", out], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.copy(firmware / "weights.bin", out)
        ran = subprocess.run([out / "edgecomp_tinyissimomyo"], cwd=out, capture_output=True)
        assert ran.returncode == status  # check: there is no input.bin
        assert program == "app" or b"input.bin is not in the flash" in ran.stdout
    assert (tmp_path / "app" / "uart.bin").stat().st_size > 0


def test_settings_of_the_application_reach_the_compiler(tmp_path: Path) -> None:
    options = {"channels": 2, "samples": 100, "layers": 1}
    built = build("tinyissimomyo", options=options, windows=2, out=tmp_path / "net")
    settings = ["-DEC_APP_COUNT=0.2", "-DEC_APP_HOP=25"]
    asked = [*settings, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]
    done = configure(built.directory / "firmware", tmp_path / "app", *asked)
    assert done.returncode == 0 and "not used" not in done.stderr, done.stderr
    commands = (tmp_path / "app" / "compile_commands.json").read_text()
    assert all(setting in commands for setting in settings)


@pytest.mark.parametrize(("shape", "scores"), [((1, 3, 4, 4), 4), ((1, 2, 4), 66_000)])
def test_a_network_that_the_application_does_not_fit_has_the_check_only(
    shape: tuple[int, ...], scores: int, tmp_path: Path
) -> None:
    """An image: three channels of rows, not of samples. More scores than a message counts."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), scores)).eval()
    export_onnx(network, (torch.zeros(shape),), tmp_path / "net.onnx")
    built = build(tmp_path / "net.onnx", windows=2, out=tmp_path / "net")
    firmware = built.directory / "firmware"
    done = configure(firmware, tmp_path / "app", "-DEDGECOMP_PROGRAM=app")
    assert done.returncode != 0
    assert "application does not fit this network" in " ".join(done.stderr.split())
    assert configure(firmware, tmp_path / "default").returncode == 0
    assert "EDGECOMP_PROGRAM:STRING=check" in (tmp_path / "default/CMakeCache.txt").read_text()
    assert "application does not fit" in (firmware / "README.md").read_text()
