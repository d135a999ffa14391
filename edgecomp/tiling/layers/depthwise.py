"""Tiles of a ``q_conv`` of one channel a group: planes of the channels, then their products.

Within a plane the taps of a window's row are neighbours, so that four are multiplied at a time.
Four outputs read the same words, so that all loads are aligned: their weights are shifted. A kernel
of one column is turned: the plane's rows are the image's columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from edgecomp.ir import Node, TensorType, Value
from edgecomp.tiling.candidates import (
    first_uses,
    lowering,
    round_up,
    row_operand,
    tile_sizes,
    vector_operand,
    whole_operand,
)
from edgecomp.tiling.expr import Expr, wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Null,
    Operand,
    Pointer,
    Scalar,
    Scratch,
    Symbol,
    TileProgram,
    c_type,
)
from edgecomp.tiling.windows import Window, image_operand, result_operand

_WORD = 4
"""Taps multiplied at a time."""

_SHARED = 4
"""Outputs that read the same words."""

_OUTPUTS = 8
"""Outputs computed at a time."""

_LINE = 8
"""A line of outputs takes as long as so many outputs more, without their products."""

_PLANE_LINE = 36
"""A row of a plane takes as long as so many bytes more."""

_CHANNELS = 4
"""Channels of an image that are moved apart at a time."""


def depthwise(node: Node, window: Window) -> Iterator[TileProgram]:
    """All row and channel tile sizes, in both loop orders; none where the kernel does not fit."""
    outputs, groups = node.inputs[1].shape[0], node.integer("groups")
    if node.inputs[1].shape[3] != 1 or not _neighbours(window):
        return
    sizes = product(
        [*tile_sizes(window.out_height, 1, 12), 1],
        tile_sizes(outputs, outputs // groups * _CHANNELS, 8),
    )
    for row_step, channel_step in dict.fromkeys(sizes):
        r, o = Loop("r", window.out_height, row_step), Loop("o", outputs, channel_step)
        yield _Tiles(node, window, r, o).program((r, o))
        if r.trips > 1 and o.trips > 1:
            yield _Tiles(node, window, r, o).program((o, r))


def _turned(window: Window) -> bool:
    """Not where that leaves less outputs side by side than share their words."""
    enough = window.out_height >= _SHARED or window.out_height > window.out_width
    return window.kernel[1] == 1 and window.dilations[0] == 1 and enough


def _neighbours(window: Window) -> bool:
    """Whether the taps of a row, or of a column where turned, have none between them."""
    return _turned(window) or 1 in (window.kernel[1], window.dilations[1])


@lru_cache(maxsize=1024)
def shifted(weights: Value, rows: int, stride: int) -> Value:
    """Weights i8 [O, ...] of ``rows`` rows of taps each as the kernel ``depthwise`` reads them.

    ``[O, rows, words, 4, 4]``: those of output 4q + j come ``j * stride`` taps behind 0s.
    """
    taps = weights.array.reshape(len(weights.array), rows, -1)
    length = round_up(taps.shape[2] + (_WORD - 1) * stride, _WORD)
    outputs = np.zeros((len(taps), rows, _WORD, length), np.int8)
    for j in range(_WORD):
        outputs[:, :, j, j * stride : j * stride + taps.shape[2]] = taps
    words = outputs.reshape(len(taps), rows, _WORD, -1, _WORD).swapaxes(2, 3).copy()
    return Value(f"{weights.name}_shifted", TensorType(words.shape, weights.type.dtype), words)


def charged_outputs(
    height: Expr | int, width: Expr | int, channels: Expr | int
) -> tuple[Expr, Expr]:
    """Outputs that the kernel computes, and the same with what a line of them takes."""
    height, width, channels = wrap(height), wrap(width), wrap(channels)
    lines = height * channels
    outputs = (width + (_OUTPUTS - 1)) // _OUTPUTS * _OUTPUTS
    return lines * outputs, lines * (outputs + _LINE)


def charged_bytes(rows: Expr | int, columns: Expr | int, channels: Expr | int) -> Expr:
    """Bytes of the planes, and what their rows take."""
    return wrap(rows) * channels * (wrap(columns) + _PLANE_LINE)


@dataclass(frozen=True)
class _Axis:
    """One axis of a tile; sizes of an untiled one are constants."""

    size: Expr
    pad: Expr
    out: Expr
    taps: int
    stride: int
    dilation: int
    x_stride: Expr
    y_stride: Expr


@dataclass
class _Tiles:
    node: Node
    window: Window
    r: Loop
    o: Loop

    def __post_init__(self) -> None:
        groups = self.node.integer("groups")
        self.b = Loop("b", self.window.batch, 1)
        self.multiple = self.o.extent // groups
        self.channels = self.o.size // self.multiple
        down, across = self._down(), self._across()
        self.rows, self.columns = (across, down) if _turned(self.window) else (down, across)
        self.weights = shifted(self.node.inputs[1], self.rows.taps, self.columns.stride)
        self.words = self.weights.shape[2]

    def program(self, order: tuple[Loop, Loop]) -> TileProgram:
        """Planes whenever an image tile is loaded, products at every step."""
        loops = (self.b, *order)
        new = first_uses((self.b, self.r, self.o), loops)
        operands = tuple(self._operands())
        key = (self.b.index * self.r.trips + self.r.index) * self.o.trips + self.o.index
        scratch = (Scratch("planes", self._most_bytes(), key),)
        planes = Call(
            "depthwise_planes",
            self._planes(),
            charged_bytes(
                self._row_count(self.rows.out), self._row_bytes(self.columns.out), self.channels
            ),
            when=new,
        )
        calls = (*lowering(operands[0], new), planes, self._product())
        x, y = self.node.inputs[0].shape, self.node.output.shape
        title = f"q_conv {list(x)} -> {list(y)}, depthwise, kernel {self.window.kernel}"
        return TileProgram(loops, operands, calls, scratch, order=title)

    def _down(self) -> _Axis:
        window, r = self.window, self.r
        return _Axis(
            window.rows_inside(r),
            window.rows_above(r),
            r.size,
            window.kernel[0],
            window.strides[0],
            window.dilations[0],
            self.channels * window.width,
            self.o.size * window.out_width,
        )

    def _across(self) -> _Axis:
        window = self.window
        return _Axis(
            wrap(window.width),
            wrap(window.pad_left),
            wrap(window.out_width),
            window.kernel[1],
            window.strides[1],
            window.dilations[1],
            self.channels,
            self.o.size,
        )

    def _row_count(self, out: Expr | int) -> Expr:
        """Rows of a plane with ``out`` rows of outputs."""
        rows = self.rows
        return (wrap(out) - 1) * rows.stride + ((rows.taps - 1) * rows.dilation + 1)

    def _row_bytes(self, out: Expr | int) -> Expr:
        """Length of a plane's rows for ``out`` columns of outputs: what the last four read."""
        before = (wrap(out) - 1) // _WORD * (_WORD * self.columns.stride)
        return before + self.words * _WORD

    def _plane_size(self) -> tuple[Expr, Expr]:
        return self._row_count(self.rows.out), self._row_bytes(self.columns.out)

    def _plane(self) -> Expr:
        rows, columns = self._plane_size()
        return rows * columns

    def _plane_stride(self) -> Expr:
        """An odd number of words: the cores' planes lie in different banks."""
        return self._plane() // (2 * _WORD) * (2 * _WORD) + _WORD

    def _most_bytes(self) -> int:
        """The largest tile's."""
        turned, window = _turned(self.window), self.window
        out = (window.out_width, self.r.step) if turned else (self.r.step, window.out_width)
        plane = self._row_count(out[0]) * self._row_bytes(out[1])
        indices: dict[str, np.ndarray] = {}
        most = int(plane.evaluate(indices))
        return self.o.step // self.multiple * (round_up(most, 2 * _WORD) + _WORD)

    def _operands(self) -> Iterator[Operand]:
        b, r, o, inputs = self.b, self.r, self.o, self.node.inputs
        first = o.start // self.multiple
        yield image_operand(inputs[0], self.window, b, r, o, first, self.channels)
        yield row_operand("w", self.weights, o, self.weights.type.size // o.extent)
        yield vector_operand("multiplier", inputs[2], o)
        yield vector_operand("bias", inputs[3], o)
        if self.node.attributes.get("table"):
            yield whole_operand("table", inputs[4])
        yield result_operand(self.node, self.window, b, r, o)

    def _planes(self) -> dict[str, Argument]:
        rows, columns = self.rows, self.columns
        return {
            "x": Pointer("x"),
            "y": Pointer("planes"),
            "height": rows.size,
            "width": columns.size,
            "channels": self.channels,
            "x_row_stride": rows.x_stride,
            "x_pixel_stride": columns.x_stride,
            "rows": self._row_count(rows.out),
            "columns": self._row_bytes(columns.out),
            "y_plane_stride": self._plane_stride(),
            "pad_top": rows.pad,
            "pad_left": columns.pad,
            "zero_x": Scalar(self.node.integer("zero_x")),
        }

    def _product(self) -> Call:
        node, rows, columns, o = self.node, self.rows, self.columns, self.o
        table = bool(node.attributes.get("table"))
        arguments: dict[str, Argument] = {
            "x": Pointer("planes"),
            "w": Pointer("w"),
            "multiplier": Pointer("multiplier"),
            "bias": Pointer("bias"),
            "table": Pointer("table") if table else Null(),
            "y": Pointer("y"),
            "multiple": wrap(self.multiple),
            "x_plane_stride": self._plane_stride(),
            "x_row_stride": self._row_bytes(columns.out),
            "out_height": rows.out,
            "out_width": columns.out,
            "out_channels": o.size,
            "y_row_stride": rows.y_stride,
            "y_pixel_stride": columns.y_stride,
            "kernel_h": wrap(rows.taps),
            "words": wrap(self.words),
            "stride_h": wrap(rows.stride),
            "stride_w": wrap(columns.stride),
            "dilation_h": wrap(rows.dilation),
            "shift": Scalar(node.integer("shift")),
            "y_type": Symbol("EC_I8") if table else c_type(node.output),
        }
        outputs, charged = charged_outputs(rows.out, columns.out, o.size)
        taps = self.words * _WORD * rows.taps
        return Call("depthwise", arguments, charged, outputs * taps, rows.out)
