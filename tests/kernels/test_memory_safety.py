"""The kernel tests once more under the address sanitizer: no read or write leaves its tensor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def address_sanitizer() -> str:
    """The runtime that has to be loaded before Python; skips where gcc has none."""
    command = ["gcc", "-print-file-name=libasan.so"]
    library = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not os.path.isabs(library):
        pytest.skip("gcc has no address sanitizer runtime")
    return library


def run_here(*arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest on this folder with instrumented kernels."""
    environment = os.environ | {
        "LD_PRELOAD": address_sanitizer(),
        "ASAN_OPTIONS": "detect_leaks=0",
        "EDGECOMP_TEST_SANITIZER": "address,undefined",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONMALLOC": "malloc",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return subprocess.run(
        [*command, *arguments, str(Path(__file__).parent)],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )


def test_kernels_stay_inside_their_tensors() -> None:
    """Every kernel on small tiles, inputs and outputs between red zones."""
    result = run_here(
        "-m", "not gvsoc", "-k", "not memory_safety and not accuracy and not definition"
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "passed" in result.stdout
