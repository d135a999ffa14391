"""The normalisation that a product does to its input: ``norm`` of `ops/normalized.py` in tiles."""

from __future__ import annotations

from edgecomp.ir import Node
from edgecomp.ir.fixed_point import RAISED
from edgecomp.ir.stated import flag, optional_integer
from edgecomp.ops.normalized import PREFIX
from edgecomp.tiling.candidates import When
from edgecomp.tiling.expr import Expr, wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Null,
    Pointer,
    Scalar,
    Scratch,
    Symbol,
    c_type,
)

NORMALIZED = "normalized"
"""The scratch memory that holds the normalised rows."""


def normalizes(node: Node) -> bool:
    """Whether the product ``node`` normalises its input."""
    return flag(node, "norm")


def normalized_rows(rows: Loop, width: int) -> Scratch:
    """Memory for the normalised tile of a block of rows."""
    return Scratch(NORMALIZED, rows.step * width, rows.index)


def normalization(
    node: Node, x: str, rows: Expr, width: int, when: When, raised: bool = False
) -> Call:
    """The rows of operand ``x`` to 8 bits in ``NORMALIZED``: int8, or raised for NE16."""
    zero = node.integer(f"{PREFIX}zero") + (RAISED if raised else 0)
    arguments: dict[str, Argument] = {
        "x": Pointer(x),
        "gain": Null(),
        "offset": Null(),
        "y": Pointer(NORMALIZED),
        "rows": rows,
        "columns": wrap(width),
        "x_stride": wrap(width),
        "y_stride": wrap(width),
        "epsilon_q8": Scalar(node.integer(f"{PREFIX}epsilon_q8")),
        "multiplier": Scalar(node.integer(f"{PREFIX}multiplier")),
        "shift": Scalar(node.integer(f"{PREFIX}shift")),
        "gain_shift": wrap(0),
        "zero": Scalar(zero),
        "x_type": c_type(node.inputs[0]),
        "y_type": Symbol("EC_U8" if raised else "EC_I8"),
        "rms": wrap(int(flag(node, f"{PREFIX}rms"))),
        "x_zero": Scalar(optional_integer(node, f"{PREFIX}x_zero")),
    }
    return Call("layer_norm", arguments, elements=rows * width, rows=rows, when=when)
