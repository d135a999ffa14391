"""Tiles of ``concat``: every operand is copied to its place in the result."""

from __future__ import annotations

import math
from collections.abc import Iterator

from edgecomp.ir import Node
from edgecomp.tiling.candidates import buffers_for, tile_sizes
from edgecomp.tiling.expr import Expr, least, most, wrap
from edgecomp.tiling.layers.copy import copy_arguments
from edgecomp.tiling.program import Call, Loop, Operand, Pointer, Region, TileProgram
from edgecomp.tiling.search import tiler


@tiler("concat")
def concat(node: Node) -> Iterator[TileProgram]:
    """By rows where there are rows; along the first axis by runs of every operand."""
    axis = node.integer("axis")
    rows = math.prod(node.output.shape[:axis])
    widths = [value.type.bytes // rows for value in node.inputs]
    if rows == 1:
        for step in dict.fromkeys([*tile_sizes(max(widths), 256, 14), 64]):
            yield _runs(node, widths, Loop("e", max(widths), min(step, max(widths))))
        return
    for step in dict.fromkeys([*tile_sizes(rows, 8, 14), 1]):
        yield _rows(node, widths, Loop("m", rows, step))


def _rows(node: Node, widths: list[int], m: Loop) -> TileProgram:
    pitch = sum(widths)
    operands, calls = [], []
    column = 0
    for index, (value, width) in enumerate(zip(node.inputs, widths, strict=True)):
        region = Region.contiguous(m.start * width, m.size * width)
        name = f"x{index}"
        operands.append(Operand(name, value, "in", region, m.index, buffers_for(m)))
        arguments = copy_arguments(
            [m.size, width], [width, 1], [pitch, 1], 1, Pointer(name), Pointer("y", wrap(column))
        )
        calls.append(Call("copy", arguments, elements=m.size * width, rows=m.size))
        column += width
    region = Region.contiguous(m.start * pitch, m.size * pitch)
    operands.append(Operand("y", node.output, "out", region, m.index, buffers_for(m)))
    return TileProgram((m,), tuple(operands), tuple(calls), order=_title(node))


def _runs(node: Node, widths: list[int], e: Loop) -> TileProgram:
    operands, calls = [], []
    first = 0
    for index, (value, width) in enumerate(zip(node.inputs, widths, strict=True)):
        start = least(e.start, width)
        size: Expr = least(e.step, most(width, start) - start)
        source = Region.contiguous(start, size)
        target = Region.contiguous(start + first, size)
        buffers = buffers_for(e)
        operands.append(Operand(f"x{index}", value, "in", source, e.index, buffers))
        operands.append(Operand(f"y{index}", node.output, "out", target, e.index, buffers))
        arguments = copy_arguments([size], [1], [1], 1, Pointer(f"x{index}"), Pointer(f"y{index}"))
        calls.append(Call("copy", arguments, elements=size))
        first += width
    return TileProgram((e,), tuple(operands), tuple(calls), order=_title(node))


def _title(node: Node) -> str:
    return f"concat of {len(node.inputs)} -> {list(node.output.shape)}"
