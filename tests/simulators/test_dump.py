"""A layer's dump: which store a byte comes from, and dumps that are not whole."""

from __future__ import annotations

import struct

import pytest

from edgecomp.simulators import LayerDump, SimulatorError

BEGIN = struct.pack("<I", 0)
END = struct.pack("<5I", 2, 100, 4, 2, 10) + b"\1\2\3\4"


def store(l2: int, l1: int, length: int, rows: int = 1, stride: int = 0) -> bytes:
    return struct.pack("<8I", 1, l2, l1, length, rows, stride, 1, 0)


def wrote(core: int) -> bytes:
    return struct.pack("<II", 3, core)


def test_a_byte_is_found_in_the_store_that_covers_it() -> None:
    content = BEGIN + store(100, 8, 2, rows=3, stride=10) + store(102, 40, 2) + END
    dump = LayerDump.parse(content)
    assert (dump.offset, dump.data) == (100, b"\1\2\3\4")
    assert dump.origin(111) == (0, 8 + 2 + 1)
    assert dump.origin(103) == (1, 41)
    assert dump.origin(105) is None
    assert [dump.address(byte) for byte in range(4)] == [100, 101, 110, 111]


def test_the_last_store_of_a_byte_counts() -> None:
    dump = LayerDump.parse(BEGIN + store(100, 8, 4) + store(100, 40, 4) + END)
    assert dump.origin(101) == (1, 41)


def test_the_last_window_counts() -> None:
    dump = LayerDump.parse(BEGIN + store(0, 0, 4) + END + BEGIN + store(100, 8, 4) + END)
    assert [each.l2 for each in dump.stores] == [100]


def test_a_store_knows_the_core_that_changed_the_watched_byte_before_it() -> None:
    content = BEGIN + store(0, 0, 1) + wrote(2) + wrote(5) + store(1, 0, 1) + wrote(7) + END
    assert [each.core for each in LayerDump.parse(content).stores] == [None, 5]


@pytest.mark.parametrize("cut", [1, 4, 30, len(BEGIN + store(0, 0, 4))])
def test_a_dump_that_ends_too_early_is_an_error(cut: int) -> None:
    content = BEGIN + store(0, 0, 4) + END
    with pytest.raises(SimulatorError, match="ends too early"):
        LayerDump.parse(content[:cut] if cut > 1 else content[:-1])
