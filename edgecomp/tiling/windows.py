"""Sliding windows over images, channels last: geometry, and the operands of their tiles."""

from __future__ import annotations

from dataclasses import dataclass

from edgecomp.ir import Node, Value
from edgecomp.tiling.candidates import buffers_for
from edgecomp.tiling.expr import Expr, least, most, wrap
from edgecomp.tiling.program import Argument, Loop, Operand, Region


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
