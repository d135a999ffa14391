"""Tiles of ``q_reduce``: the reduced axes are whole in a tile."""

from __future__ import annotations

from collections.abc import Iterator

from edgecomp.ir import Node
from edgecomp.ir.stated import optional_integer
from edgecomp.tiling.candidates import requantization
from edgecomp.tiling.program import Argument, Scalar, Symbol, TileProgram, c_type
from edgecomp.tiling.reductions import boxes
from edgecomp.tiling.search import tiler

_KINDS = {"sum": "EC_SUM", "mean": "EC_SUM", "max": "EC_MAX", "min": "EC_MIN"}


@tiler("q_reduce")
def reduce(node: Node) -> Iterator[TileProgram]:
    """Boxes of the kept axes."""
    arguments: dict[str, Argument] = {
        "reduction": Symbol(_KINDS[node.text("function")]),
        **requantization(node),
        "pre_shift": Scalar(optional_integer(node, "pre_shift")),
        "x_type": c_type(node.inputs[0]),
    }
    for each in boxes(node):
        yield each.program(node, "reduce", "reduce", arguments)
