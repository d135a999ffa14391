"""Tiles of ``q_mlp``: a block of rows at a time, through the first product, then the second.

The hidden activations of a block of rows live in L1 only, all channels of them. The inner loop runs
over blocks of hidden channels, then over blocks of output channels, so that both products see their
whole depth and every sum leaves the registers requantized.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from edgecomp.ir import Node, Value
from edgecomp.tiling.candidates import (
    COLUMNS_MULTIPLE,
    ROWS_MULTIPLE,
    buffers_for,
    first_uses,
    lowering,
    row_operand,
    tile_sizes,
    whole_operand,
)
from edgecomp.tiling.expr import Expr, least, most, wrap
from edgecomp.tiling.normalization import (
    NORMALIZED,
    normalization,
    normalized_rows,
    normalizes,
)
from edgecomp.tiling.program import (
    Argument,
    Call,
    Direction,
    Loop,
    Null,
    Operand,
    Pointer,
    Region,
    Scalar,
    Scratch,
    Symbol,
    TileProgram,
    c_type,
)
from edgecomp.tiling.search import tiler


@tiler("q_mlp")
def mlp(node: Node) -> Iterator[TileProgram]:
    """Row tiles by weight tiles."""
    rows = node.inputs[0].type.size // node.inputs[1].shape[1]
    row_steps = [*tile_sizes(rows, ROWS_MULTIPLE), 1]
    for row_step, weight_steps in product(dict.fromkeys(row_steps), _weight_steps(node)):
        yield _Tiles(node, row_step, *weight_steps).program()


def _weight_steps(node: Node) -> list[tuple[int, int]]:
    """Hidden and output channels of a step: about as many bytes of the one matrix as of the other.

    The tiles of both matrices lie in L1 together; a large one of one matrix with a small one of the
    other wastes the room.
    """
    hidden, depth = node.inputs[1].shape
    columns = tile_sizes(node.inputs[5].shape[0], COLUMNS_MULTIPLE, 14)
    pairs: dict[tuple[int, int], None] = {}
    for hidden_step in [*tile_sizes(hidden, COLUMNS_MULTIPLE, 14), 1]:
        budget = hidden_step * depth
        for limit in (budget // hidden, 2 * budget // hidden):
            column_step = next((each for each in columns if each <= limit), columns[-1])
            pairs[hidden_step, column_step] = None
    return [*pairs, (1, 1)]


@dataclass
class _Tiles:
    node: Node
    row_step: int
    hidden_step: int
    column_step: int

    def __post_init__(self) -> None:
        hidden, self.depth = self.node.inputs[1].shape
        rows = self.node.inputs[0].type.size // self.depth
        self.m = Loop("m", rows, self.row_step)
        self.h = Loop("h", hidden, self.hidden_step)
        self.n = Loop("n", self.node.inputs[5].shape[0], self.column_step)
        self.j = Loop("j", self.h.trips + self.n.trips, 1)

    @cached_property
    def hidden_block(self) -> Expr:
        """The block of hidden channels: the last one stays while the second product runs."""
        return least(self.j.index, self.h.trips - 1)

    @cached_property
    def column_block(self) -> Expr:
        """The block of output channels: the first one stays while the first product runs."""
        return most(self.j.index, self.h.trips) - self.h.trips

    def program(self) -> TileProgram:
        hidden = Scratch("hidden", self.m.step * self.h.extent)
        title = f"q_mlp [{self.m.extent}, {self.depth}] -> {self.h.extent} -> {self.n.extent}"
        operands = tuple(self._operands())
        loops = (self.m, self.j)
        new_rows = first_uses([self.m], loops)
        first = lowering(operands[0], new_rows)
        scratch = [hidden]
        if normalizes(self.node):
            first = [normalization(self.node, "x", self.m.size, self.depth, new_rows)]
            scratch.append(normalized_rows(self.m, self.depth))
        calls = (*first, self._first_product(), self._second_product())
        return TileProgram(loops, operands, calls, tuple(scratch), order=title)

    def _operands(self) -> Iterator[Operand]:
        inputs = self.node.inputs
        yield row_operand("x", inputs[0], self.m, self.depth)
        yield self._weights("w1", inputs[1], self.h, self.hidden_block)
        yield whole_operand("multiplier1", inputs[2])
        yield whole_operand("bias1", inputs[3])
        yield whole_operand("table", inputs[4])
        yield self._weights("w2", inputs[5], self.n, self.column_block)
        yield whole_operand("multiplier2", inputs[6])
        yield whole_operand("bias2", inputs[7])
        if self.node.attributes.get("residual"):
            yield self._block("residual", inputs[8], "in")
        yield self._block("y", self.node.output, "out")

    def _weights(self, name: str, value: Value, channels: Loop, block: Expr) -> Operand:
        """The rows of a weight matrix that belong to a block of channels."""
        pitch = value.shape[1]
        start = block * channels.step
        region = Region.contiguous(start * pitch, _size(channels, block) * pitch)
        return Operand(name, value, "in", region, block, buffers_for(channels))

    def _block(self, name: str, value: Value, direction: Direction) -> Operand:
        """A block of rows by output channels."""
        size = value.type.dtype.bytes
        pitch = self.n.extent * size
        start = self.m.start * pitch + self.column_block * (self.n.step * size)
        length = _size(self.n, self.column_block) * size
        region = Region.block(start, self.m.size, length, pitch)
        key = self.m.index * self.n.trips + self.column_block
        return Operand(name, value, direction, region, key, buffers_for(self.m, self.n))

    def _first_product(self) -> Call:
        start = self.hidden_block * self.h.step
        columns = _size(self.h, self.hidden_block)
        arguments: dict[str, Argument] = {
            "x": Pointer(NORMALIZED if normalizes(self.node) else "x"),
            "w": Pointer("w1"),
            "multiplier": Pointer("multiplier1", start * 4),
            "bias": Pointer("bias1", start * 4),
            "table": Pointer("table"),
            "residual": Null(),
            "y": Pointer("hidden", start),
            "rows": self.m.size,
            "columns": columns,
            "depth": wrap(self.depth),
            "x_stride": wrap(self.depth),
            "w_stride": wrap(self.depth),
            "residual_stride": wrap(0),
            "y_stride": wrap(self.h.extent),
            "shift": Scalar(self.node.integer("shift1")),
            "y_type": Symbol("EC_I8"),
        }
        return self._product(arguments, columns, self.depth, phase=0)

    def _second_product(self) -> Call:
        start = self.column_block * self.n.step
        columns = _size(self.n, self.column_block)
        has_residual = bool(self.node.attributes.get("residual"))
        arguments: dict[str, Argument] = {
            "x": Pointer("hidden"),
            "w": Pointer("w2"),
            "multiplier": Pointer("multiplier2", start * 4),
            "bias": Pointer("bias2", start * 4),
            "table": Null(),
            "residual": Pointer("residual") if has_residual else Null(),
            "y": Pointer("y"),
            "rows": self.m.size,
            "columns": columns,
            "depth": wrap(self.h.extent),
            "x_stride": wrap(self.h.extent),
            "w_stride": wrap(self.h.extent),
            "residual_stride": columns,
            "y_stride": columns,
            "shift": Scalar(self.node.integer("shift2")),
            "y_type": c_type(self.node.output),
        }
        return self._product(arguments, columns, self.h.extent, phase=1)

    def _product(
        self, arguments: dict[str, Argument], columns: Expr, depth: int, phase: int
    ) -> Call:
        work = self.m.size * columns
        when = ((least(self.j.index // self.h.trips, 1), phase),)
        return Call(
            "linear", arguments, elements=work, macs=work * depth, rows=self.m.size, when=when
        )


def _size(channels: Loop, block: Expr) -> Expr:
    """Channels in a block."""
    if channels.extent % channels.step == 0:
        return wrap(channels.step)
    return least(channels.step, channels.extent - block * channels.step)
