"""Tiles of ``q_pool``: blocks of output rows."""

from __future__ import annotations

from collections.abc import Iterator

from edgecomp.ir import Node
from edgecomp.ir.stated import optional_integer
from edgecomp.tiling.candidates import buffers_for, requantization, tile_sizes
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Operand,
    Pointer,
    Region,
    Scalar,
    Symbol,
    TileProgram,
    c_type,
)
from edgecomp.tiling.search import tiler
from edgecomp.tiling.windows import Window


@tiler("q_pool")
def pool(node: Node) -> Iterator[TileProgram]:
    """Row blocks of every size."""
    kernel_h, kernel_w = node.integers("kernel")
    window = Window.of(node, (kernel_h, kernel_w), (1, 1))
    for step in dict.fromkeys([*tile_sizes(window.out_height, 1, 14), 1]):
        yield _program(node, window, Loop("r", window.out_height, step))


def _program(node: Node, window: Window, r: Loop) -> TileProgram:
    x, y = node.inputs[0], node.output
    b = Loop("b", window.batch, 1)
    size = y.type.dtype.bytes
    line, out_line = window.width * window.channels, window.out_width * window.channels * size
    first = b.index * window.height + window.first_row(r)
    source = Region.contiguous(first * line, window.row_count(r) * line)
    start = b.index * window.out_height + r.start
    target = Region.contiguous(start * out_line, r.size * out_line)
    key = b.index * r.trips + r.index
    operands = (
        Operand("x", x, "in", source, key, buffers_for(b, r)),
        Operand("y", y, "out", target, key, buffers_for(b, r)),
    )
    arguments: dict[str, Argument] = {
        **window.arguments(r),
        "x": Pointer("x"),
        "y": Pointer("y"),
        "channels": wrap(window.channels),
        "x_row_stride": wrap(line),
        "x_pixel_stride": wrap(window.channels),
        "y_row_stride": wrap(window.out_width * window.channels),
        "y_pixel_stride": wrap(window.channels),
        "reduction": Symbol("EC_MAX" if node.text("function") == "max" else "EC_SUM"),
        "zero_x": Scalar(node.integer("zero_x")),
        **requantization(node),
        "pre_shift": Scalar(optional_integer(node, "pre_shift")),
        "y_type": c_type(y),
    }
    taps = window.kernel[0] * window.kernel[1]
    work = r.size * (window.out_width * window.channels * taps)
    call = Call("pool", arguments, elements=work, rows=r.size)
    title = f"q_pool {list(x.shape)} -> {list(y.shape)}"
    return TileProgram((b, r), operands, (call,), order=title)
