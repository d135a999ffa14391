"""Boxes of row-major tensors: the transfer that brings one into L1, and its strides there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgecomp.tiling.candidates import tile_sizes
from edgecomp.tiling.expr import Const, Expr, wrap
from edgecomp.tiling.program import Loop, Region


def dense_strides(shape: Sequence[Expr | int]) -> list[Expr]:
    """Strides in elements of a packed row-major tensor."""
    strides: list[Expr] = []
    stride: Expr = Const(1)
    for size in reversed(shape):
        strides.append(stride)
        stride = stride * size
    return strides[::-1]


def box_region(
    shape: Sequence[int],
    starts: Sequence[Expr | int],
    sizes: Sequence[Expr | int],
    element_bytes: int,
) -> Region | None:
    """The transfer of a box of a dense tensor, or None where it takes more than three levels."""
    strides = [s.value for s in dense_strides(list(shape)) if isinstance(s, Const)]
    offset: Expr = Const(0)
    for start, stride in zip(starts, strides, strict=True):
        offset = offset + wrap(start) * (stride * element_bytes)
    levels: list[tuple[Expr, int]] = [(Const(1), 1)]
    inner_is_full = True
    for size, full, stride in reversed(list(zip(map(wrap, sizes), shape, strides, strict=True))):
        if inner_is_full:
            count, unit = levels[-1]
            levels[-1] = (count * size, unit)
        elif size != Const(1):
            levels.append((size, stride))
        else:
            continue
        inner_is_full = size == Const(full)
    if len(levels) > 3:
        return None
    levels += [(Const(1), 0)] * (3 - len(levels))
    (length, _), (rows, row_stride), (planes, plane_stride) = levels
    return Region(
        offset,
        length * element_bytes,
        rows,
        row_stride * element_bytes,
        planes,
        plane_stride * element_bytes,
    )


@dataclass(frozen=True)
class Grid:
    """Tiles of a tensor: single indices of the outer axes, runs of one axis, the rest whole."""

    shape: tuple[int, ...]
    loops: tuple[Loop, ...]

    @property
    def split(self) -> int:
        """The axis that is cut into runs."""
        return len(self.loops) - 1

    @property
    def starts(self) -> list[Expr]:
        """First index of the tile along every axis."""
        whole = len(self.shape) - len(self.loops)
        return [*(loop.start for loop in self.loops), *([Const(0)] * whole)]

    @property
    def sizes(self) -> list[Expr]:
        """Size of the tile along every axis."""
        whole = self.shape[len(self.loops) :]
        return [*(loop.size for loop in self.loops), *map(wrap, whole)]

    def key(self, varies: Sequence[bool] | None = None) -> Expr:
        """A number that tells tiles apart, counting only axes that ``varies`` marks."""
        key: Expr = Const(0)
        for axis, loop in enumerate(self.loops):
            if varies is None or varies[axis]:
                key = key * loop.trips + loop.index
        return key

    def buffers(self, varies: Sequence[bool] | None = None) -> int:
        """2 where the tile changes from step to step."""
        return 1 if isinstance(self.key(varies), Const) else 2


def grids(shape: Sequence[int], inner_axes: int) -> Iterator[Grid]:
    """Ways to cut ``shape``; at most ``inner_axes`` axes, the cut one included, are in a tile."""
    axes = tuple(shape) or (1,)
    for split in range(max(0, len(axes) - inner_axes), len(axes)):
        outer = [Loop(f"i{axis}", axes[axis], 1) for axis in range(split)]
        inner = math.prod(axes[split + 1 :])
        multiple = 8 if inner < 64 else 1
        for step in dict.fromkeys([*tile_sizes(axes[split], multiple, 14), 1]):
            yield Grid(axes, (*outer, Loop(f"i{split}", axes[split], step)))


def padded(items: Sequence[Expr | int], count: int, fill: int) -> tuple[Expr, ...]:
    """``items`` behind as many ``fill`` as make ``count``."""
    return tuple(map(wrap, [*[fill] * (count - len(items)), *items]))


def collapse(operands: Sequence[Sequence[int]], result: Sequence[int]) -> list[tuple[int, ...]]:
    """Shapes of operands and result with as few axes as broadcasting allows.

    Axes of size 1 in the result disappear; neighbours that every operand broadcasts alike merge.
    """
    rank = len(result)
    full = [[*[1] * (rank - len(shape)), *shape] for shape in (*operands, result)]
    axes = [axis for axis in range(rank) if result[axis] != 1]
    merged: list[list[int]] = []
    previous: tuple[bool, ...] | None = None
    for axis in axes:
        column = [shape[axis] for shape in full]
        pattern = tuple(size == 1 for size in column)
        if pattern == previous:
            merged[-1] = [a * b for a, b in zip(merged[-1], column, strict=True)]
        else:
            merged.append(column)
        previous = pattern
    merged = merged or [[1] * len(full)]
    return [tuple(column[i] for column in merged) for i in range(len(full))]
