"""Tile programs: what one layer does, as data.

A program is a nest of loops flattened to a sequence of steps. At each step every operand has a
region of its tensor in L1 and some kernels are called. From the program come the L1 layout, the
cost, the C text and the proof that no transfer leaves its tensor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from edgecomp.ir import Value
from edgecomp.tiling.expr import Const, Expr, Number, Var, least, wrap

L1_ALIGNMENT = 8
"""Buffers start on this boundary; kernels may then load words and the DMA whole beats."""

L1_GUARD = 8
"""Bytes left free behind every L1 buffer; checked host builds poison them."""


@dataclass(frozen=True)
class Loop:
    """Tiles of ``step`` elements that cover ``extent`` elements; the last may be smaller."""

    name: str
    extent: int
    step: int

    def __post_init__(self) -> None:
        if not 0 < self.step <= self.extent:
            raise ValueError(f"loop {self.name}: step {self.step} of extent {self.extent}")

    @property
    def trips(self) -> int:
        """Number of tiles."""
        return math.ceil(self.extent / self.step)

    @property
    def index(self) -> Expr:
        """The tile index (0 where there is one tile only)."""
        return Var(self.name) if self.trips > 1 else Const(0)

    @property
    def start(self) -> Expr:
        """First element of the tile."""
        return self.index * self.step

    @property
    def size(self) -> Expr:
        """Elements in the tile."""
        if self.extent % self.step == 0:
            return Const(self.step)
        return least(self.step, self.extent - self.start)


@dataclass(frozen=True)
class Region:
    """``planes x rows`` runs of ``length`` bytes in a tensor; packed densely in L1.

    Offsets and strides are in bytes from the start of the tensor.
    """

    offset: Expr
    length: Expr
    rows: Expr = Const(1)
    row_stride: int = 0
    planes: Expr = Const(1)
    plane_stride: int = 0

    @staticmethod
    def contiguous(offset: Expr | int, length: Expr | int) -> Region:
        """One run of bytes."""
        return Region(wrap(offset), wrap(length))

    @staticmethod
    def block(offset: Expr | int, rows: Expr | int, length: Expr | int, row_stride: int) -> Region:
        """``rows`` runs of ``length`` bytes; a single run where they touch."""
        length = wrap(length)
        if length == Const(row_stride):
            return Region(wrap(offset), wrap(rows) * row_stride)
        return Region(wrap(offset), length, wrap(rows), row_stride)

    @property
    def bytes(self) -> Expr:
        """Size of the packed tile."""
        return self.planes * self.rows * self.length


Direction = Literal["in", "out"]


@dataclass(frozen=True)
class Operand:
    """A tensor that is streamed through L1.

    ``value`` is the tensor, ``key`` tells tiles apart (a transfer happens when it changes) and
    ``buffers`` is 2 where transfers overlap with computation. Several operands may write parts
    of one tensor that do not overlap.
    """

    name: str
    value: Value
    direction: Direction
    region: Region
    key: Expr = Const(0)
    buffers: int = 1


@dataclass(frozen=True)
class Scratch:
    """L1 memory that lives through all steps of the layer."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Pointer:
    """Kernel argument: address of an operand's current tile or of a scratch, plus bytes."""

    name: str
    offset: Expr = Const(0)


@dataclass(frozen=True)
class Scalar:
    """Kernel argument that differs between layers of the same shape (multipliers, shifts)."""

    value: int


@dataclass(frozen=True)
class Null:
    """Kernel argument: no such operand."""


@dataclass(frozen=True)
class Symbol:
    """Kernel argument: a C enumerator."""

    text: str


@dataclass(frozen=True)
class Vector:
    """Kernel argument: a C array."""

    items: tuple[Expr, ...]

    @staticmethod
    def of(*items: Expr | int) -> Vector:
        """An array of expressions or numbers."""
        return Vector(tuple(wrap(item) for item in items))


Argument = Expr | Pointer | Scalar | Null | Symbol | Vector


def c_type(value: Value) -> Symbol:
    """The kernels' enumerator for the element type of ``value``."""
    return Symbol(f"EC_{value.type.dtype.name}")


@dataclass(frozen=True)
class Call:
    """One kernel, run by all cores of the cluster and joined.

    ``when`` restricts the call to steps at which all given ``(index, value)`` pairs agree.
    ``rows``, ``elements`` and ``macs`` are the work that the cost model charges.
    """

    kernel: str
    arguments: Mapping[str, Argument]
    elements: Expr
    macs: Expr = Const(0)
    rows: Expr = Const(1)
    when: tuple[tuple[Expr, int], ...] = ()


@dataclass(frozen=True)
class TileProgram:
    """One layer: loops from outer to inner, operands, scratch memory and kernel calls."""

    loops: tuple[Loop, ...]
    operands: tuple[Operand, ...]
    calls: tuple[Call, ...]
    scratch: tuple[Scratch, ...] = ()
    order: str = field(default="", compare=False)

    @cached_property
    def steps(self) -> int:
        """Number of steps of the flattened nest."""
        return math.prod(loop.trips for loop in self.loops)

    @cached_property
    def indices(self) -> dict[str, np.ndarray]:
        """Tile index of every loop at every step, in execution order."""
        trips = [loop.trips for loop in self.loops]
        grids = np.unravel_index(np.arange(self.steps), trips) if trips else ()
        return {loop.name: grid for loop, grid in zip(self.loops, grids, strict=True)}

    def at_steps(self, expr: Expr) -> np.ndarray:
        """``expr`` at every step, int64 of shape [steps]."""
        value: Number = expr.evaluate(self.indices)
        return np.broadcast_to(np.asarray(value, np.int64), (self.steps,))

    def tile_bytes(self, operand: Operand) -> int:
        """Size of the operand's largest tile."""
        return int(self.at_steps(operand.region.bytes).max())

    @cached_property
    def l1_layout(self) -> dict[str, tuple[int, int]]:
        """Offset and size of every L1 buffer; operand buffers are called ``name.slot``."""
        sizes: dict[str, int] = {}
        for operand in self.operands:
            for slot in range(operand.buffers):
                sizes[f"{operand.name}.{slot}"] = self.tile_bytes(operand)
        sizes.update({item.name: item.bytes for item in self.scratch})
        layout: dict[str, tuple[int, int]] = {}
        cursor = 0
        for name, size in sizes.items():
            layout[name] = (cursor, size)
            cursor = -(-(cursor + size + L1_GUARD) // L1_ALIGNMENT) * L1_ALIGNMENT
        return layout

    @property
    def l1_bytes(self) -> int:
        """L1 memory that the layer takes, guards included."""
        if not self.l1_layout:
            return 0
        offset, size = list(self.l1_layout.values())[-1]
        return offset + size + L1_GUARD

    def check(self) -> None:
        """``ValueError`` where the program is wrong.

        If a transfer leaves its tensor, a result is not written exactly once, an output tile is
        taken up again, or a kernel has an unknown operand.
        """
        for operand in self.operands:
            self._check_region(operand)
        self._check_results()
        names = {operand.name for operand in self.operands} | {s.name for s in self.scratch}
        for call in self.calls:
            for argument in call.arguments.values():
                if isinstance(argument, Pointer) and argument.name not in names:
                    raise ValueError(f"{call.kernel} points at unknown buffer {argument.name}")

    def _check_results(self) -> None:
        written: dict[Value, int] = {}
        for operand in self.operands:
            if operand.direction == "out":
                stored = self._stores(operand)
                size = self.at_steps(operand.region.bytes)[stored].sum()
                written[operand.value] = written.get(operand.value, 0) + int(size)
        for value, size in written.items():
            if size != value.type.bytes:
                raise ValueError(f"{size} bytes are written to {value}")

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
        if first.min() < 0 or last.max() > operand.value.type.bytes:
            raise ValueError(
                f"operand {operand.name} touches bytes {first.min()} to {last.max()} "
                f"of {operand.value}"
            )
