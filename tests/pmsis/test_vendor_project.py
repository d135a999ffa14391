"""What the vendor project does where something is special, or goes wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgecomp.frontend.export import export_onnx
from edgecomp.pipeline import Build, build
from edgecomp.zoo.fill import fill

from .vendor import LIBC, STRICT, assert_bits, assert_scores, includes, link, run_check, sources

TINY = {"channels": 4, "samples": 100, "layers": 1}
SHORT_OF_RAM = """
name = "short"
base = "gap9_evk"
target = "gap9"
[memories]
l3_bytes = 200_000
"""


@pytest.fixture(scope="session", params=["all in RAM", "weights in flash"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """TinyMyo at a small size; with half of its weights in flash."""
    folder = tmp_path_factory.mktemp("build")
    board = folder / "short.toml"
    board.write_text(SHORT_OF_RAM)
    short = request.param == "weights in flash"
    built = build(
        "tinymyo", options=TINY, windows=2, out=folder / "out", board=board if short else None
    )
    assert (built.report.memory.flash is not None) == short
    return built


def test_both_programs_give_the_bits_of_the_reference(built: Build, tmp_path: Path) -> None:
    """Compiled with the sanitizer of undefined behaviour; without it: test_every_encoder.py."""
    assert_bits(built, tmp_path, sanitize=True)
    assert_scores(built, tmp_path)


@pytest.mark.parametrize("count", [1.0, 0.0625])
def test_the_application_computes_the_scale_that_the_calibration_had(
    tmp_path: Path, count: float
) -> None:
    """Windows in microvolt / 100, from a front end whose counts are ``count`` microvolt."""
    module = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 38, 3))
    export_onnx(fill(module).eval(), (torch.zeros(1, 2, 40),), tmp_path / "own.onnx")
    windows = 5 + 8 * count * np.random.default_rng(0).standard_normal((4, 2, 40))
    np.save(tmp_path / "own.npy", windows.astype(np.float32))
    built = build(
        tmp_path / "own.onnx",
        calibration=tmp_path / "own.npy",
        normalise=0.01,
        out=tmp_path / "out",
    )
    assert_scores(built, tmp_path, count)


def test_a_start_that_fails_says_why(built: Build, tmp_path: Path) -> None:
    """Wrong weights, no clock, a RAM that takes nothing."""
    firmware = built.directory / "firmware"
    program = link(firmware, "check", tmp_path / "check")
    weights = tmp_path / "weights.bin"
    image = (firmware / "weights.bin").read_bytes()
    weights.write_bytes(image[:-1])
    start = "@ec error the platform did not start: "
    wrong = "weights.bin is not in the flash, or has another size (4)\n"
    assert run_check(program, tmp_path, built) == (4, start + wrong)
    weights.write_bytes(image)
    clock = "a clock does not take the board file's frequency (5)\n"
    assert run_check(program, tmp_path, built, "clock") == (5, start + clock)
    lost = "the external RAM does not hold what was written to it (6)\n"
    assert run_check(program, tmp_path, built, "ram") == (6, start + lost)
    weights.unlink()
    assert run_check(program, tmp_path, built) == (4, start + wrong)


def test_results_after_a_lost_read_are_not_told(built: Build, tmp_path: Path) -> None:
    """Where weights are read from flash; the others do not notice."""
    firmware = built.directory / "firmware"
    shutil.copy(firmware / "weights.bin", tmp_path)
    status, text = run_check(
        link(firmware, "check", tmp_path / "check"), tmp_path, built, fails="flash"
    )
    environment = {**os.environ, "STUB_FAILS": "flash"}
    application = link(firmware, "app", tmp_path / "app")
    sent = subprocess.run([application], cwd=tmp_path, env=environment).returncode
    if built.report.memory.flash is None:
        assert (status, sent) == (0, 0)
        return
    assert status == 1 and "weights could not be read from flash" in text
    assert "@ec check" not in text and "@ec output" not in text
    assert sent == 18 and (tmp_path / "uart.bin").read_bytes() == b""


def test_the_application_tells_that_it_has_no_uart(built: Build, tmp_path: Path) -> None:
    firmware = built.directory / "firmware"
    shutil.copy(firmware / "weights.bin", tmp_path)
    environment = {**os.environ, "STUB_FAILS": "uart"}
    program = link(firmware, "app", tmp_path / "app")
    assert subprocess.run([program], cwd=tmp_path, env=environment).returncode == 16


@pytest.mark.parametrize("program", ["check", "app"])
def test_it_compiles_for_a_32_bit_core_with_its_own_kernels(
    built: Build, tmp_path: Path, program: str
) -> None:
    """Compiled, not linked: the stubs are no runtime of the chip."""
    compiler = shutil.which(os.environ.get("EDGECOMP_RISCV_CC", "riscv64-unknown-elf-gcc"))
    if compiler is None:
        pytest.skip("no RISC-V compiler")
    firmware = built.directory / "firmware"
    libc = tmp_path / "libc"
    libc.mkdir()
    for name, declarations in LIBC.items():
        (libc / name).write_text("#include <stddef.h>\n" + declarations)
    arch = ["-march=rv32imc_zicsr", "-mabi=ilp32", "-O2", "-ffreestanding", "-c"]
    folders = [*includes(firmware), f"-I{libc}"]
    files = sources(firmware, program, "xpulp")
    command = [compiler, *STRICT, *arch, *folders, *map(str, files)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
