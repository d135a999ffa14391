"""Every command of the documentation runs, page by page, from top to bottom in one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import pages

WITH_COMMANDS = [page for page in pages.PAGES if "```console" in page.read_text(encoding="utf-8")]


@pytest.fixture
def shell(tmp_path: Path):
    """Runs a command in an empty folder where `edgecomp` and `python` are those of the tests.

    What the commands write is written there: the repository stays as it is.
    """
    before = visible(pages.ROOT)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, command in (("edgecomp", "-m edgecomp"), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        program.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    inherited = {k: v for k, v in os.environ.items() if k != "EDGECOMP_GVSOC"}
    path = os.pathsep.join([str(pages.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])

    def run(command: str, **variables: str) -> None:
        environment = inherited | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": path,
            **variables,
        }
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    run.folder = folder
    yield run
    assert visible(pages.ROOT) == before


def visible(root: Path) -> set[str]:
    """What lies in the repository's own folder and beside its pages, but for caches."""
    found = [*root.iterdir(), *root.glob("docs/*")]
    kept = [path for path in found if not path.name.startswith((".", "__pycache__"))]
    return {path.relative_to(root).as_posix() for path in kept}


def test_a_file_that_is_left_in_the_repository_is_seen(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    before = visible(tmp_path)
    (tmp_path / ".pytest_cache").mkdir()
    assert visible(tmp_path) == before
    (tmp_path / "compared.html").touch()
    assert visible(tmp_path) == before | {"compared.html"}


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_every_command_runs(page: Path, shell) -> None:
    """Blocks with a title become files; blocks that need something are tested elsewhere, or not."""
    for block in pages.blocks(page.read_text(encoding="utf-8")):
        if block.title is not None:
            (shell.folder / block.title).write_text(block.body, encoding="utf-8")
        for command in block.commands if block.needs is None else ():
            shell(command)


@pytest.mark.slow
@pytest.mark.gvsoc
@pytest.mark.parametrize(
    "page",
    [p for p in WITH_COMMANDS if "needs: gvsoc" in p.read_text(encoding="utf-8")],
    ids=lambda page: page.name,
)
def test_every_command_that_needs_gvsoc_runs(page: Path, shell, gvsoc) -> None:
    for block in pages.blocks(page.read_text(encoding="utf-8")):
        for command in block.commands if block.needs == "gvsoc" else ():
            shell(command, EDGECOMP_GVSOC=os.environ["EDGECOMP_GVSOC"])


def test_what_is_not_run_here_is_known() -> None:
    """Setting up and all tests are what CI itself does; nothing else may say that it needs more."""
    kept = [
        command
        for page in WITH_COMMANDS
        for block in pages.blocks(page.read_text(encoding="utf-8"))
        for command in block.commands
        if block.needs not in (None, "gvsoc")
    ]
    assert sorted(set(kept)) == [
        "python3 bootstrap.py demo",
        "python3 bootstrap.py test",
        "source .venv/bin/activate",
    ]


def test_pages_have_commands_behind_a_prompt() -> None:
    """A command without one would not be run."""
    for page in WITH_COMMANDS:
        for block in pages.blocks(page.read_text(encoding="utf-8")):
            if block.language == "console":
                assert len(block.commands) == len(block.body.splitlines()), page
