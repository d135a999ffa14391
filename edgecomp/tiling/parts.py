"""What tile programs are made of: loops, tensors on their way through L1, kernel calls."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from edgecomp.ir import Value
from edgecomp.targets import Engine
from edgecomp.tiling.expr import Const, Expr, Number, Var, least, wrap


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
        return self.size_of(self.index)

    def size_of(self, tile: Expr) -> Expr:
        """Elements in the tile of that index."""
        if self.extent % self.step == 0:
            return Const(self.step)
        return least(self.step, self.extent - tile * self.step)


class Nest:
    """Loops from outer to inner, flattened to one sequence of steps."""

    def __init__(self, loops: Sequence[Loop]) -> None:
        self.loops = tuple(loops)
        self.steps = math.prod(loop.trips for loop in self.loops)

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

    def versions(self, key: Expr) -> np.ndarray:
        """How often ``key`` has changed up to every step, from 0; int64 of shape [steps]."""
        keys = self.at_steps(key)
        return np.concatenate(([0], np.cumsum(keys[1:] != keys[:-1])))


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
    ``buffers`` is 2 where transfers overlap with computation; more are made where calls that lag
    behind need them (`schedule.py`). Several operands may write parts of one tensor that do not
    overlap.
    """

    name: str
    value: Value
    direction: Direction
    region: Region
    key: Expr = Const(0)
    buffers: int = 1


@dataclass(frozen=True)
class Scratch:
    """L1 memory that is no tensor. When ``key`` changes, its content is replaced by another."""

    name: str
    bytes: int
    key: Expr = Const(0)


@dataclass(frozen=True)
class Columns:
    """``width`` bytes of every ``pitch`` bytes of a buffer."""

    width: Expr
    pitch: int


@dataclass(frozen=True)
class Pointer:
    """Kernel argument: address of an operand's current tile or of a scratch, plus bytes.

    With ``columns`` the kernel touches nothing but columns, of which the first begins at
    ``offset``; without, it may touch all of the buffer.
    """

    name: str
    offset: Expr = Const(0)
    columns: Columns | None = None


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
    """One kernel on one engine.

    ``when`` restricts the call to steps at which all given ``(index, value)`` pairs agree.
    ``rows``, ``elements`` and ``macs`` are the work that the cost model charges. The call for step
    s runs in slot s + ``lag`` (`schedule.py`). ``outputs`` are the arguments that it writes.
    ``rate`` names the board's rate where it is not that of the kernel.
    """

    kernel: str
    arguments: Mapping[str, Argument]
    elements: Expr
    macs: Expr = Const(0)
    rows: Expr = Const(1)
    when: tuple[tuple[Expr, int], ...] = ()
    engine: Engine = "cluster"
    lag: int = 0
    outputs: frozenset[str] = frozenset({"y"})
    rate: str = ""

    def touches(self, name: str) -> tuple[bool, bool]:
        """Whether the call reads and whether it writes the buffer ``name``."""
        used = {
            argument
            for argument, value in self.arguments.items()
            if isinstance(value, Pointer) and value.name == name
        }
        return bool(used - self.outputs), bool(used & self.outputs)
