"""Tiles of data movement: ``transpose``, ``slice`` and ``expand`` as strided copies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgecomp.ir import Node
from edgecomp.tiling.boxes import Grid, box_region, collapse, dense_strides, grids, padded
from edgecomp.tiling.expr import Const, Expr, wrap
from edgecomp.tiling.program import Argument, Call, Operand, Pointer, TileProgram, Vector
from edgecomp.tiling.search import tiler

AXES = 5


@dataclass(frozen=True)
class Axis:
    """Where an axis of the result comes from: an axis of x (None: repeated), start and step."""

    size: int
    source: int | None
    start: int = 0
    step: int = 1


@tiler("transpose")
def transpose(node: Node) -> Iterator[TileProgram]:
    """Axes that stay neighbours move as one."""
    shape = node.inputs[0].shape
    kept = [axis for axis in range(len(shape)) if shape[axis] != 1]
    order = [kept.index(axis) for axis in node.integers("permutation") if axis in kept]
    groups: list[list[int]] = []
    for axis in order:
        if groups and groups[-1][-1] + 1 == axis:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    sizes = [math.prod(shape[kept[axis]] for axis in group) for group in groups]
    position = sorted(range(len(groups)), key=lambda i: groups[i][0])
    x_shape = [sizes[i] for i in position]
    axes = [Axis(size, position.index(i)) for i, size in enumerate(sizes)]
    return _programs(node, x_shape, axes)


@tiler("slice")
def slice_(node: Node) -> Iterator[TileProgram]:
    """Axes that are taken whole merge with the axis before them."""
    x_shape: list[int] = []
    axes: list[Axis] = []
    spans = zip(
        node.inputs[0].shape,
        node.output.shape,
        node.integers("starts"),
        node.integers("steps"),
        strict=True,
    )
    for full, size, start, step in spans:
        before = axes[-1] if axes else None
        if before is not None and size == full and (before.step == 1 or size == 1):
            x_shape[-1] *= full
            axes[-1] = Axis(before.size * size, before.source, before.start * full, before.step)
        else:
            axes.append(Axis(size, len(x_shape), start, step))
            x_shape.append(full)
    return _programs(node, x_shape, axes)


@tiler("expand")
def expand(node: Node) -> Iterator[TileProgram]:
    """Repeated axes have stride 0."""
    x_shape, y_shape = collapse([node.inputs[0].shape], node.output.shape)
    axes = [
        Axis(size, axis if x_shape[axis] == size else None) for axis, size in enumerate(y_shape)
    ]
    return _programs(node, x_shape, axes)


def _programs(node: Node, x_shape: Sequence[int], axes: Sequence[Axis]) -> Iterator[TileProgram]:
    for grid in grids([axis.size for axis in axes], AXES):
        program = _program(node, x_shape, axes, grid)
        if program is not None:
            yield program


def _program(
    node: Node, x_shape: Sequence[int], axes: Sequence[Axis], grid: Grid
) -> TileProgram | None:
    x, y = node.inputs[0], node.output
    element = y.type.dtype.bytes
    starts: list[Expr] = [Const(0)] * len(x_shape)
    sizes: list[Expr] = [Const(1)] * len(x_shape)
    for axis, start, size in zip(axes, grid.starts, grid.sizes, strict=True):
        if axis.source is not None:
            starts[axis.source] = start * axis.step + axis.start
            sizes[axis.source] = (size - 1) * axis.step + 1
    source = box_region(x_shape, starts, sizes, element)
    target = box_region(grid.shape, grid.starts, grid.sizes, element)
    if source is None or target is None:
        return None
    varies = [axis.source is not None for axis in axes]
    operands = (
        Operand("x", x, "in", source, grid.key(varies), grid.buffers(varies)),
        Operand("y", y, "out", target, grid.key(), grid.buffers()),
    )
    arguments = copy_arguments(
        grid.sizes, _strides(axes, dense_strides(sizes)), dense_strides(grid.sizes), element
    )
    work = math.prod(grid.sizes, start=wrap(1))
    rate = "transpose" if element == 1 else "transpose_wide"
    inner = axes[-1]
    kept = inner.source == len(x_shape) - 1 and inner.step == 1
    call = Call("copy", arguments, elements=work, rate="" if kept else rate)
    title = f"{node.op} {list(x.shape)} -> {list(y.shape)}"
    return TileProgram(grid.loops, operands, (call,), order=title)


def _strides(axes: Sequence[Axis], dense: Sequence[Expr]) -> list[Expr]:
    return [wrap(0) if a.source is None else dense[a.source] * a.step for a in axes]


def copy_arguments(
    sizes: Sequence[Expr | int],
    x_strides: Sequence[Expr | int],
    y_strides: Sequence[Expr | int],
    element_bytes: int,
    x: Argument | None = None,
    y: Argument | None = None,
) -> dict[str, Argument]:
    """Arguments of the copy kernel for up to five axes (the outermost beyond are single)."""
    first = max(0, len(sizes) - AXES)
    return {
        "x": x if x is not None else Pointer("x"),
        "y": y if y is not None else Pointer("y"),
        "size": Vector(padded(sizes[first:], AXES, 1)),
        "x_stride": Vector(padded(x_strides[first:], AXES, 0)),
        "y_stride": Vector(padded(y_strides[first:], AXES, 0)),
        "element_bytes": wrap(element_bytes),
        "fill": wrap(0),
    }
