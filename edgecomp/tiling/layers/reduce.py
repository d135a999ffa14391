"""Tiles of ``q_reduce``: the reduced axes are whole in a tile."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from edgecomp.ir import Node
from edgecomp.ir.stated import optional_integer
from edgecomp.tiling.boxes import Grid, box_region, dense_strides, grids, padded
from edgecomp.tiling.expr import Const, Expr, wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Operand,
    Pointer,
    Scalar,
    Symbol,
    TileProgram,
    Vector,
    c_type,
)
from edgecomp.tiling.search import tiler

AXES = 4
_KINDS = {"sum": "EC_SUM", "mean": "EC_SUM", "max": "EC_MAX", "min": "EC_MIN"}


@dataclass(frozen=True)
class _Axis:
    size: int
    reduced: bool


@tiler("q_reduce")
def reduce(node: Node) -> Iterator[TileProgram]:
    """Boxes of the kept axes."""
    axes = _merged(node)
    kept = [axis.size for axis in axes if not axis.reduced]
    if len(axes) - len(kept) > AXES:
        return
    for grid in grids(kept, AXES):
        program = _program(node, axes, grid)
        if program is not None:
            yield program


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


def _program(node: Node, axes: list[_Axis], grid: Grid) -> TileProgram | None:
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
        "reduction": Symbol(_KINDS[node.text("function")]),
        "multiplier": Scalar(node.integer("multiplier")),
        "bias": Scalar(node.integer("bias")),
        "shift": Scalar(node.integer("shift")),
        "pre_shift": Scalar(optional_integer(node, "pre_shift")),
        "x_type": c_type(x),
        "y_type": c_type(y),
    }
    work: Expr = wrap(1)
    for size in sizes:
        work = work * size
    operands = (
        Operand("x", x, "in", source, grid.key(), grid.buffers()),
        Operand("y", y, "out", target, grid.key(), grid.buffers()),
    )
    outputs = math.prod(grid.sizes, start=wrap(1))
    rate = "reduce" if axes and axes[-1].reduced else "reduce_across"
    call = Call("reduce", arguments, elements=work, rows=outputs, rate=rate)
    title = f"q_reduce {list(x.shape)} -> {list(y.shape)}"
    return TileProgram(grid.loops, operands, (call,), order=title)
