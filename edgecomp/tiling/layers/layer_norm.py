"""Tiles of ``q_layer_norm``: blocks of whole rows."""

from __future__ import annotations

from collections.abc import Iterator

from edgecomp.ir import Node
from edgecomp.ir.stated import flag, optional_integer
from edgecomp.tiling.candidates import row_blocks, row_operand, whole_operand
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.program import Argument, Call, Loop, Null, Pointer, Scalar, TileProgram, c_type
from edgecomp.tiling.search import tiler


@tiler("q_layer_norm")
def layer_norm(node: Node) -> Iterator[TileProgram]:
    """Row blocks of every size; rows too long for two buffers go through one."""
    width = node.output.shape[-1]
    rows = node.output.type.size // width
    for m in row_blocks(rows):
        yield _program(node, m, width)
    yield _program(node, Loop("m", rows, 1), width, buffers=1)


def _program(node: Node, m: Loop, width: int, buffers: int | None = None) -> TileProgram:
    x = node.inputs[0]
    affine = flag(node, "affine")
    operands = [row_operand("x", x, m, width, buffers=buffers)]
    if affine:
        operands.append(whole_operand("gain", node.inputs[1]))
        operands.append(whole_operand("offset", node.inputs[2]))
    operands.append(row_operand("y", node.output, m, width, "out", buffers))
    arguments: dict[str, Argument] = {
        "x": Pointer("x"),
        "gain": Pointer("gain") if affine else Null(),
        "offset": Pointer("offset") if affine else Null(),
        "y": Pointer("y"),
        "rows": m.size,
        "columns": wrap(width),
        "x_stride": wrap(width),
        "y_stride": wrap(width),
        "epsilon_q8": Scalar(node.integer("epsilon_q8")),
        "multiplier": Scalar(node.integer("multiplier")),
        "shift": Scalar(node.integer("shift")),
        "gain_shift": Scalar(node.integer("gain_shift") if affine else 0),
        "zero": Scalar(node.integer("zero")),
        "x_type": c_type(x),
        "y_type": c_type(node.output),
        "rms": Scalar(int(flag(node, "rms"))),
        "x_zero": Scalar(optional_integer(node, "x_zero")),
    }
    rate = "layer_norm_affine" if affine else ""
    call = Call("layer_norm", arguments, elements=m.size * width, rows=m.size, rate=rate)
    title = f"q_layer_norm [{m.extent}, {width}]"
    return TileProgram((m,), tuple(operands), (call,), order=title)
