"""Options of the form `name=value`, given once for each name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def parse_pairs(
    _context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Click callback: texts by name. Raises BadParameter on a malformed or repeated name."""
    pairs: dict[str, str] = {}
    for text in values:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise click.BadParameter(f"'{text}' is not of the form name=value", param=parameter)
        if name in pairs:
            raise click.BadParameter(f"'{name}' is given twice", param=parameter)
        pairs[name] = value
    return pairs


def set_option(help: str) -> Callable[[_Function], _Function]:
    """The decorator of ``--set NAME=VALUE``, which gives the command its ``settings``."""
    return click.option(
        "--set",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        callback=parse_pairs,
        help=help,
    )


def parse_sizes(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, int]:
    """Click callback: positive whole numbers by name. Raises BadParameter."""
    pairs = parse_pairs(context, parameter, values)
    for name, value in pairs.items():
        if not (value.isascii() and value.isdigit() and int(value) > 0):
            raise click.BadParameter(
                f"{name}={value}: a size is a positive whole number", param=parameter
            )
    return {name: int(value) for name, value in pairs.items()}
