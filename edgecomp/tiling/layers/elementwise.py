"""Tiles of ``q_add`` and ``q_mul``: boxes of the result and what they need of the operands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from edgecomp.ir import DType, Node, Value
from edgecomp.tiling.boxes import Grid, box_region, collapse, dense_strides, grids, padded
from edgecomp.tiling.expr import Expr, wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Direction,
    Operand,
    Pointer,
    Scalar,
    TileProgram,
    Vector,
    c_type,
)
from edgecomp.tiling.search import tiler

AXES = 4


@tiler("q_add")
def add(node: Node) -> Iterator[TileProgram]:
    """Boxes of every size."""
    return _programs(node, "add", ("multiplier_a", "multiplier_b", "bias", "shift"))


@tiler("q_mul")
def mul(node: Node) -> Iterator[TileProgram]:
    """Boxes of every size."""
    return _programs(node, "mul", ("zero_a", "zero_b", "multiplier", "bias", "shift"))


def _programs(node: Node, kernel: str, scalars: Sequence[str]) -> Iterator[TileProgram]:
    shapes = collapse([value.shape for value in node.inputs], node.output.shape)
    for grid in grids(shapes[-1], AXES):
        program = _program(node, kernel, scalars, shapes, grid)
        if program is not None:
            yield program


def _program(
    node: Node,
    kernel: str,
    scalars: Sequence[str],
    shapes: Sequence[tuple[int, ...]],
    grid: Grid,
) -> TileProgram | None:
    values = {"a": node.inputs[0], "b": node.inputs[1], "y": node.output}
    operands: list[Operand] = []
    arguments: dict[str, Argument] = {name: Pointer(name) for name in values}
    inner = slice(max(0, len(grid.shape) - AXES), None)
    arguments["size"] = Vector(padded(grid.sizes[inner], AXES, 1))
    for (name, value), shape in zip(values.items(), shapes, strict=True):
        operand = broadcast_operand(name, value, shape, grid, "out" if name == "y" else "in")
        if operand is None:
            return None
        operands.append(operand)
        strides = broadcast_strides(shape, grid)
        arguments[f"{name}_stride"] = Vector(padded(strides[inner], AXES, 0))
        arguments[f"{name}_type"] = c_type(value)
    arguments |= {key: Scalar(node.integer(key)) for key in scalars}
    call = Call(
        kernel,
        arguments,
        elements=_product(grid.sizes),
        rows=_product(grid.sizes[:-1]),
        rate="" if kernel == "mul" or _is_plain(node, shapes) else "add_any",
    )
    title = f"{node.op} {list(node.output.shape)}"
    return TileProgram(grid.loops, tuple(operands), (call,), order=title)


def _is_plain(node: Node, shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether the node is a saturating addition of rows of 16 bits: the kernel adds two at once."""
    halves = all(value.type.dtype is DType.I16 for value in (*node.inputs, node.output))
    whole_rows = len({shape[-1] for shape in shapes}) == 1
    numbers = [node.integer(name) for name in ("multiplier_a", "multiplier_b", "bias", "shift")]
    return halves and whole_rows and numbers == [1, 1, 0, 0]


def broadcast_operand(
    name: str, value: Value, shape: Sequence[int], grid: Grid, direction: Direction
) -> Operand | None:
    """The part of a tensor of collapsed ``shape`` that the tiles of ``grid`` need."""
    varies = [size != 1 for size in shape]
    starts = [s if v else 0 for s, v in zip(grid.starts, varies, strict=True)]
    sizes = [s if v else 1 for s, v in zip(grid.sizes, varies, strict=True)]
    region = box_region(shape, starts, sizes, value.type.dtype.bytes)
    if region is None:
        return None
    return Operand(name, value, direction, region, grid.key(varies), grid.buffers(varies))


def broadcast_strides(shape: Sequence[int], grid: Grid) -> list[Expr]:
    """Strides of the packed tile, 0 along axes that are broadcast."""
    varies = [size != 1 for size in shape]
    own = [s if v else wrap(1) for s, v in zip(grid.sizes, varies, strict=True)]
    strides = dense_strides(own)
    return [s if v else wrap(0) for s, v in zip(strides, varies, strict=True)]


def _product(sizes: Sequence[Expr]) -> Expr:
    return math.prod(sizes, start=wrap(1))
