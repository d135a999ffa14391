"""Tiles of ``q_mlp`` on NE16: a block of rows at a time, through both products.

As on the cores (`mlp.py`), the hidden activations of a block of rows stay in L1. Rows that are
normalised first are so by the cores, one slot before the engine needs them. The engine computes the
hidden activations block by block, the cores apply the table one slot later, and add the residual to
the results of the second product one slot behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np

from edgecomp.ir import DType, Node, TensorType, Value
from edgecomp.ir.fixed_point import RAISED
from edgecomp.tiling import ne16
from edgecomp.tiling.candidates import When, buffers_for, first_uses, row_operand, whole_operand
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.mlp_loops import MlpLoops
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
    Operand,
    Pointer,
    Scalar,
    Scratch,
    TileProgram,
)
from edgecomp.tiling.search import tiler


def _refuses(node: Node) -> str:
    refused = ne16.refused_input(node.inputs[0], normalizes(node))
    if not refused and node.output.type.dtype is not DType.I16:
        refused = "a result of 8 bits"
    return refused or ne16.refused_multipliers(*(node.inputs[index].array for index in (2, 6)))


@tiler("q_mlp", engine="ne16", refuses=_refuses)
def mlp(node: Node) -> Iterator[TileProgram]:
    """Row tiles by weight tiles; raised inputs and 16-bit results only."""
    hidden, depth = node.inputs[1].shape
    rows = node.inputs[0].type.size // depth
    sizes = product(
        ne16.row_sizes(rows, 14),
        ne16.column_sizes(hidden, 8),
        ne16.column_sizes(node.inputs[5].shape[0], 6),
    )
    for steps in sizes:
        loops = MlpLoops.of(node, *steps)
        yield _Tiles(node, loops).program()
        if normalizes(node) and loops.m.trips > 1:
            yield _Tiles(node, loops, overlap_rows=False).program()


@lru_cache(maxsize=64)
def _raised_table(table: Value) -> Value:
    """The table of hidden activations, raised: the second product reads them unsigned."""
    data = (table.array.astype(np.int16) + RAISED).astype(np.uint8)
    return Value(f"{table.name}_raised", TensorType(data.shape, DType.U8), data)


@dataclass
class _Tiles:
    node: Node
    loops: MlpLoops
    overlap_rows: bool = True

    def __post_init__(self) -> None:
        loops = self.loops
        self.m, self.h, self.n, self.j, self.depth = loops.m, loops.h, loops.n, loops.j, loops.depth
        self.pitch = ne16.fast_pitch(self.h.extent)
        self.lag = int(normalizes(self.node))
        self.x = NORMALIZED if normalizes(self.node) else "x"

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
        yield ne16.weights_operand("w1", first.weights, h, self.loops.hidden_block, buffers_for(h))
        yield whole_operand("multiplier1", first.multiplier)
        yield whole_operand("bias1", first.bias)
        yield whole_operand("table", _raised_table(inputs[4]))
        yield ne16.weights_operand("w2", second.weights, n, self.loops.column_block, buffers_for(n))
        yield whole_operand("multiplier2", second.multiplier)
        yield whole_operand("bias2", second.bias)
        if self.node.attributes.get("residual"):
            yield self.loops.block("residual", inputs[8], "in")
        yield self.loops.block("y", self.node.output, "out")

    def _hidden_columns(self) -> Pointer:
        """The step's block of hidden channels; the next one is computed while this one is used."""
        columns = Columns(self.loops.hidden_size, self.pitch)
        return Pointer("hidden", self.loops.hidden_block * self.h.step, columns)

    def _normalization(self, when: When) -> Call:
        return normalization(self.node, "x", self.m.size, self.depth, when, raised=True)

    def _first(self) -> Call:
        start = self.loops.hidden_block * self.h.step
        columns = self.loops.hidden_size
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
            when=self.loops.phase(0),
            lag=self.lag,
        )

    def _table(self) -> Call:
        hidden = self._hidden_columns()
        columns = self.loops.hidden_size
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
        when, lag = self.loops.phase(0), self.lag + 1
        return Call("table", arguments, work, rows=self.m.size, when=when, lag=lag)

    def _second(self) -> Call:
        start = self.loops.column_block * self.n.step
        columns = self.loops.column_size
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
            when=self.loops.phase(1),
            lag=self.lag + 1,
        )

    def _saturate(self) -> Call:
        columns = self.loops.column_size
        residual = "residual" if self.node.attributes.get("residual") else None
        when, lag = self.loops.phase(1), self.lag + 2
        return ne16.saturate("product", residual, self.m.size, columns, lag, when)
