"""Tile sizes worth trying, and operand shapes that many layers share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from edgecomp.ir import DType, Node, Value
from edgecomp.tiling.expr import Const, Expr
from edgecomp.tiling.program import (
    Argument,
    Call,
    Direction,
    Loop,
    Operand,
    Pointer,
    Region,
    Scalar,
)
from edgecomp.tiling.views import resolve

ROWS_MULTIPLE = 8
"""Rows are shared among 8 cores."""

COLUMNS_MULTIPLE = 4
"""Kernels compute four output channels at a time."""


def tile_sizes(extent: int, multiple: int = 1, most: int = 10) -> list[int]:
    """Up to ``most`` tile sizes for ``extent`` elements and the smallest one, largest first.

    Sizes split the extent as evenly as possible into 1, 2, 3, ... tiles and are rounded up to
    ``multiple`` (registers and vectors are filled); small extents are offered whole.
    """
    sizes: list[int] = []
    parts = 1
    while len(sizes) < most and parts <= extent:
        size = min(extent, round_up(math.ceil(extent / parts), multiple))
        if not sizes or size < sizes[-1]:
            sizes.append(size)
        if size <= multiple:
            break
        parts = max(parts + 1, math.ceil(extent / size) + 1) if parts < 8 else parts * 3 // 2
    smallest = min(extent, multiple)
    if sizes[-1] > smallest:
        sizes.append(smallest)
    return sizes


def round_up(value: int, multiple: int) -> int:
    """The least multiple of ``multiple`` that is no less than ``value``."""
    return -(-value // multiple) * multiple


def row_blocks(rows: int) -> Iterator[Loop]:
    """Loops over blocks of whole rows, of every size worth trying."""
    for step in dict.fromkeys([*tile_sizes(rows, ROWS_MULTIPLE), 1]):
        yield Loop("m", rows, step)


def buffers_for(*loops: Loop) -> int:
    """2 where one of ``loops`` moves the operand on, so that its transfers can overlap."""
    return 2 if any(loop.trips > 1 for loop in loops) else 1


def row_operand(
    name: str,
    value: Value,
    rows: Loop,
    width: int,
    direction: Direction = "in",
    buffers: int | None = None,
) -> Operand:
    """Whole rows of a tensor seen as [rows, width]; by default transfers overlap."""
    pitch = width * value.type.dtype.bytes
    region = Region.contiguous(rows.start * pitch, rows.size * pitch)
    return Operand(name, value, direction, region, rows.index, buffers or buffers_for(rows))


def block_operand(
    name: str, value: Value, rows: Loop, columns: Loop, direction: Direction = "in"
) -> Operand:
    """A block of a tensor seen as [rows, columns], which may lie in a wider one."""
    size = value.type.dtype.bytes
    pitch = resolve(value).pitch or columns.extent * size
    region = Region.block(
        rows.start * pitch + columns.start * size, rows.size, columns.size * size, pitch
    )
    key = rows.index * columns.trips + columns.index
    return Operand(name, value, direction, region, key, buffers_for(rows, columns))


def vector_operand(name: str, value: Value, columns: Loop) -> Operand:
    """The part of a per-channel constant that belongs to ``columns``."""
    size = value.type.dtype.bytes
    region = Region.contiguous(columns.start * size, columns.size * size)
    return Operand(name, value, "in", region, columns.index, buffers_for(columns))


When = tuple[tuple[Expr, int], ...]
"""A condition on the loop indices, see `Call.when`."""


def first_uses(moved_by: Sequence[Loop], loops: Sequence[Loop]) -> When:
    """When a tile that depends on the loops ``moved_by`` is new; ``loops``: all, outer to inner."""
    moving = [loop for loop in moved_by if loop.trips > 1]
    last = max((loops.index(loop) for loop in moving), default=-1)
    return tuple((loop.index, 0) for loop in loops[last + 1 :] if loop.trips > 1)


def lowering(operand: Operand, when: When) -> list[Call]:
    """What brings a raised operand's new tiles down to int8, for the cores: in place, once a load.

    No calls for an operand that is int8.
    """
    return _flipping(operand, when) if operand.value.type.dtype is DType.U8 else []


def raising(operand: Operand, when: When) -> list[Call]:
    """What raises an int8 operand's new tiles, for an accelerator: as :func:`lowering`.

    No calls for an operand that is raised.
    """
    return _flipping(operand, when) if operand.value.type.dtype is DType.I8 else []


def _flipping(operand: Operand, when: When) -> list[Call]:
    size = operand.region.bytes
    arguments: dict[str, Argument] = {"x": Pointer(operand.name), "bytes": size}
    return [Call("flip_sign", arguments, size, when=when, outputs=frozenset({"x"}))]


def whole_operand(name: str, value: Value) -> Operand:
    """A tensor that stays in L1 for the whole layer."""
    return Operand(name, value, "in", Region.contiguous(0, value.type.bytes), Const(0), 1)


def requantization(node: Node) -> dict[str, Argument]:
    """The arguments of a kernel that requantizes with numbers stated by ``node``."""
    return {name: Scalar(node.integer(name)) for name in ("multiplier", "bias", "shift")}
