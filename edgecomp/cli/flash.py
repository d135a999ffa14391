"""`edgecomp flash`: put a build on a board."""

from __future__ import annotations

import os
from pathlib import Path

import click

from edgecomp.cli.command import Command, print_json
from edgecomp.cli.pairs import set_option
from edgecomp.cli.progress import open_progress


@click.command(cls=Command)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--board", metavar="NAME|FILE", help="Default: the board of the build.")
@set_option(
    "A setting of the sample application, repeatable: EC_APP_HOP (samples between windows), "
    "EC_APP_COUNT (one count of the front end in the network's unit) and EC_APP_FIXED_SCALE "
    "where samples are multiplied by a factor, not z-scored, or "
    "EDGECOMP_SOURCE=driver.c, your front end's driver."
)
@click.option("--dry-run", is_flag=True, help="Print the command lines; nothing is needed or run.")
def flash(
    *, directory: Path, board: str | None, settings: dict[str, str], dry_run: bool, as_json: bool
) -> None:
    """Build the project in DIRECTORY with the vendor's SDK, write it to a board and run it."""
    from edgecomp.flashing import built_for, flash_board, plan_commands
    from edgecomp.targets import load_board

    chosen = load_board(board) if board else built_for(directory)
    planned = plan_commands(directory, chosen, os.environ, settings=settings)
    commands = [each.shell() for each in planned]
    if dry_run:
        if as_json:
            print_json({"commands": commands})
        else:
            click.echo("\n".join(commands))
        return
    with open_progress() as progress:
        output = flash_board(directory, chosen, settings=settings, progress=progress)
    if as_json:
        print_json({"commands": commands, "output": output})
    else:
        click.echo(output)
