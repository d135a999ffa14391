"""Tiles of ``q_mlp`` on NE16: a block of rows at a time, through both products.

As on the cores (`mlp.py`), the hidden activations of a block of rows stay in L1. Rows that are
normalised first are so by the cores, one slot before the engine needs them. The engine computes the
hidden activations block by block, the cores apply the table one slot later, and add the residual to
the results of the second product one slot behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product

import numpy as np

from edgecomp.ir import DType, Node, TensorType, Value
from edgecomp.ir.fixed_point import RAISED
from edgecomp.tiling import ne16
from edgecomp.tiling.candidates import When, buffers_for, first_uses, row_operand, whole_operand
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
    Columns,
    Direction,
    Loop,
    Operand,
    Pointer,
    Region,
    Scalar,
    Scratch,
    TileProgram,
)
from edgecomp.tiling.search import tiler


@tiler("q_mlp", engine="ne16")
def mlp(node: Node) -> Iterator[TileProgram]:
    """Row tiles by weight tiles; raised inputs and 16-bit results only."""
    raised = node.inputs[0].type.dtype is DType.U8 or normalizes(node)
    if not raised or node.output.type.dtype is not DType.I16:
        return
    if not all(ne16.multiplies(node.inputs[index].array) for index in (2, 6)):
        return
    hidden, depth = node.inputs[1].shape
    rows = node.inputs[0].type.size // depth
    sizes = product(
        ne16.row_sizes(rows, 14),
        ne16.column_sizes(hidden, 8),
        ne16.column_sizes(node.inputs[5].shape[0], 6),
    )
    for row_step, hidden_step, column_step in sizes:
        yield _Tiles(node, row_step, hidden_step, column_step).program()
        if normalizes(node) and row_step < rows:
            yield _Tiles(node, row_step, hidden_step, column_step, False).program()


@lru_cache(maxsize=64)
def _raised_table(table: Value) -> Value:
    """The table of hidden activations, raised: the second product reads them unsigned."""
    data = (table.array.astype(np.int16) + RAISED).astype(np.uint8)
    return Value(f"{table.name}_raised", TensorType(data.shape, DType.U8), data)


@dataclass
class _Tiles:
    node: Node
    row_step: int
    hidden_step: int
    column_step: int
    overlap_rows: bool = True

    def __post_init__(self) -> None:
        hidden, self.depth = self.node.inputs[1].shape
        rows = self.node.inputs[0].type.size // self.depth
        self.m = Loop("m", rows, self.row_step)
        self.h = Loop("h", hidden, self.hidden_step)
        self.n = Loop("n", self.node.inputs[5].shape[0], self.column_step)
        self.j = Loop("j", self.h.trips + self.n.trips, 1)
        self.pitch = ne16.fast_pitch(hidden)
        self.lag = int(normalizes(self.node))
        self.x = NORMALIZED if normalizes(self.node) else "x"

    @cached_property
    def hidden_block(self) -> Expr:
        """The block of hidden channels: the last one stays while the second product runs."""
        return least(self.j.index, self.h.trips - 1)

    @cached_property
    def column_block(self) -> Expr:
        """The block of output channels: the first one stays while the first product runs."""
        return most(self.j.index, self.h.trips) - self.h.trips

    def program(self) -> TileProgram:
        step = self.m.index * self.j.trips + self.j.index
        loops = (self.m, self.j)
        scratch = [
            Scratch("hidden", self.m.step * self.pitch, self.m.index),
            Scratch("product", 4 * self.m.step * self.n.step, step),
        ]
        calls = [self._first(), self._table(), self._second(), self._saturate()]
        if normalizes(self.node):
            scratch.append(normalized_rows(self.m, self.depth))
            calls.append(self._normalization(first_uses([self.m], loops)))
        title = (
            f"q_mlp on NE16 [{self.m.extent}, {self.depth}] -> {self.h.extent} -> {self.n.extent}"
        )
        operands = tuple(self._operands())
        return TileProgram(loops, operands, tuple(calls), tuple(scratch), order=title)

    def _operands(self) -> Iterator[Operand]:
        inputs = self.node.inputs
        first, second = ne16.constants(*inputs[1:4]), ne16.constants(*inputs[5:8])
        h, n = self.h, self.n
        x = row_operand("x", inputs[0], self.m, self.depth)
        yield x if self.overlap_rows else replace(x, buffers=1)
        yield ne16.weights_operand("w1", first.weights, h, self.hidden_block, buffers_for(h))
        yield whole_operand("multiplier1", first.multiplier)
        yield whole_operand("bias1", first.bias)
        yield whole_operand("table", _raised_table(inputs[4]))
        yield ne16.weights_operand("w2", second.weights, n, self.column_block, buffers_for(n))
        yield whole_operand("multiplier2", second.multiplier)
        yield whole_operand("bias2", second.bias)
        if self.node.attributes.get("residual"):
            yield self._block("residual", inputs[8], "in")
        yield self._block("y", self.node.output, "out")

    def _block(self, name: str, value: Value, direction: Direction) -> Operand:
        """A block of rows by output channels."""
        size = value.type.dtype.bytes
        pitch = self.n.extent * size
        start = self.m.start * pitch + self.column_block * (self.n.step * size)
        length = ne16.block_size(self.n, self.column_block) * size
        region = Region.block(start, self.m.size, length, pitch)
        key = self.m.index * self.n.trips + self.column_block
        return Operand(name, value, direction, region, key, buffers_for(self.m, self.n))

    def _phase(self, phase: int) -> tuple[tuple[Expr, int], ...]:
        return ((least(self.j.index // self.h.trips, 1), phase),)

    def _hidden_columns(self) -> Pointer:
        """The step's block of hidden channels; the next one is computed while this one is used."""
        columns = Columns(ne16.block_size(self.h, self.hidden_block), self.pitch)
        return Pointer("hidden", self.hidden_block * self.h.step, columns)

    def _normalization(self, when: When) -> Call:
        return normalization(self.node, "x", self.m.size, self.depth, when, raised=True)

    def _first(self) -> Call:
        start = self.hidden_block * self.h.step
        columns = ne16.block_size(self.h, self.hidden_block)
        requantization = ne16.Requantization(
            Pointer("multiplier1", start * 2),
            Pointer("bias1", start * 4),
            Scalar(self.node.integer("shift1")),
        )
        pointers = Pointer(self.x), Pointer("w1"), self._hidden_columns()
        strides = self.depth, self.pitch
        return ne16.product(
            *pointers,
            self.m.size,
            columns,
            self.depth,
            *strides,
            "I8",
            requantization,
            when=self._phase(0),
            lag=self.lag,
        )

    def _table(self) -> Call:
        hidden = self._hidden_columns()
        columns = ne16.block_size(self.h, self.hidden_block)
        arguments: dict[str, Argument] = {
            "x": hidden,
            "table": Pointer("table"),
            "y": hidden,
            "rows": self.m.size,
            "columns": columns,
            "x_stride": wrap(self.pitch),
            "y_stride": wrap(self.pitch),
        }
        work = self.m.size * columns
        when, lag = self._phase(0), self.lag + 1
        return Call("table", arguments, work, rows=self.m.size, when=when, lag=lag)

    def _second(self) -> Call:
        start = self.column_block * self.n.step
        columns = ne16.block_size(self.n, self.column_block)
        requantization = ne16.Requantization(
            Pointer("multiplier2", start * 2),
            Pointer("bias2", start * 4),
            Scalar(self.node.integer("shift2")),
        )
        pointers = Pointer("hidden"), Pointer("w2"), Pointer("product")
        return ne16.product(
            *pointers,
            self.m.size,
            columns,
            self.h.extent,
            self.pitch,
            columns,
            "I32",
            requantization,
            when=self._phase(1),
            lag=self.lag + 1,
        )

    def _saturate(self) -> Call:
        columns = ne16.block_size(self.n, self.column_block)
        residual = "residual" if self.node.attributes.get("residual") else None
        when, lag = self._phase(1), self.lag + 2
        return ne16.saturate("product", residual, self.m.size, columns, lag, when)
