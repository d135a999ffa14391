"""Boxes of the kept axes of a reduction; the reduced axes are whole in each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from edgecomp.ir import Node
from edgecomp.tiling.boxes import Grid, box_region, dense_strides, grids, padded
from edgecomp.tiling.expr import Const, Expr, wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Operand,
    Pointer,
    TileProgram,
    Vector,
    c_type,
)

AXES = 4
"""Kept ones, and reduced ones, that a kernel walks."""


@dataclass(frozen=True)
class _Axis:
    size: int
    reduced: bool


@dataclass(frozen=True)
class Boxes:
    """One way to cut a reduction: loops, operands x and y, and what a kernel is told of both."""

    loops: tuple[Loop, ...]
    operands: tuple[Operand, ...]
    arguments: dict[str, Argument]
    elements: Expr
    results: Expr
    inner: bool
    """Whether the innermost axis is reduced."""

    def program(
        self, node: Node, kernel: str, rate: str, arguments: dict[str, Argument]
    ) -> TileProgram:
        """Calls of ``kernel`` with ``arguments`` of its own.

        Their ``rate`` ends in _across where x is walked across its innermost axis.
        """
        call = Call(
            kernel,
            {**self.arguments, **arguments, "y_type": c_type(node.output)},
            elements=self.elements,
            rows=self.results,
            rate=rate if self.inner else f"{rate}_across",
        )
        x, y = node.inputs[0], node.output
        title = f"{node.op} {list(x.shape)} -> {list(y.shape)}"
        return TileProgram(self.loops, self.operands, (call,), order=title)


def boxes(node: Node) -> Iterator[Boxes]:
    """All ways to cut ``node``, whose attribute ``axes`` says what is reduced."""
    axes = _merged(node)
    kept = [axis.size for axis in axes if not axis.reduced]
    if len(axes) - len(kept) > AXES:
        return
    for grid in grids(kept, AXES):
        found = _boxes(node, axes, grid)
        if found is not None:
            yield found


def _merged(node: Node) -> list[_Axis]:
    """The axes of x, neighbours of one kind merged, sizes of 1 dropped."""
    shape = node.inputs[0].shape
    reduced = {axis % len(shape) for axis in node.integers("axes")}
    merged: list[_Axis] = []
    for index, size in enumerate(shape):
        axis = _Axis(size, index in reduced)
        if size == 1:
            continue
        if merged and merged[-1].reduced == axis.reduced:
            merged[-1] = _Axis(merged[-1].size * size, axis.reduced)
        else:
            merged.append(axis)
    return merged


def _boxes(node: Node, axes: list[_Axis], grid: Grid) -> Boxes | None:
    x, y = node.inputs[0], node.output
    starts: list[Expr] = []
    sizes: list[Expr] = []
    tiles = iter(zip(grid.starts, grid.sizes, strict=True))
    for axis in axes:
        start, size = (Const(0), wrap(axis.size)) if axis.reduced else next(tiles)
        starts.append(start)
        sizes.append(size)
    source = box_region([a.size for a in axes], starts, sizes, x.type.dtype.bytes)
    target = box_region(grid.shape, grid.starts, grid.sizes, y.type.dtype.bytes)
    if source is None or target is None:
        return None
    strides = dense_strides(sizes)
    kept = [s for s, axis in zip(strides, axes, strict=True) if not axis.reduced] or [wrap(0)]
    inner = slice(max(0, len(grid.shape) - AXES), None)
    reduced = [(a.size, s) for a, s in zip(axes, strides, strict=True) if a.reduced]
    arguments: dict[str, Argument] = {
        "x": Pointer("x"),
        "y": Pointer("y"),
        "kept": Vector(padded(grid.sizes[inner], AXES, 1)),
        "reduced": Vector(padded([size for size, _ in reduced], AXES, 1)),
        "x_kept_stride": Vector(padded(kept[inner], AXES, 0)),
        "x_reduced_stride": Vector(padded([stride for _, stride in reduced], AXES, 0)),
        "y_stride": Vector(padded(dense_strides(grid.sizes)[inner], AXES, 0)),
    }
    operands = (
        Operand("x", x, "in", source, grid.key(), grid.buffers()),
        Operand("y", y, "out", target, grid.key(), grid.buffers()),
    )
    return Boxes(
        grid.loops,
        operands,
        arguments,
        math.prod(sizes, start=wrap(1)),
        math.prod(grid.sizes, start=wrap(1)),
        bool(axes) and axes[-1].reduced,
    )
