"""Tile programs whose calls and transfers race are refused."""

from __future__ import annotations

import pytest

from edgecomp.ir import DType, TensorType, Value
from edgecomp.tiling.program import (
    Call,
    Loop,
    Operand,
    Pointer,
    Region,
    Scratch,
    TileProgram,
)

M = Loop("m", 64, 8)
Q = Loop("q", 4, 1)
TILE = Region.contiguous(M.start, M.size)


def _value(name: str, size: int = 64) -> Value:
    return Value(name, TensorType((size,), DType.I8))


def _x(buffers: int = 2) -> Operand:
    return Operand("x", _value("x"), "in", TILE, M.index, buffers)


def _y(buffers: int = 2) -> Operand:
    return Operand("y", _value("y"), "out", TILE, M.index, buffers)


def _call(x: str, y: str, lag: int = 0, ne16: bool = False, at: int | None = None) -> Call:
    """From buffer ``x`` to ``y``; ``at``: only at this step of the inner loop."""
    when = () if at is None else ((Q.index, at),)
    pointers = {"x": Pointer(x), "y": Pointer(y)}
    return Call("table", pointers, M.size, when=when, engine="ne16" if ne16 else "cluster", lag=lag)


def test_the_memory_of_a_tile_is_not_written_before_its_store() -> None:
    """The store comes at the last step of its version, not behind the last call that writes it."""
    late = (_call("x", "y", at=0), _call("x", "y", lag=2, at=0))
    TileProgram((M, Q), (_x(), _y(1)), late[:1]).check()
    with pytest.raises(ValueError, match="content of y is replaced"):
        TileProgram((M, Q), (_x(), _y(1)), late).check()
    assert TileProgram((M, Q), (_x(), _y()), late).schedule.copies["y"] == 2


def test_later_versions_in_the_same_memory_count_too() -> None:
    """Only even tiles write the scratch: with one or two copies tile m + 2 comes into the memory of m."""
    even = ((M.index - M.index // 2 * 2, 0),)
    write = Call("table", {"x": Pointer("x"), "y": Pointer("s")}, M.size, when=even)
    read = Call("table", {"x": Pointer("s"), "y": Pointer("y")}, M.size, when=even, lag=3)
    rest = Call("table", {"x": Pointer("x"), "y": Pointer("y")}, M.size)
    program = TileProgram((M,), (_x(), _y()), (write, read, rest), (Scratch("s", 8, M.index),))
    assert program.schedule.copies["s"] == 3


def test_a_result_is_not_replaced_before_its_last_reader() -> None:
    calls = (_call("x", "y"), _call("y", "s", lag=3))
    program = TileProgram((M,), (_x(), _y()), calls, (Scratch("s", 8, M.index),))
    assert program.schedule.copies["y"] == 3
    with pytest.raises(ValueError, match="content of y is replaced"):
        TileProgram((M,), (_x(), _y(1)), calls, (Scratch("s", 8, M.index),)).check()
