"""Tiles of ``q_norm``: the reduced axes are whole in a tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgecomp.ir import Node
from edgecomp.ir.stated import optional_integer
from edgecomp.tiling.candidates import requantization, whole_operand
from edgecomp.tiling.program import Argument, Null, Pointer, Scalar, TileProgram, c_type
from edgecomp.tiling.reductions import boxes
from edgecomp.tiling.search import tiler


@tiler("q_norm")
def norm(node: Node) -> Iterator[TileProgram]:
    """Boxes of the kept axes."""
    tables = [whole_operand("table", value) for value in node.inputs[1:]]
    arguments: dict[str, Argument] = {
        "zero_x": Scalar(node.integer("zero_x")),
        "drop": Scalar(optional_integer(node, "drop")),
        "fraction": Scalar(node.integer("fraction")),
        "table": Pointer("table") if tables else Null(),
        **({} if tables else requantization(node)),
        "x_type": c_type(node.inputs[0]),
    }
    for each in boxes(node):
        x, y = each.operands
        cut = replace(each, operands=(x, *tables, y))
        yield cut.program(node, "norm", "norm", arguments)
