"""`edgecomp models`: the encoders of the zoo."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group
from rich.text import Text

from edgecomp.cli.command import Command, print_json, print_text


@click.command(cls=Command)
@click.argument("name", required=False)
def models(*, name: str | None, as_json: bool) -> None:
    """List the encoders of the zoo, or the options of the one called NAME."""
    from edgecomp.zoo import describe

    found = describe(name)
    if as_json:
        print_json(found)
    elif name is not None:
        print_text(_details(found[0]))
    else:
        from edgecomp.report.columns import Column, Columns

        figures = [Column("model", "whole"), Column("parameters"), Column("input")]
        print_text(Columns([*figures, Column("", "prose")], map(_row, found)))


def _row(model: dict[str, Any]) -> list[str]:
    return [model["name"], f"{model['parameters']:,}", _shape(model), model["summary"]]


def _shape(model: dict[str, Any]) -> str:
    return "x".join(map(str, model["input_shape"]))


def _details(model: dict[str, Any]) -> Group:
    from edgecomp.report.columns import Column, Columns

    head = f"{model['name']}: {model['summary']}"
    facts = f"{model['parameters']:,} parameters, input {_shape(model)}, {model['signal']}"
    rate = f" at {model['rate']:g} Hz" if model["rate"] else ""
    recordings = f"recordings{rate} prepared by: {', '.join(model['preparations'])}"
    rows = (
        [f"--set {option['name']}={option['default']}", _values(option), option["help"]]
        for option in model["options"]
    )
    columns = [Column("option and default", "whole"), Column("values", "prose")]
    options = Columns([*columns, Column("", "prose")], rows)
    return Group(Text(head), Text(facts), Text(recordings), Text(), options)


def _values(option: dict[str, Any]) -> str:
    if "choices" in option:
        return ", ".join(option["choices"])
    return f"{option['minimum']} to {option['maximum']}"
