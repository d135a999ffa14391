"""Tiles of unary elementwise operators, ``q_table`` and ``q_requantize``: runs of elements."""

from __future__ import annotations

from collections.abc import Iterator

from edgecomp.ir import Node
from edgecomp.tiling.candidates import requantization, tile_sizes, vector_operand, whole_operand
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Operand,
    Pointer,
    TileProgram,
    c_type,
)
from edgecomp.tiling.search import tiler

ELEMENTS_MULTIPLE = 256


def _loops(node: Node) -> Iterator[Loop]:
    size = node.output.type.size
    for step in dict.fromkeys([*tile_sizes(size, ELEMENTS_MULTIPLE, 14), min(size, 64)]):
        yield Loop("e", size, step)


def _result(node: Node, e: Loop) -> Operand:
    read = vector_operand("y", node.output, e)
    return Operand("y", node.output, "out", read.region, read.key, read.buffers)


def _shape(e: Loop) -> dict[str, Argument]:
    return {
        "x": Pointer("x"),
        "y": Pointer("y"),
        "rows": wrap(1),
        "columns": e.size,
        "x_stride": e.size,
        "y_stride": e.size,
    }


@tiler("q_table")
def table(node: Node) -> Iterator[TileProgram]:
    """Runs of every size; the table stays in L1."""
    for e in _loops(node):
        operands = (
            vector_operand("x", node.inputs[0], e),
            whole_operand("table", node.inputs[1]),
            _result(node, e),
        )
        arguments = {**_shape(e), "table": Pointer("table")}
        call = Call("table", arguments, elements=e.size)
        yield TileProgram((e,), operands, (call,), order=f"q_table [{e.extent}]")


@tiler("q_requantize")
def requantize(node: Node) -> Iterator[TileProgram]:
    """Runs of every size."""
    x = node.inputs[0]
    for e in _loops(node):
        arguments: dict[str, Argument] = {
            **_shape(e),
            **requantization(node),
            "x_type": c_type(x),
            "y_type": c_type(node.output),
        }
        call = Call("requantize", arguments, elements=e.size)
        operands = (vector_operand("x", x, e), _result(node, e))
        yield TileProgram((e,), operands, (call,), order=f"q_requantize [{e.extent}]")
