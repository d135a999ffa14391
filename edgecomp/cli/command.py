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
_PRINTED = "edgecomp.json"
_WANTED = "edgecomp.wants_json"
_FREE_SPACE = "free some space; TMPDIR names the folder for temporary files"


class Command(click.Command):
    """A command that takes `--json` (as `as_json`) and `--debug`, and reports its own errors.

    With `--json` an error is {"error", "hint"} on standard output, besides the text on standard
    error, unless the result was printed already; wrong usage, too (see `Program`).
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.params += [
            click.Option(
                ["--json", "as_json"],
                is_flag=True,
                help="Print the result, or the error, as JSON on standard output.",
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
            message, hint = _describe(error)
            if ctx.params.get("as_json") and not ctx.meta.get(_PRINTED):
                print_json({"error": message, "hint": hint})
            click.echo(f"edgecomp: error: {message}" + (f"\n{hint}" if hint else ""), err=True)
            ctx.exit(1)


class Program(click.Group):
    """The group of all commands: wrong usage, too, is {"error", "hint"} where it says `--json`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click; remember whether somebody waits for JSON."""
        ctx.meta[_WANTED] = "--json" in args
        with ctx.scope(cleanup=False):
            try:
                return super().parse_args(ctx, args)
            except click.ClickException as error:
                _print_usage_error(error)
                raise

    def invoke(self, ctx: click.Context) -> Any:
        """As click, which finds, parses and runs the command here."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            _print_usage_error(error)
            raise


def _print_usage_error(error: click.ClickException) -> None:
    """On standard output; click itself writes the text, and gives the status."""
    meta = click.get_current_context().meta
    if not meta[_WANTED] or meta.get(_PRINTED):
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"see `{context.command_path} --help`" if context else ""
    print_json({"error": error.format_message(), "hint": hint})


def print_json(value: object) -> None:
    """`value` on standard output, which holds no second one: an error after it is text only."""
    click.echo(json.dumps(value, indent=2))
    click.get_current_context().meta[_PRINTED] = True


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


def _describe(error: Exception) -> tuple[str, str]:
    """The message and the hint; the hint may be empty."""
    if isinstance(error, EdgecompError):
        return error.message, error.hint
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return f"{place}{error.strerror}", _FREE_SPACE if full else ""
    if isinstance(error, MemoryError):
        return "this computer has too little memory for it", ""
    return (
        f"{type(error).__name__}: {error}",
        "this is a defect of edgecomp; run it again with --debug and report the traceback",
    )
