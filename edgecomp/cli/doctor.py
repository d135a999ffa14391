"""`edgecomp doctor`: which tools there are."""

from __future__ import annotations

import dataclasses

import click
from rich.text import Text

from edgecomp.cli.command import Command, print_json, print_text
from edgecomp.cli.tools import Tool, inspect_tools
from edgecomp.errors import EdgecompError


@click.command(cls=Command)
def doctor(*, as_json: bool) -> None:
    """Say which tools were found, what a missing one would enable and how to get it.

    The exit status is 1 when something is missing that edgecomp cannot do without.
    """
    tools = inspect_tools()
    if as_json:
        print_json([dataclasses.asdict(tool) for tool in tools])
    else:
        for tool in tools:
            print_text(_line(tool))
    missing = [tool.name for tool in tools if tool.required and not tool.found]
    if missing:
        raise EdgecompError(f"edgecomp cannot work without: {', '.join(missing)}")


def _line(tool: Tool) -> Text:
    if tool.found:
        return Text.assemble(("found    ", "green"), (tool.name, "bold"), f"  {tool.detail}")
    style = "red" if tool.required else "yellow"
    return Text.assemble(
        ("unusable " if tool.detail else "missing  ", style),
        (tool.name, "bold"),
        f"{f'  {tool.detail}' if tool.detail else ''}  for: {tool.enables}\n         {tool.how}",
    )
