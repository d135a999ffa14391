"""Tiles of ``q_softmax``: blocks of whole rows."""

from __future__ import annotations

from collections.abc import Iterator

from edgecomp.ir import Node
from edgecomp.tiling.candidates import requantization, row_blocks, row_operand, whole_operand
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.program import Argument, Call, Loop, Pointer, Scalar, TileProgram, c_type
from edgecomp.tiling.search import tiler


@tiler("q_softmax")
def softmax(node: Node) -> Iterator[TileProgram]:
    """Row blocks of every size."""
    width = node.output.shape[-1]
    rows = node.output.type.size // width
    for m in row_blocks(rows):
        yield _program(node, m, width)


def _program(node: Node, m: Loop, width: int) -> TileProgram:
    x, table = node.inputs
    operands = (
        row_operand("x", x, m, width),
        whole_operand("exp_table", table),
        row_operand("y", node.output, m, width, "out"),
    )
    arguments: dict[str, Argument] = {
        "x": Pointer("x"),
        "exp_table": Pointer("exp_table"),
        "y": Pointer("y"),
        "rows": m.size,
        "columns": wrap(width),
        "x_stride": wrap(width),
        "y_stride": wrap(width),
        "limit": Scalar(node.integer("score_limit")),
        "score_multiplier": Scalar(node.integer("score_multiplier")),
        "score_shift": Scalar(node.integer("score_shift")),
        **requantization(node),
        "x_type": c_type(x),
        "y_type": c_type(node.output),
    }
    call = Call("softmax", arguments, elements=m.size * width, rows=m.size)
    return TileProgram((m,), operands, (call,), order=f"q_softmax [{m.extent}, {width}]")
