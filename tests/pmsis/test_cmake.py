"""The project's CMakeLists.txt, configured and built with a set-up file in place of the SDK's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edgecomp.pipeline import build

STUBS = Path(__file__).parent / "stubs"


@pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed")
def test_both_programs_build_without_warnings(tmp_path: Path) -> None:
    options = {"channels": 2, "samples": 100, "layers": 1}
    built = build("tinyissimomyo", options=options, windows=2, out=tmp_path / "net")
    firmware = built.directory / "firmware"
    setup = tmp_path / "sdk" / "utils" / "cmake" / "setup.cmake"
    setup.parent.mkdir(parents=True)
    setup.write_text(f"include({STUBS}/setup.cmake)\n")
    environment = {**os.environ, "GAP_SDK_HOME": str(tmp_path / "sdk")}
    for program, status in (("app", 0), ("check", 1)):
        out = tmp_path / program
        configure = ["cmake", "-S", firmware / "gap_sdk", "-B", out]
        configure += [f"-DEDGECOMP_PROGRAM={program}", "-DEDGECOMP_KERNELS=reference"]
        for command in (configure, ["cmake", "--build", out]):
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
        shutil.copy(firmware / "weights.bin", out)
        ran = subprocess.run([out / "edgecomp_tinyissimomyo"], cwd=out, capture_output=True)
        assert ran.returncode == status  # check: there is no input.bin
        assert program == "app" or b"input.bin is not in the flash" in ran.stdout
    assert (tmp_path / "app" / "uart.bin").stat().st_size > 0
