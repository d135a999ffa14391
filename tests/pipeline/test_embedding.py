"""The generated README's example, compiled and run as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgecomp.pipeline import Build


def test_the_example_of_the_project_s_readme_compiles_and_runs(
    small_build: Build, tmp_path: Path
) -> None:
    folder = tmp_path / "firmware"
    shutil.copytree(small_build.directory / "firmware", folder)
    text = (folder / "README.md").read_text()
    example = re.search(r"```c\n(.*?)```", text, re.DOTALL)
    command = re.search(r"^    (cc .*?)\n\n", text, re.DOTALL | re.MULTILINE)
    assert example is not None and command is not None
    (folder / "main.c").write_text(example.group(1))
    line = command.group(1).replace("cc ", "${CC:-cc} -Wall -Wextra -Werror ", 1)
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert subprocess.run([folder / "a.out"]).returncode == 0


def test_the_host_program_refuses_half_a_window(small_build: Build, tmp_path: Path) -> None:
    folder = tmp_path / "firmware"
    shutil.copytree(small_build.directory / "firmware", folder)
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    subprocess.run(["make", "host"], cwd=folder, check=True, capture_output=True)
    (tmp_path / "input.bin").write_bytes(bytes(100))
    arguments = [tmp_path / name for name in ("input.bin", "output.bin", "checksums.txt")]
    done = subprocess.run(
        [folder / "build/host/network", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 65
    assert "100 bytes are left; a window has 200" in done.stderr
