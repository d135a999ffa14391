"""Tiles of ``q_linear`` on NE16: blocks of rows by blocks of output channels, the depth whole.

Rows that are normalised first are so by the cores, one slot earlier. Results of 8 bits leave the
engine finished. A table is applied, and 16 bits are saturated and added
to the residual, by the cores one slot later, while the engine works on the next tile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from edgecomp.ir import DType, Node
from edgecomp.tiling import ne16
from edgecomp.tiling.candidates import (
    block_operand,
    buffers_for,
    first_uses,
    row_operand,
    whole_operand,
)
from edgecomp.tiling.normalization import (
    NORMALIZED,
    normalization,
    normalized_rows,
    normalizes,
)
from edgecomp.tiling.program import (
    Call,
    Loop,
    Operand,
    Pointer,
    Scalar,
    Scratch,
    TileProgram,
)
from edgecomp.tiling.search import tiler


def _refuses(node: Node) -> str:
    return ne16.refused_input(node.inputs[0], normalizes(node)) or ne16.refused_multipliers(
        node.inputs[2].array
    )


@tiler("q_linear", engine="ne16", refuses=_refuses)
def linear(node: Node) -> Iterator[TileProgram]:
    """All row and channel tile sizes, in both loop orders; raised inputs only.

    An input that is normalised first is raised by that, and rows are then outside.
    """
    columns, depth = node.inputs[1].shape
    rows = node.inputs[0].type.size // depth
    for row_step, column_step in product(ne16.row_sizes(rows), ne16.column_sizes(columns)):
        m, n = Loop("m", rows, row_step), Loop("n", columns, column_step)
        yield _Tiles(node, m, n).program((m, n))
        if m.trips > 1 and n.trips > 1 and not normalizes(node):
            yield _Tiles(node, m, n).program((n, m))


@dataclass
class _Tiles:
    node: Node
    m: Loop
    n: Loop

    def __post_init__(self) -> None:
        self.lag = int(normalizes(self.node))
        self.x = NORMALIZED if normalizes(self.node) else "x"

    def program(self, order: tuple[Loop, ...]) -> TileProgram:
        depth = self.node.inputs[1].shape[1]
        calls, scratch = self._calls(depth)
        if normalizes(self.node):
            new_rows = first_uses([self.m], order)
            norm = normalization(self.node, "x", self.m.size, depth, new_rows, raised=True)
            calls, scratch = (norm, *calls), (normalized_rows(self.m, depth), *scratch)
        title = f"q_linear on NE16 [{self.m.extent}, {depth}] x [{depth}, {self.n.extent}]"
        return TileProgram(order, tuple(self._operands(depth)), calls, scratch, order=title)

    def _operands(self, depth: int) -> Iterator[Operand]:
        m, n, inputs = self.m, self.n, self.node.inputs
        stored = ne16.constants(*inputs[1:4])
        yield row_operand("x", inputs[0], m, depth)
        yield ne16.weights_operand("w", stored.weights, n, n.index, buffers_for(n))
        yield whole_operand("multiplier", stored.multiplier)
        yield whole_operand("bias", stored.bias)
        if self.node.attributes.get("table"):
            yield whole_operand("table", inputs[4])
        if self.node.attributes.get("residual"):
            yield block_operand("residual", inputs[4], m, n)
        yield block_operand("y", self.node.output, m, n, "out")

    def _calls(self, depth: int) -> tuple[tuple[Call, ...], tuple[Scratch, ...]]:
        """The job, and what the cores do with its result."""
        tile = self.m.step * self.n.step
        step = self.m.index * self.n.trips + self.n.index
        if self.node.attributes.get("table"):
            scratch = Scratch("product", tile, step)
            return (self._job(depth, "product", "I8"), self._table()), (scratch,)
        if self.node.output.type.dtype is DType.I16:
            scratch = Scratch("product", 4 * tile, step)
            return (self._job(depth, "product", "I32"), self._saturate()), (scratch,)
        return (self._job(depth, "y", self.node.output.type.dtype.name),), ()

    def _job(self, depth: int, result: str, y_type: str) -> Call:
        m, n = self.m, self.n
        requantization = ne16.Requantization(
            Pointer("multiplier", n.start * 2),
            Pointer("bias", n.start * 4),
            Scalar(self.node.integer("shift")),
        )
        return ne16.product(
            Pointer(self.x),
            Pointer("w"),
            Pointer(result),
            m.size,
            n.size,
            depth,
            depth,
            n.size,
            y_type,
            requantization,
            lag=self.lag,
        )

    def _table(self) -> Call:
        return ne16.table("product", self.m.size, self.n.size, self.lag + 1)

    def _saturate(self) -> Call:
        residual = "residual" if self.node.attributes.get("residual") else None
        return ne16.saturate("product", residual, self.m.size, self.n.size, self.lag + 1)
