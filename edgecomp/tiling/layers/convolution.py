"""Tiles of ``q_conv``: blocks of output rows by blocks of output channels.

Input rows overlap between tiles by the kernel's height. A one-dimensional convolution, whose
height is 1, is tiled along its width: in memory the two are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from edgecomp.ir import Node, Value
from edgecomp.tiling.candidates import (
    COLUMNS_MULTIPLE,
    buffers_for,
    first_uses,
    lowering,
    row_operand,
    tile_sizes,
    vector_operand,
    whole_operand,
)
from edgecomp.tiling.expr import Expr, least, most, wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Null,
    Operand,
    Pointer,
    Region,
    Scalar,
    Symbol,
    TileProgram,
    c_type,
)
from edgecomp.tiling.search import tiler


@dataclass(frozen=True)
class Window:
    """Geometry of a sliding window over [N, height, width, channels].

    One-dimensional cases are turned so that the long axis is the height.
    """

    batch: int
    height: int
    width: int
    channels: int
    out_height: int
    out_width: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pad_top: int
    pad_left: int

    @staticmethod
    def of(node: Node, kernel: tuple[int, int], dilations: tuple[int, int]) -> Window:
        """The geometry of a ``q_conv`` or ``q_pool`` node."""
        batch, height, width, channels = node.inputs[0].shape
        _, out_height, out_width, _ = node.output.shape
        strides = node.integers("strides")
        pads = node.integers("pads")
        order = slice(None, None, -1 if height == out_height == kernel[0] == 1 else 1)
        heights, widths = zip(
            *[
                (height, width)[order],
                (out_height, out_width)[order],
                kernel[order],
                strides[order],
                dilations[order],
                pads[:2][order],
            ],
            strict=True,
        )
        return Window(
            batch,
            heights[0],
            widths[0],
            channels,
            heights[1],
            widths[1],
            (heights[2], widths[2]),
            (heights[3], widths[3]),
            (heights[4], widths[4]),
            heights[5],
            widths[5],
        )

    def first_row(self, rows: Loop) -> Expr:
        """First input row that a tile of output rows reads."""
        return least(
            most(rows.start * self.strides[0], self.pad_top) - self.pad_top, self.height - 1
        )

    def row_count(self, rows: Loop) -> Expr:
        """Number of input rows that a tile of output rows reads."""
        reach = self.dilations[0] * (self.kernel[0] - 1) + 1
        end = (rows.start + rows.size - 1) * self.strides[0] + reach
        last = least(most(end, self.pad_top + 1) - self.pad_top, self.height)
        return most(last, self.first_row(rows) + 1) - self.first_row(rows)

    def rows_inside(self, rows: Loop) -> Expr:
        """As many of these rows as are the image's: none of a tile that lies in the padding below.

        A region has at least one row, also where the kernel reads none of it.
        """
        behind = self.height + self.pad_top
        origin = rows.start * self.strides[0]
        return least(most(origin, behind) - origin, self.row_count(rows))

    def rows_above(self, rows: Loop) -> Expr:
        """Padding rows between the first output row's window and the first input row."""
        return most(rows.start * self.strides[0], self.pad_top) - rows.start * self.strides[0]

    def arguments(self, rows: Loop) -> dict[str, Argument]:
        """The kernel arguments that conv and pool share."""
        return {
            "height": self.rows_inside(rows),
            "width": wrap(self.width),
            "out_height": rows.size,
            "out_width": wrap(self.out_width),
            "kernel_h": wrap(self.kernel[0]),
            "kernel_w": wrap(self.kernel[1]),
            "stride_h": wrap(self.strides[0]),
            "stride_w": wrap(self.strides[1]),
            "pad_top": self.rows_above(rows),
            "pad_left": wrap(self.pad_left),
        }


@tiler("q_conv")
def convolution(node: Node) -> Iterator[TileProgram]:
    """All row and channel tile sizes, in both loop orders."""
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


def image_operand(
    x: Value,
    window: Window,
    b: Loop,
    r: Loop,
    o: Loop | None,
    first_channel: Expr,
    channels: Expr,
) -> Operand:
    """The input rows of a tile; of part of the channels where ``o`` moves them."""
    pixels = (b.index * window.height + window.first_row(r)) * window.width
    rows = window.row_count(r) * window.width
    region = Region.block(pixels * window.channels + first_channel, rows, channels, window.channels)
    key = b.index * r.trips + r.index
    loops = [b, r]
    if o is not None:
        key = key * o.trips + o.index
        loops.append(o)
    return Operand("x", x, "in", region, key, buffers_for(*loops))


def result_operand(node: Node, window: Window, b: Loop, r: Loop, o: Loop) -> Operand:
    """The rows and channels of a tile of the result."""
    size = node.output.type.dtype.bytes
    pixel = (b.index * window.out_height + r.start) * window.out_width
    start = (pixel * o.extent + o.start) * size
    region = Region.block(start, r.size * window.out_width, o.size * size, o.extent * size)
    key = (b.index * r.trips + r.index) * o.trips + o.index
    return Operand("y", node.output, "out", region, key, buffers_for(b, r, o))
