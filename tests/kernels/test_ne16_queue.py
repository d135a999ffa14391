"""The host's queue of jobs: in order, complete after the wait, and not always before."""

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
