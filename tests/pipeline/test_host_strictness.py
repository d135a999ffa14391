"""The host simulator objects to programs that would fail on the chip, not only to wrong bits.

Each case breaks a sound project in one place and expects a complaint.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from edgecomp.errors import EdgecompError
from edgecomp.pipeline import Build, simulate


def broken(build: Build, folder: Path, file: str, pattern: str, replacement: str) -> Path:
    """A copy of the build with one edit in its project."""
    shutil.copytree(build.directory, folder)
    path = folder / "firmware" / file
    text, count = re.subn(pattern, replacement, path.read_text(), count=1)
    assert count == 1, f"{pattern} is not in {file}"
    path.write_text(text)
    return folder


def objects(folder: Path, sanitize: bool) -> bool:
    """Whether any of a few orders of transfers and cores shows the defect."""
    for seed in range(1, 7):
        try:
            if simulate(folder, sanitize=sanitize, seed=seed, windows=1).mismatch is not None:
                return True
        except EdgecompError:
            return True
    return False


@pytest.mark.parametrize("sanitize", [False, True])
@pytest.mark.parametrize(
    ("file", "pattern", "replacement"),
    [
        ("src/network.c", r"ec_hal_l3_wait\((ec_hal_l3_load\(.*\))\);", r"\1;"),
        ("runtime/src/runtime.c", r"ec_hal_l3_wait\(reads\[(.*)\]\);", r"(void)(\1);"),
        ("runtime/src/runtime.c", r"ec_hal_wait\(stream->pending\[copy\]\);", ""),
        ("src/layers.c", r"ec_hal_ne16_wait\(before\);", ""),
        ("runtime/src/runtime.c", r"ec_stream_wait\(&streams\[i\], copy\);", ""),
    ],
    ids=["resident weights", "weights", "tiles", "jobs", "results"],
)
def test_a_missing_wait(
    small_build: Build, tmp_path: Path, file: str, pattern: str, replacement: str, sanitize: bool
) -> None:
    folder = broken(small_build, tmp_path / "broken", file, pattern, replacement)
    assert objects(folder, sanitize)


def test_a_kernel_that_reads_l2(small_build: Build, tmp_path: Path) -> None:
    """On the chip that works, slowly, and the L1 plan would never be tested."""
    pattern = r"\.x = ec_stream_tile\(x, .*\),"
    direct = ".x = x->l2,"
    folder = broken(small_build, tmp_path / "broken", "src/layers.c", pattern, direct)
    with pytest.raises(EdgecompError, match="AddressSanitizer"):
        simulate(folder, sanitize=True, windows=1)


def test_a_kernel_that_writes_behind_its_tile(small_build: Build, tmp_path: Path) -> None:
    pattern = r"\n                \.rows = ([^,]+),"
    more = "\n                .rows = \\1 + 1,"
    folder = broken(small_build, tmp_path / "broken", "src/layers.c", pattern, more)
    with pytest.raises(EdgecompError, match="AddressSanitizer"):
        simulate(folder, sanitize=True, windows=1)
