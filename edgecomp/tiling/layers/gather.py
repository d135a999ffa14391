"""Tiles of ``gather``: runs of evenly spaced indices are copied one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from edgecomp.ir import Node
from edgecomp.tiling.boxes import Grid, box_region, grids
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.layers.copy import copy_arguments
from edgecomp.tiling.program import Call, Operand, Pointer, TileProgram
from edgecomp.tiling.search import tiler


@tiler("gather")
def gather(node: Node) -> Iterator[TileProgram]:
    """Tiles of what stands before and behind the gathered axis, which is whole in L1."""
    shape, axis = node.inputs[0].shape, node.integer("axis")
    outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    for grid in grids((outer, inner), 2):
        program = _program(node, grid, shape[axis])
        if program is not None:
            yield program


def _program(node: Node, grid: Grid, depth: int) -> TileProgram | None:
    x, y = node.inputs[0], node.output
    element = y.type.dtype.bytes
    indices = node.inputs[1].array.ravel().tolist()
    (o_start, i_start), (o_size, i_size) = grid.starts, grid.sizes
    outer, inner = grid.shape
    source = box_region(
        (outer, depth, inner), (o_start, 0, i_start), (o_size, depth, i_size), element
    )
    target = box_region(
        (outer, len(indices), inner), (o_start, 0, i_start), (o_size, len(indices), i_size), element
    )
    if source is None or target is None:
        return None
    operands = (
        Operand("x", x, "in", source, grid.key(), grid.buffers()),
        Operand("y", y, "out", target, grid.key(), grid.buffers()),
    )
    calls = []
    for position, first, step, count in _runs([i % depth for i in indices]):
        sizes = [o_size, wrap(count), i_size]
        arguments = copy_arguments(
            sizes,
            [i_size * depth, i_size * step, 1],
            [i_size * len(indices), i_size, 1],
            element,
            Pointer("x", i_size * (first * element)),
            Pointer("y", i_size * (position * element)),
        )
        calls.append(Call("copy", arguments, elements=math.prod(sizes, start=wrap(1))))
    title = f"gather {list(x.shape)} -> {list(y.shape)}"
    return TileProgram(grid.loops, operands, tuple(calls), order=title)


def _runs(indices: list[int]) -> Iterator[tuple[int, int, int, int]]:
    """(position, first index, step >= 0, count) of maximal evenly spaced runs."""
    steps = np.diff(indices).tolist()
    position = 0
    while position < len(indices):
        step = steps[position] if position < len(steps) else 0
        count = 1
        while (
            step >= 0 and position + count - 1 < len(steps) and steps[position + count - 1] == step
        ):
            count += 1
        yield position, indices[position], max(step, 0), count
        position += count
