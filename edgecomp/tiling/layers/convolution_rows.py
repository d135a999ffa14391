"""Tiles of a ``q_conv`` as a product: the windows of a tile become rows, which weights multiply.

Groups are a product each. Where windows are single pixels that touch, the image has the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from edgecomp.ir import Node, TensorType, Value
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
"""Rows are whole words."""

_PIXEL = 70
"""To begin a row takes as long as so many bytes of it."""

_RUN = 50
"""To begin a row of taps, or a tap whose neighbours lie apart, as so many."""

_TURNED = {
    "height": "width",
    "width": "height",
    "out_height": "out_width",
    "out_width": "out_height",
    "kernel_h": "kernel_w",
    "kernel_w": "kernel_h",
    "stride_h": "stride_w",
    "stride_w": "stride_h",
    "pad_top": "pad_left",
    "pad_left": "pad_top",
}
"""The kernel's arguments where an image of one column is taken for one of one row."""


def as_rows(node: Node, window: Window) -> Iterator[TileProgram]:
    """All row and channel tile sizes, in both loop orders; a group at a time."""
    outputs, groups = node.inputs[1].shape[0], node.integer("groups")
    if node.inputs[1].shape[3] == 1 < groups:
        return
    columns = tile_sizes(outputs, COLUMNS_MULTIPLE, 8) if groups == 1 else [outputs // groups]
    for row_step in dict.fromkeys([*tile_sizes(window.out_height, 1, 12), 1]):
        for column_step in columns:
            r, o = Loop("r", window.out_height, row_step), Loop("o", outputs, column_step)
            yield _Tiles(node, window, r, o).program((r, o))
            if r.trips > 1 and o.trips > 1:
                yield _Tiles(node, window, r, o).program((o, r))


@lru_cache(maxsize=1024)
def filled_up(weights: Value) -> Value:
    """Weights i8 [O, ...] as [O, taps rounded up to words]."""
    taps = weights.array.reshape(len(weights.array), -1)
    rest = -taps.shape[1] % _WORD
    if not rest:
        return weights
    filled = np.pad(taps, ((0, 0), (0, rest)))
    return Value(f"{weights.name}_rows", TensorType(filled.shape, weights.type.dtype), filled)


def charged_bytes(pixels: Expr | int, row: int, runs: int) -> Expr:
    """Bytes of rows of ``runs`` runs each, and what beginning them takes."""
    return wrap(pixels) * (row + _PIXEL + runs * _RUN)


@dataclass
class _Tiles:
    node: Node
    window: Window
    r: Loop
    o: Loop

    def __post_init__(self) -> None:
        self.b = Loop("b", self.window.batch, 1)
        self.grouped = self.node.integer("groups") > 1
        self.channels = self.node.inputs[1].shape[3]
        self.weights = filled_up(self.node.inputs[1])
        self.row = self.weights.type.size // self.o.extent
        self.pixels = self.r.size * self.window.out_width

    def program(self, order: tuple[Loop, Loop]) -> TileProgram:
        """Rows whenever an image tile is loaded, products at every step."""
        loops = (self.b, *order)
        moving = (self.b, self.r, self.o) if self.grouped else (self.b, self.r)
        new = first_uses(moving, loops)
        operands = tuple(self._operands())
        calls = [*lowering(operands[0], new), self._product()]
        scratch: tuple[Scratch, ...] = ()
        if not self._is_rows:
            calls.insert(-1, self._rows(new))
            size = self.r.step * self.window.out_width * self.row
            scratch = (Scratch("rows", size, operands[0].key),)
        x, y = self.node.inputs[0].shape, self.node.output.shape
        title = f"q_conv {list(x)} -> {list(y)}, kernel {self.window.kernel}, as a product"
        return TileProgram(loops, operands, tuple(calls), scratch, order=title)

    @cached_property
    def _is_rows(self) -> bool:
        """Whether the image is the matrix."""
        window = self.window
        touching = window.kernel == window.strides == (1, 1) and self.row == self.channels
        inside = (window.height, window.width) == (window.out_height, window.out_width)
        return touching and inside and window.pad_top == window.pad_left == 0

    def _operands(self) -> Iterator[Operand]:
        b, r, o, inputs = self.b, self.r, self.o, self.node.inputs
        first = o.index * self.channels if self.grouped else wrap(0)
        moving = o if self.grouped else None
        yield image_operand(inputs[0], self.window, b, r, moving, first, wrap(self.channels))
        yield row_operand("w", self.weights, o, self.row)
        yield vector_operand("multiplier", inputs[2], o)
        yield vector_operand("bias", inputs[3], o)
        if self.node.attributes.get("table"):
            yield whole_operand("table", inputs[4])
        yield result_operand(self.node, self.window, b, r, o)

    def _rows(self, when: tuple[tuple[Expr, int], ...]) -> Call:
        window = self.window
        image = window.arguments(self.r)
        dilations, line = window.dilations, window.kernel[0]
        if window.width == window.kernel[1] == 1:
            # neighbours along the height lie side by side
            image = {_TURNED.get(name, name): value for name, value in image.items()}
            dilations, line = dilations[::-1], 1
        runs = line * (max(window.kernel) if dilations[1] > 1 else 1)
        arguments: dict[str, Argument] = {
            **image,
            "x": Pointer("x"),
            "y": Pointer("rows"),
            "channels": wrap(self.channels),
            "x_row_stride": wrap(self.channels * window.width),
            "x_pixel_stride": wrap(self.channels),
            "dilation_h": wrap(dilations[0]),
            "dilation_w": wrap(dilations[1]),
            "y_stride": wrap(self.row),
            "zero_x": Scalar(self.node.integer("zero_x")),
        }
        work = charged_bytes(self.pixels, self.row, runs)
        return Call("conv_rows", arguments, work, rows=self.pixels, when=when)

    def _product(self) -> Call:
        node, o = self.node, self.o
        table = bool(node.attributes.get("table"))
        arguments: dict[str, Argument] = {
            "x": Pointer("x" if self._is_rows else "rows"),
            "w": Pointer("w"),
            "multiplier": Pointer("multiplier"),
            "bias": Pointer("bias"),
            "table": Pointer("table") if table else Null(),
            "residual": Null(),
            "y": Pointer("y"),
            "rows": self.pixels,
            "columns": o.size,
            "depth": wrap(self.row),
            "x_stride": wrap(self.row),
            "w_stride": wrap(self.row),
            "residual_stride": wrap(0),
            "y_stride": o.size,
            "shift": Scalar(node.integer("shift")),
            "y_type": Symbol("EC_I8") if table else c_type(node.output),
        }
        work = self.pixels * o.size
        return Call("linear", arguments, elements=work, macs=work * self.row, rows=self.pixels)
