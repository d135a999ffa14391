"""Tiles of ``pad``: the tile is filled with the zero point, then the data is copied into it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from edgecomp.ir import Node
from edgecomp.tiling.boxes import dense_strides
from edgecomp.tiling.candidates import buffers_for, tile_sizes
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.layers.copy import AXES, copy_arguments
from edgecomp.tiling.program import Call, Loop, Null, Operand, Pointer, Region, TileProgram
from edgecomp.tiling.search import tiler


@tiler("pad")
def pad(node: Node) -> Iterator[TileProgram]:
    """Tiles of the axes in front of the first padded one; the others are whole."""
    shape, padded = node.inputs[0].shape, node.output.shape
    same = [a == b for a, b in zip(shape, padded, strict=True)]
    first = same.index(False) if False in same else len(shape)
    outer = math.prod(shape[:first])
    if len(shape) - first >= AXES:
        return
    for step in dict.fromkeys([*tile_sizes(outer, 1, 14), 1]):
        yield _program(node, Loop("m", outer, step), first)


def _program(node: Node, m: Loop, first: int) -> TileProgram:
    x, y = node.inputs[0], node.output
    element = y.type.dtype.bytes
    before = node.integers("pads")[: len(x.shape)]
    inner, outer = x.shape[first:], y.shape[first:]
    x_size, y_size = math.prod(inner), math.prod(outer)
    y_strides = dense_strides(outer)
    start = sum((s * b for s, b in zip(y_strides, before[first:], strict=True)), wrap(0))
    fill = copy_arguments([m.size * y_size], [0], [1], element, Null())
    fill["fill"] = wrap(y.type.zero_point if y.type.quantization else 0)
    copied = copy_arguments(
        [m.size, *inner],
        [x_size, *dense_strides(inner)],
        [y_size, *y_strides],
        element,
        y=Pointer("y", start * element),
    )
    operands = tuple(
        Operand(
            name,
            value,
            "out" if name == "y" else "in",
            Region.contiguous(m.start * (size * element), m.size * (size * element)),
            m.index,
            buffers_for(m),
        )
        for name, value, size in (("x", x, x_size), ("y", y, y_size))
    )
    calls = (
        Call("copy", fill, elements=m.size * y_size),
        Call("copy", copied, elements=m.size * x_size),
    )
    title = f"pad {list(x.shape)} -> {list(y.shape)}"
    return TileProgram((m,), operands, calls, order=title)
