"""Tiles of ``q_conv`` on NE16, dense or depthwise: blocks of output rows by blocks of channels.

Inputs that are not raised are so by the cores, one slot earlier. The engine knows stride 1 only:
with another one it computes all pixels, of which the cores pick those wanted. That, a table and the
saturation of 16-bit results the cores do one slot later, while the engine works on the next tile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from edgecomp.ir import DType, Node
from edgecomp.ir.fixed_point import RAISED
from edgecomp.tiling import ne16
from edgecomp.tiling.boxes import dense_strides
from edgecomp.tiling.candidates import (
    buffers_for,
    first_uses,
    raising,
    tile_sizes,
    whole_operand,
)
from edgecomp.tiling.expr import Expr, wrap
from edgecomp.tiling.layers.copy import copy_arguments
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Operand,
    Pointer,
    Region,
    Scalar,
    Scratch,
    Symbol,
    TileProgram,
)
from edgecomp.tiling.search import tiler
from edgecomp.tiling.windows import Window, image_operand, result_operand

_LINES = 3
"""Rows, and columns, of pixels that the engine works on at a time."""


_SETUP_CHANNELS = 5
"""Output channels that take as long as a unit's loading and setup (boards/gap9_evk.toml)."""


def _refuses(node: Node) -> str:
    return ne16.refused_filter(node) or ne16.refused_multipliers(node.inputs[2].array)


@tiler("q_conv", engine="ne16", refuses=_refuses)
def convolution(node: Node) -> Iterator[TileProgram]:
    """All row and channel tile sizes, in both loop orders."""
    channels, *kernel, _ = node.inputs[1].shape
    window, unit = Window.of(node, (kernel[0], kernel[1]), (1, 1)), ne16.output_unit(node)
    row_sizes = [*tile_sizes(window.out_height, _LINES, 12), 1]
    sizes = product(dict.fromkeys(row_sizes), tile_sizes(channels, unit, 8))
    for row_step, channel_step in sizes:
        r, o = Loop("r", window.out_height, row_step), Loop("o", channels, channel_step)
        yield _Tiles(node, window, r, o).program((r, o))
        if r.trips > 1 and o.trips > 1:
            yield _Tiles(node, window, r, o).program((o, r))


@dataclass
class _Tiles:
    node: Node
    window: Window
    r: Loop
    o: Loop

    def __post_init__(self) -> None:
        self.b = Loop("b", self.window.batch, 1)
        self.depthwise = ne16.is_depthwise(self.node)
        self.picks = self.window.strides != (1, 1)
        self.has_table = bool(self.node.attributes.get("table"))
        self.wide = self.node.output.type.dtype is DType.I16
        self.lag = int(self.node.inputs[0].type.dtype is not DType.U8)

    @cached_property
    def channels(self) -> Expr:
        """Input channels of a tile."""
        return self.o.size if self.depthwise else wrap(self.window.channels)

    @cached_property
    def computed(self) -> tuple[Expr, Expr]:
        """Rows and columns that the engine computes."""
        down, right = self.window.strides
        return (self.r.size - 1) * down + 1, wrap((self.window.out_width - 1) * right + 1)

    def program(self, order: tuple[Loop, ...]) -> TileProgram:
        loops = (self.b, *order)
        operands = tuple(self._operands())
        moving = (self.b, self.r, self.o) if self.depthwise else (self.b, self.r)
        raised = raising(operands[0], first_uses(moving, loops))
        calls, scratch = self._calls()
        shapes = f"{list(self.node.inputs[0].shape)} -> {list(self.node.output.shape)}"
        title = f"q_conv on NE16 {shapes}{', depthwise' if self.depthwise else ''}"
        return TileProgram(loops, operands, (*raised, *calls), scratch, order=title)

    def _operands(self) -> Iterator[Operand]:
        b, r, o, inputs = self.b, self.r, self.o, self.node.inputs
        stored = ne16.filter_constants(*inputs[1:4], self.window.kernel, self.depthwise)
        first = o.start if self.depthwise else wrap(0)
        moving = o if self.depthwise else None
        yield image_operand(inputs[0], self.window, b, r, moving, first, self.channels)
        yield self._weights(stored)
        yield whole_operand("multiplier", stored.multiplier)
        yield whole_operand("bias", stored.bias)
        if self.has_table:
            yield whole_operand("table", inputs[4])
        yield result_operand(self.node, self.window, b, r, o)

    def _weights(self, stored: ne16.Constants) -> Operand:
        """Rows of an output channel, or of a unit of channels where they are depthwise."""
        pitch, o = stored.weights.shape[1], self.o
        if not self.depthwise:
            return ne16.weights_operand("w", stored.weights, o, o.index, buffers_for(o))
        unit = ne16.output_unit(self.node)
        region = Region.contiguous(o.start // unit * pitch, (o.size + unit - 1) // unit * pitch)
        return Operand("w", stored.weights, "in", region, o.index, buffers_for(o))

    def _calls(self) -> tuple[tuple[Call, ...], tuple[Scratch, ...]]:
        """The job, and what the cores do with its result."""
        size = 4 if self.wide else 1
        ends = self.has_table or self.wide
        calls, scratch = [], []
        place = "product" if ends else "y"
        if self.picks:
            scratch.append(Scratch("image", self._image_elements() * size, self._step))
            calls.append(self._pick("image", place, size))
        if ends:
            most = self.r.step * self.window.out_width * self.o.step
            scratch.append(Scratch("product", most * size, self._step))
            calls.append(self._end())
        return (self._job("image" if self.picks else place), *calls), tuple(scratch)

    def _image_elements(self) -> int:
        """Most elements that the engine computes, strides or not."""
        down, right = self.window.strides
        columns = (self.window.out_width - 1) * right + 1
        return ((self.r.step - 1) * down + 1) * columns * self.o.step

    @cached_property
    def _step(self) -> Expr:
        return (self.b.index * self.r.trips + self.r.index) * self.o.trips + self.o.index

    def _job(self, result: str) -> Call:
        window, o = self.window, self.o
        rows, columns = self.computed
        above, before = (ne16.filter_margin(taps) for taps in window.kernel)
        row_pixels = columns * o.size
        arguments: dict[str, Argument] = {
            "x": Pointer("x"),
            "w": Pointer("w"),
            "multiplier": Pointer("multiplier", o.start * 2),
            "bias": Pointer("bias", o.start * 4),
            "y": Pointer(result),
            "height": window.row_count(self.r),
            "width": wrap(window.width),
            "channels": self.channels,
            "x_row_stride": self.channels * window.width,
            "x_pixel_stride": self.channels,
            "out_height": rows,
            "out_width": columns,
            "out_channels": o.size,
            "y_row_stride": row_pixels,
            "y_pixel_stride": o.size,
            "pad_top": window.rows_above(self.r) + above,
            "pad_left": wrap(window.pad_left + before),
            "pad_value": Scalar(self.node.integer("zero_x") + RAISED),
            "depthwise": wrap(int(self.depthwise)),
            "weight_bits": wrap(ne16.WEIGHT_BITS),
            "multiplier_bits": wrap(ne16.MULTIPLIER_BITS),
            "shift": Scalar(self.node.integer("shift")),
            "y_type": Symbol(f"EC_{self._job_type()}"),
        }
        pixels = _whole(rows) * _whole(columns)
        return Call(
            "ne16_conv",
            arguments,
            elements=pixels * self._charged_channels(),
            macs=self._charged_macs(pixels),
            rows=pixels,
            engine="ne16",
            lag=self.lag,
            rate=self._rate(),
        )

    def _job_type(self) -> str:
        if self.wide:
            return "I32"
        return "I8" if self.has_table else self.node.output.type.dtype.name

    def _rate(self) -> str:
        if self.depthwise:
            return "ne16_depthwise"
        return "ne16_conv_wide" if self.wide else "ne16_conv"

    def _charged_channels(self) -> Expr:
        """Output channels that take time: whole units where they are depthwise."""
        if not self.depthwise:
            return self.o.size
        unit = ne16.output_unit(self.node)
        return (self.o.size + unit - 1) // unit * unit

    def _charged_macs(self, pixels: Expr) -> Expr:
        """Products over all channels, and what a unit's other states would have multiplied."""
        if self.depthwise:
            return wrap(0)
        units = (self.o.size + ne16.COLUMNS - 1) // ne16.COLUMNS
        channels = self.o.size + units * _SETUP_CHANNELS
        return pixels * channels * (9 * ne16.packed_bytes(self.window.channels))

    def _pick(self, source: str, target: str, element_bytes: int) -> Call:
        """Copy the pixels that the strides meet."""
        (rows, columns), (down, right) = self.computed, self.window.strides
        sizes = [self.r.size, wrap(self.window.out_width), self.o.size]
        row, pixel, one = dense_strides([rows, columns, self.o.size])
        arguments = copy_arguments(
            sizes,
            [row * down, pixel * right, one],
            dense_strides(sizes),
            element_bytes,
            Pointer(source),
            Pointer(target),
        )
        work = self.r.size * self.window.out_width * self.o.size
        return Call("copy", arguments, work, rows=self.r.size, lag=self.lag + 1)

    def _end(self) -> Call:
        """The table or the saturation."""
        rows = self.r.size * self.window.out_width
        if self.has_table:
            return ne16.table("product", rows, self.o.size, self.lag + 1)
        return ne16.saturate("product", None, rows, self.o.size, self.lag + 1)


def _whole(pixels: Expr) -> Expr:
    return (pixels + _LINES - 1) // _LINES * _LINES
