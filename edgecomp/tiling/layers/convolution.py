"""Tiles of ``q_conv``: blocks of output rows by blocks of output channels.

Input rows overlap between tiles by the kernel's height. A one-dimensional convolution, whose
height is 1, is tiled along its width: in memory the two are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from edgecomp.ir import Node
from edgecomp.tiling.candidates import (
    COLUMNS_MULTIPLE,
    first_uses,
    lowering,
    row_operand,
    tile_sizes,
    vector_operand,
    whole_operand,
)
from edgecomp.tiling.expr import Expr, wrap
from edgecomp.tiling.layers.convolution_rows import as_rows
from edgecomp.tiling.layers.depthwise import depthwise
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Null,
    Pointer,
    Scalar,
    Symbol,
    TileProgram,
    c_type,
)
from edgecomp.tiling.search import tiler
from edgecomp.tiling.windows import Window, image_operand, result_operand


@tiler("q_conv")
def convolution(node: Node) -> Iterator[TileProgram]:
    """All row and channel tile sizes, in both loop orders, by every kernel that can."""
    out_channels, kernel_h, kernel_w, _ = node.inputs[1].shape
    dilation_h, dilation_w = node.integers("dilations")
    window = Window.of(node, (kernel_h, kernel_w), (dilation_h, dilation_w))
    groups = node.integer("groups")
    multiple = COLUMNS_MULTIPLE if groups == 1 else out_channels // groups
    sizes = product(
        [*tile_sizes(window.out_height, 1, 12), 1], tile_sizes(out_channels, multiple, 8)
    )
    for row_step, channel_step in dict.fromkeys(sizes):
        if groups > 1 and channel_step % multiple:
            continue
        r, o = Loop("r", window.out_height, row_step), Loop("o", out_channels, channel_step)
        yield _program(node, window, r, o, (r, o))
        if r.trips > 1 and o.trips > 1:
            yield _program(node, window, r, o, (o, r))
    yield from depthwise(node, window)
    yield from as_rows(node, window)


def _program(node: Node, window: Window, r: Loop, o: Loop, order: tuple[Loop, ...]) -> TileProgram:
    x, w, multiplier, bias = node.inputs[:4]
    b = Loop("b", window.batch, 1)
    groups = node.integer("groups")
    per_group = o.extent // groups
    channels: Expr = wrap(window.channels)
    first_channel: Expr = wrap(0)
    if groups > 1:
        channels = o.size // per_group * (window.channels // groups)
        first_channel = o.start // per_group * (window.channels // groups)
    taps = w.type.size // o.extent
    moving = (b, r, o) if groups > 1 else (b, r)
    image = image_operand(x, window, b, r, o if groups > 1 else None, first_channel, channels)
    operands = [
        image,
        row_operand("w", w, o, taps),
        vector_operand("multiplier", multiplier, o),
        vector_operand("bias", bias, o),
    ]
    table: Argument = Null()
    if node.attributes.get("table"):
        operands.append(whole_operand("table", node.inputs[4]))
        table = Pointer("table")
    operands.append(result_operand(node, window, b, r, o))
    arguments: dict[str, Argument] = {
        **window.arguments(r),
        "x": Pointer("x"),
        "w": Pointer("w"),
        "multiplier": Pointer("multiplier"),
        "bias": Pointer("bias"),
        "table": table,
        "y": Pointer("y"),
        "channels": channels,
        "x_row_stride": channels * window.width,
        "x_pixel_stride": channels,
        "out_channels": o.size,
        "y_row_stride": o.size * window.out_width,
        "y_pixel_stride": o.size,
        "dilation_h": wrap(window.dilations[0]),
        "dilation_w": wrap(window.dilations[1]),
        "groups": wrap(1) if groups == 1 else o.size // per_group,
        "zero_x": Scalar(node.integer("zero_x")),
        "shift": Scalar(node.integer("shift")),
        "y_type": Symbol("EC_I8") if node.attributes.get("table") else c_type(node.output),
    }
    work = r.size * window.out_width * o.size
    rate = "conv" if groups == 1 else "conv_grouped"
    call = Call("conv", arguments, elements=work, macs=work * taps, rows=r.size, rate=rate)
    calls = (*lowering(image, first_uses(moving, (b, *order))), call)
    title = f"q_conv {list(x.shape)} -> {list(node.output.shape)}, kernel {window.kernel}"
    return TileProgram((b, *order), tuple(operands), calls, order=title)
