"""`edgecomp ops`: the ONNX operators that a network may use."""

from __future__ import annotations

import click
from rich.text import Text

from edgecomp.cli.command import Command, print_json, print_text


@click.command(cls=Command)
def ops(*, as_json: bool) -> None:
    """List the ONNX operators that may depend on the network's input.

    Operators on constants are evaluated when the network is read, whatever they are.
    """
    from edgecomp.frontend import supported_operators

    names = supported_operators()
    if as_json:
        print_json(names)
    else:
        print_text(Text("\n".join(names)))
