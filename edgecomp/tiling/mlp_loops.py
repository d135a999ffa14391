"""The loops of two products in one layer, of which the second reads all that the first has made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from edgecomp.ir import Node, Value
from edgecomp.tiling.candidates import buffers_for
from edgecomp.tiling.expr import Expr, least, most
from edgecomp.tiling.program import Direction, Loop, Operand, Region


@dataclass(frozen=True)
class MlpLoops:
    """Rows ``m``; within them ``j``: blocks of hidden channels ``h``, then of outputs ``n``.

    ``depth``: input channels.
    """

    m: Loop
    h: Loop
    n: Loop
    depth: int

    @classmethod
    def of(cls, node: Node, row_step: int, hidden_step: int, column_step: int) -> MlpLoops:
        """Those of a ``q_mlp`` with tiles of these sizes."""
        hidden, depth = node.inputs[1].shape
        rows = node.inputs[0].type.size // depth
        return cls(
            Loop("m", rows, row_step),
            Loop("h", hidden, hidden_step),
            Loop("n", node.inputs[5].shape[0], column_step),
            depth,
        )

    @cached_property
    def j(self) -> Loop:
        """The blocks of both products, one after another."""
        return Loop("j", self.h.trips + self.n.trips, 1)

    @cached_property
    def hidden_block(self) -> Expr:
        """The block of hidden channels: the last one stays while the second product runs."""
        return least(self.j.index, self.h.trips - 1)

    @cached_property
    def column_block(self) -> Expr:
        """The block of output channels: the first one stays while the first product runs."""
        return most(self.j.index, self.h.trips) - self.h.trips

    @property
    def hidden_size(self) -> Expr:
        """Hidden channels in the step's block."""
        return self.h.size_of(self.hidden_block)

    @property
    def column_size(self) -> Expr:
        """Output channels in the step's block."""
        return self.n.size_of(self.column_block)

    def phase(self, product: int) -> tuple[tuple[Expr, int], ...]:
        """The condition on which a call belongs to the first (0) or the second (1) product."""
        return ((least(self.j.index // self.h.trips, 1), product),)

    def block(self, name: str, value: Value, direction: Direction) -> Operand:
        """A block of rows by output channels."""
        size = value.type.dtype.bytes
        pitch = self.n.extent * size
        start = self.m.start * pitch + self.column_block * (self.n.step * size)
        region = Region.block(start, self.m.size, self.column_size * size, pitch)
        key = self.m.index * self.n.trips + self.column_block
        return Operand(name, value, direction, region, key, buffers_for(self.m, self.n))
