"""`edgecomp flash`: put a build on a board."""

from __future__ import annotations

from pathlib import Path

import click

from edgecomp.cli.command import Command
from edgecomp.errors import EdgecompError


@click.command(cls=Command)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--board", metavar="NAME|FILE", help="Default: the board of the build.")
@click.option("--dry-run", is_flag=True, help="Print the command lines, run nothing.")
def flash(*, directory: Path, board: str | None, dry_run: bool, as_json: bool) -> None:
    """Put the project in DIRECTORY on a board. Not available yet."""
    raise EdgecompError(
        "flash is not available yet: this version generates no project for the vendor SDK",
        f"edgecomp simulate {directory} runs the same C on this computer",
    )
