"""Options of the form `name=value`, given once for each name."""

from __future__ import annotations

import click


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
