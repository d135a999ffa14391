"""`edgecomp flash`: put a build on a board."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from edgecomp.cli.command import Command
from edgecomp.errors import EdgecompError


@click.command(cls=Command)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--board", metavar="NAME|FILE", help="Not used yet. Default: the board of the build.")
@click.option("--dry-run", is_flag=True, help="Not used yet.")
def flash(*, directory: Path, board: str | None, dry_run: bool, as_json: bool) -> None:
    """Put the project in DIRECTORY on a board: not available yet.

    This version generates no project for the vendor SDK; `edgecomp simulate` runs the same C.
    """
    raise EdgecompError(
        "flash is not available yet: this version generates no project for the vendor SDK",
        f"edgecomp simulate {shlex.quote(str(directory))} runs the same C on this computer",
    )
