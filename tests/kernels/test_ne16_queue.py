"""Queues of jobs: the host's, and the driver that platforms with the engine share."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[2] / "runtime_c"
CONFIG = """
#define EC_L1_BYTES 4096
#define EC_L2_BYTES 64
#define EC_L3_BYTES 1
#define EC_L3_RAM_BYTES 1
#define EC_CORES 8
"""


def test_the_driver_counts_waits_for_a_place_and_for_the_end(tmp_path: Path) -> None:
    """600 jobs in a queue of two, whose numbers have 8 bits."""
    engine = Path(__file__).parent / "ne16_engine"
    program = tmp_path / "driver"
    own = ("hal/common", "hal/include", "kernels/include")
    folders = [engine, *(RUNTIME / folder for folder in own)]
    sources = [engine / "main.c", RUNTIME / "hal" / "common" / "ne16.c"]
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined"]
    includes = [f"-I{folder}" for folder in folders]
    subprocess.run(["gcc", *flags, *includes, *map(str, sources), "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("sanitizer", ["undefined", "address"])
def test_chain_of_jobs(tmp_path: Path, sanitizer: str) -> None:
    """Five jobs in a queue of two, each on the result of the one before it."""
    (tmp_path / "edgecomp_config.h").write_text(CONFIG)
    program = tmp_path / "queue"
    folders = ("include", "hal/include", "hal/host", "kernels/include")
    sources = [
        Path(__file__).parent / "ne16_queue.c",
        RUNTIME / "hal" / "host" / "hal_host.c",
        RUNTIME / "hal" / "host" / "ne16_model.c",
        RUNTIME / "kernels" / "ne16" / "ne16_linear.c",
    ]
    flags = ["-std=c11", "-g", f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", "-Wall"]
    includes = [f"-I{tmp_path}", *(f"-I{RUNTIME / folder}" for folder in folders)]
    command = ["gcc", *flags, "-Werror", *includes, *map(str, sources), "-o", str(program)]
    subprocess.run(command, check=True)
    seen = set()
    for seed in range(20):
        done = subprocess.run([str(program), str(seed)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout.strip())
    assert "late" in seen
