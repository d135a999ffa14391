"""Tile programs whose calls and transfers race are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgecomp.ir import DType, TensorType, Value
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.program import (
    Call,
    Columns,
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
    """Only even tiles write: with one or two copies tile m + 2 has the memory of tile m."""
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


def test_a_result_that_nothing_writes_is_not_stored() -> None:
    first = Call("table", {"x": Pointer("x"), "y": Pointer("y")}, M.size, when=((M.index, 0),))
    for calls in ((), (_call("x", "s"),), (first,)):
        with pytest.raises(ValueError, match="a tile of y is stored, but nothing wrote it"):
            TileProgram((M,), (_x(), _y()), calls, (Scratch("s", 8, M.index),)).check()


def test_what_a_call_changes_in_place_was_written_before() -> None:
    calls = (_call("s", "s"), _call("s", "y"))
    with pytest.raises(ValueError, match="reads s, which nothing has written"):
        TileProgram((M,), (_x(), _y()), calls, (Scratch("s", 8, M.index),)).check()
    TileProgram((M,), (_x(), _y()), (_call("x", "s"), *calls), (Scratch("s", 8),)).check()


def _flip(at: int | None = None, lag: int = 0) -> Call:
    when = () if at is None else ((Q.index, at),)
    outputs = frozenset({"x"})
    return Call("flip_sign", {"x": Pointer("x")}, M.size, when=when, lag=lag, outputs=outputs)


def test_an_input_is_changed_in_place_once_a_load() -> None:
    TileProgram((M, Q), (_x(), _y()), (_flip(0), _call("x", "y"))).check()
    with pytest.raises(ValueError, match="flip_sign changes x more than once a load"):
        TileProgram((M, Q), (_x(), _y()), (_flip(), _call("x", "y"))).check()


def test_an_input_is_changed_in_place_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="table may read x before flip_sign changed it"):
        TileProgram((M, Q), (_x(), _y()), (_flip(1), _call("x", "y"))).check()
    with pytest.raises(ValueError, match="table may read x before flip_sign changed it"):
        TileProgram((M, Q), (_x(), _y()), (_flip(0), _call("x", "y", ne16=True))).check()
    TileProgram((M, Q), (_x(), _y()), (_flip(0), _call("x", "y", lag=1, ne16=True))).check()


def test_every_load_is_changed_in_place_or_none() -> None:
    when, outputs = ((M.index, 0),), frozenset({"x"})
    flip = Call("flip_sign", {"x": Pointer("x")}, M.size, when=when, outputs=outputs)
    with pytest.raises(ValueError, match="flip_sign does not change every load of x"):
        TileProgram((M,), (_x(), _y()), (flip, _call("x", "y"))).check()


def test_what_a_later_step_needs_is_not_overwritten_within_a_version() -> None:
    """The engine writes for step m + 1 in the slot in which the cores read for step m."""
    calls = (_call("x", "s", ne16=True), _call("s", "y", lag=1))
    with pytest.raises(ValueError, match="ne16_table may overwrite s while table uses it"):
        write = replace(calls[0], kernel="ne16_table")
        TileProgram((M,), (_x(), _y()), (write, calls[1]), (Scratch("s", 8),)).check()
    TileProgram((M,), (_x(), _y()), calls, (Scratch("s", 8, M.index),)).check()
    in_turn = (_call("x", "s"), _call("s", "y"))
    TileProgram((M,), (_x(), _y()), in_turn, (Scratch("s", 8),)).check()


def test_every_write_that_may_come_early_counts() -> None:
    """The first write behind a read is far enough off, but the one after that is not."""
    columns = [Columns(wrap(8), 16), Columns(wrap(8), 16)]
    turn = M.index - M.index // 2 * 2
    write = Call("write", {"y": Pointer("s", turn * 8, columns[0])}, M.size, engine="ne16")
    change = Call("table", {"x": Pointer("s", turn * 8, columns[1]), "y": Pointer("y")}, M.size)
    for lag in (1, 2):
        program = TileProgram(
            (M,), (_x(), _y()), (write, replace(change, lag=lag)), (Scratch("s", 16),)
        )
        if lag == 1:
            program.check()
            continue
        with pytest.raises(ValueError, match="write may overwrite s while table uses it"):
            program.check()


@pytest.mark.parametrize(
    ("written", "read", "good"),
    [
        (Columns(wrap(8), 64), Columns(wrap(8), 64), True),
        (Columns(wrap(9), 72), Columns(wrap(8), 72), True),
        (Columns(wrap(8), 64), Columns(wrap(9), 72), False),
        (Columns(wrap(8), 72), Columns(wrap(9), 72), False),
        (Columns(wrap(8), 64), None, False),
        (None, Columns(wrap(8), 64), False),
        (Columns(wrap(8), 8), Columns(wrap(8), 8), False),
    ],
)
def test_only_other_columns_are_written_meanwhile(
    written: Columns | None, read: Columns | None, good: bool
) -> None:
    target, source = Pointer("s", M.start, written), Pointer("s", M.start, read)
    write = Call("write", {"x": Pointer("x"), "y": target}, M.size, engine="ne16")
    use = Call("table", {"x": source, "y": Pointer("y")}, M.size, lag=1)
    program = TileProgram((M,), (_x(), _y()), (write, use), (Scratch("s", 512),))
    if good:
        program.check()
        return
    with pytest.raises(ValueError, match="write may overwrite s while table uses it"):
        program.check()


def test_columns_lie_within_their_pitch() -> None:
    target, source = (Pointer("s", M.start, Columns(wrap(9), 64)) for _ in range(2))
    write = Call("write", {"x": Pointer("x"), "y": target}, M.size, engine="ne16")
    use = Call("table", {"x": source, "y": Pointer("y")}, M.size, lag=1)
    with pytest.raises(ValueError, match="columns of s are wider than its pitch 64"):
        TileProgram((M,), (_x(), _y()), (write, use), (Scratch("s", 512),)).check()


def test_two_engines_do_not_write_one_buffer_in_one_slot() -> None:
    calls = (_call("x", "s"), _call("x", "s", ne16=True), _call("s", "y", lag=2))
    with pytest.raises(ValueError, match="table may overwrite s while table uses it"):
        TileProgram((M,), (_x(), _y()), calls, (Scratch("s", 8, M.index),)).check()
