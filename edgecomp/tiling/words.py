"""Rows that are no whole words: copies of them in L1 with zeros behind, for products by words."""

from __future__ import annotations

from edgecomp.tiling.candidates import When, round_up
from edgecomp.tiling.expr import Expr, wrap
from edgecomp.tiling.program import Argument, Call, Pointer

WORD = 4
"""Elements that the products take at a time."""

FEWEST_ROWS = 8
"""For fewer, whole words save less than it takes to make them."""


def padded(name: str) -> str:
    """The scratch memory that holds the rows of operand ``name`` as whole words."""
    return f"{name}_words"


def padding(name: str, rows: Expr, width: int, y_rows: Expr, when: When) -> Call:
    """``rows`` rows of operand ``name`` to whole words, and rows of zeros up to ``y_rows``."""
    words = round_up(width, WORD)
    arguments: dict[str, Argument] = {
        "x": Pointer(name),
        "y": Pointer(padded(name)),
        "rows": rows,
        "columns": wrap(width),
        "y_rows": y_rows,
        "y_columns": wrap(words),
        "x_stride": wrap(width),
        "y_stride": wrap(words),
    }
    return Call("zero_pad", arguments, y_rows * words, when=when)
