"""Tile programs: what one layer does, as data.

A program is a nest of loops flattened to a sequence of steps. At each step every operand has a
region of its tensor in L1 and some kernels are called. From the program come the L1 layout, the
cost, the C text and the proof that no transfer leaves its tensor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from edgecomp.ir import Value
from edgecomp.targets import Engine
from edgecomp.tiling.expr import Expr
from edgecomp.tiling.parts import (
    Argument,
    Call,
    Columns,
    Direction,
    Loop,
    Nest,
    Null,
    Operand,
    Pointer,
    Region,
    Scalar,
    Scratch,
    Symbol,
    Vector,
    c_type,
)
from edgecomp.tiling.schedule import Schedule
from edgecomp.tiling.views import resolve, row_bytes

__all__ = [
    "L1_ALIGNMENT",
    "L1_GUARD",
    "Argument",
    "Buffer",
    "Call",
    "Columns",
    "Direction",
    "Loop",
    "Null",
    "Operand",
    "Pointer",
    "Region",
    "Scalar",
    "Scratch",
    "Symbol",
    "TileProgram",
    "Vector",
    "c_type",
]

L1_ALIGNMENT = 8
"""Buffers start on this boundary; kernels may then load words and the DMA whole beats."""

L1_GUARD = 8
"""Bytes left free behind every L1 buffer; checked host builds poison them."""


@dataclass(frozen=True)
class Buffer:
    """``copies`` pieces of ``bytes`` bytes in L1, ``pitch`` apart, the first at ``offset``."""

    offset: int
    bytes: int
    copies: int

    @property
    def pitch(self) -> int:
        """Bytes from one copy to the next, guard included."""
        return -(-(self.bytes + L1_GUARD) // L1_ALIGNMENT) * L1_ALIGNMENT

    @property
    def end(self) -> int:
        """Where the next buffer may begin."""
        return self.offset + self.copies * self.pitch


@dataclass(frozen=True)
class TileProgram:
    """One layer: loops from outer to inner, operands, scratch memory and kernel calls."""

    loops: tuple[Loop, ...]
    operands: tuple[Operand, ...]
    calls: tuple[Call, ...]
    scratch: tuple[Scratch, ...] = ()
    order: str = field(default="", compare=False)

    @cached_property
    def nest(self) -> Nest:
        """The flattened loops."""
        return Nest(self.loops)

    @cached_property
    def schedule(self) -> Schedule:
        """When the calls and transfers happen."""
        return Schedule(self.nest, self.operands, self.scratch, self.calls)

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines that its calls run on, the cluster first."""
        return tuple(sorted({call.engine for call in self.calls}))

    @property
    def steps(self) -> int:
        """Number of steps of the flattened nest."""
        return self.nest.steps

    @property
    def indices(self) -> dict[str, np.ndarray]:
        """Tile index of every loop at every step, in execution order."""
        return self.nest.indices

    def at_steps(self, expr: Expr) -> np.ndarray:
        """``expr`` at every step, int64 of shape [steps]."""
        return self.nest.at_steps(expr)

    @property
    def constants(self) -> list[Value]:
        """The constants that the layer reads, as it reads them."""
        return [operand.value for operand in self.operands if operand.value.is_constant]

    def tile_bytes(self, operand: Operand) -> int:
        """Size of the operand's largest tile."""
        return int(self.at_steps(operand.region.bytes).max())

    @cached_property
    def l1_layout(self) -> dict[str, Buffer]:
        """Every operand's and scratch memory's place in L1."""
        sizes = {operand.name: self.tile_bytes(operand) for operand in self.operands}
        sizes.update({item.name: item.bytes for item in self.scratch})
        layout: dict[str, Buffer] = {}
        cursor = 0
        for name, size in sizes.items():
            layout[name] = Buffer(cursor, size, self.schedule.copies[name])
            cursor = layout[name].end
        return layout

    @property
    def l1_bytes(self) -> int:
        """L1 memory that the layer takes, guards included."""
        return max((buffer.end for buffer in self.l1_layout.values()), default=0)

    @property
    def buffer_bytes(self) -> int:
        """What its buffers hold, without guards and alignment: no layout takes less."""
        return sum(each.bytes * each.copies for each in self.l1_layout.values())

    def check(self) -> None:
        """``ValueError`` where the program is wrong.

        If a transfer leaves its tensor, a result is not written exactly once, an output tile is
        taken up again, a kernel has an unknown operand, or two accesses to a buffer race.
        """
        for operand in self.operands:
            self._check_region(operand)
        self._check_results()
        names = {operand.name for operand in self.operands} | {s.name for s in self.scratch}
        for call in self.calls:
            for argument in call.arguments.values():
                if isinstance(argument, Pointer) and argument.name not in names:
                    raise ValueError(f"{call.kernel} points at unknown buffer {argument.name}")
        self.schedule.check()

    def _check_results(self) -> None:
        """Every byte of a result is written exactly once, and nothing between its rows."""
        changes: dict[Value, np.ndarray] = {}
        for operand in self.operands:
            if operand.direction == "out":
                size = _extent(operand.value)
                begins, ends = self._runs(operand, self._stores(operand))
                change = changes.setdefault(operand.value, np.zeros(size + 1, np.int64))
                change += np.bincount(begins, minlength=size + 1)
                change -= np.bincount(ends, minlength=size + 1)
        for value, change in changes.items():
            times = np.cumsum(change)[:-1]
            expected = _belongs(value)
            wrong = np.flatnonzero(times != expected)
            if len(wrong):
                byte = wrong[0]
                raise ValueError(
                    f"byte {byte} of {value} is written {times[byte]} times, not "
                    f"{'once' if expected[byte] else '0'}"
                )

    def _runs(self, operand: Operand, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First byte of every run that ``operand`` has at ``steps``, and the first behind it."""
        region = operand.region
        rows, planes = self.at_steps(region.rows)[steps], self.at_steps(region.planes)[steps]
        counts = rows * planes
        number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        plane, row = np.divmod(number, np.repeat(rows, counts))
        begins = np.repeat(self.at_steps(region.offset)[steps], counts)
        begins += plane * region.plane_stride + row * region.row_stride
        return begins, begins + np.repeat(self.at_steps(region.length)[steps], counts)

    def _stores(self, operand: Operand) -> np.ndarray:
        """The steps after which a result tile is stored."""
        keys = self.at_steps(operand.key)
        stored = np.append(keys[1:] != keys[:-1], True)
        if len(np.unique(keys[stored])) != int(stored.sum()):
            raise ValueError(f"a tile of {operand.name} is taken up again after it was stored")
        return stored

    def _check_region(self, operand: Operand) -> None:
        region = operand.region
        first = self.at_steps(region.offset)
        last = (
            first
            + (self.at_steps(region.planes) - 1) * region.plane_stride
            + (self.at_steps(region.rows) - 1) * region.row_stride
            + self.at_steps(region.length)
        )
        if first.min() < 0 or last.max() > _extent(operand.value):
            raise ValueError(
                f"operand {operand.name} touches bytes {first.min()} to {last.max()} "
                f"of {operand.value}"
            )
        pitch = resolve(operand.value).pitch
        if pitch and (
            region.row_stride % pitch
            or region.plane_stride % pitch
            or (first % pitch + self.at_steps(region.length)).max() > row_bytes(operand.value)
        ):
            raise ValueError(f"operand {operand.name} leaves the rows of {operand.value}")


def _extent(value: Value) -> int:
    """Bytes from the first to the last of a tensor, those between its rows included."""
    pitch = resolve(value).pitch
    if not pitch:
        return value.type.bytes
    row = row_bytes(value)
    return (value.type.bytes // row - 1) * pitch + row


def _belongs(value: Value) -> np.ndarray:
    """Which bytes of its extent are the tensor's; bool."""
    extent, pitch = _extent(value), resolve(value).pitch
    if not pitch:
        return np.ones(extent, bool)
    return np.arange(extent) % pitch < row_bytes(value)
