"""Tiles of ``q_mlp``: a block of rows at a time, through the first product, then the second.

The hidden activations of a block of rows live in L1 only, all channels of them. The inner loop runs
over blocks of hidden channels, then over blocks of output channels, so that both products see their
whole depth and every sum leaves the registers requantized.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
from edgecomp.tiling.expr import Expr, wrap
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
        yield _Tiles(node, MlpLoops.of(node, row_step, *weight_steps)).program()


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
    loops: MlpLoops

    def __post_init__(self) -> None:
        loops = self.loops
        self.m, self.h, self.n, self.j, self.depth = loops.m, loops.h, loops.n, loops.j, loops.depth

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
        yield self._weights("w1", inputs[1], self.h, self.loops.hidden_block)
        yield whole_operand("multiplier1", inputs[2])
        yield whole_operand("bias1", inputs[3])
        yield whole_operand("table", inputs[4])
        yield self._weights("w2", inputs[5], self.n, self.loops.column_block)
        yield whole_operand("multiplier2", inputs[6])
        yield whole_operand("bias2", inputs[7])
        if self.node.attributes.get("residual"):
            yield self.loops.block("residual", inputs[8], "in")
        yield self.loops.block("y", self.node.output, "out")

    def _weights(self, name: str, value: Value, channels: Loop, block: Expr) -> Operand:
        """The rows of a weight matrix that belong to a block of channels."""
        pitch = value.shape[1]
        start = block * channels.step
        region = Region.contiguous(start * pitch, channels.size_of(block) * pitch)
        return Operand(name, value, "in", region, block, buffers_for(channels))

    def _first_product(self) -> Call:
        start = self.loops.hidden_block * self.h.step
        columns = self.loops.hidden_size
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
        start = self.loops.column_block * self.n.step
        columns = self.loops.column_size
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
        when = self.loops.phase(phase)
        return Call(
            "linear", arguments, elements=work, macs=work * depth, rows=self.m.size, when=when
        )
