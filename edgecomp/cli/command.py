"""What all commands share: `--json`, `--debug`, and errors as one message."""

from __future__ import annotations

import errno
import io
import json
import traceback
from typing import Any

import click
from rich.console import Console, RenderableType

from edgecomp.errors import EdgecompError

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_UNWRAPPED = 10_000


class Command(click.Command):
    """A command that takes `--json` (as `as_json`) and `--debug`, and reports its own errors."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.params += [
            click.Option(
                ["--json", "as_json"],
                is_flag=True,
                help="Print the result as JSON on standard output.",
            ),
            click.Option(["--debug"], is_flag=True, help="Show the traceback of an error."),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error becomes a message and a status."""
        debug = ctx.params.pop("debug")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("edgecomp: interrupted", err=True)
            ctx.exit(_INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise
            if debug:
                traceback.print_exc()
            click.echo(f"edgecomp: error: {_message(error)}", err=True)
            ctx.exit(1)


def print_json(value: object) -> None:
    """`value` on standard output."""
    click.echo(json.dumps(value, indent=2))


def print_text(content: RenderableType) -> None:
    """`content` on standard output: styled on a terminal; plain and never wrapped elsewhere."""
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(content)
        return
    plain = Console(highlight=False, width=_UNWRAPPED, file=io.StringIO())
    with plain.capture() as capture:
        plain.print(content)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())


def _message(error: Exception) -> str:
    if isinstance(error, EdgecompError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}"
    if isinstance(error, MemoryError):
        return "this computer has too little memory for it"
    return (
        f"{type(error).__name__}: {error}\n"
        "this is a defect of edgecomp; run it again with --debug and report the traceback"
    )
