"""The body of a tile program's C function, with a mark in the place of every number.

Which numbers become literals and which come from the layer's table entry is decided when all
layers are known (`sharing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgecomp.codegen.render import render
from edgecomp.codegen.sharing import Marked, Numbers
from edgecomp.codegen.simplify import simplified
from edgecomp.codegen.steps import NEXT, Steps
from edgecomp.targets import Engine
from edgecomp.tiling.expr import Const, Expr, Var
from edgecomp.tiling.program import (
    Argument,
    Call,
    Null,
    Operand,
    Pointer,
    Region,
    Scalar,
    Scratch,
    Symbol,
    TileProgram,
    Vector,
)


@dataclass(frozen=True)
class BufferText:
    """A buffer as it is opened; ``filled``: with a whole tensor, at once."""

    name: str
    bytes: str
    copies: int
    l2: str
    filled: bool


@dataclass(frozen=True)
class Transfer:
    """A load or store of one tile, and when (empty: always)."""

    name: str
    when: str
    copy: str
    shape: str
    arguments: str


@dataclass(frozen=True)
class CallText:
    """One kernel call: its condition (empty: always) and the fields of its argument struct."""

    kernel: str
    engine: Engine
    when: str
    fields: list[tuple[str, str]]


def layer_function(program: TileProgram, addresses: Sequence[int]) -> Marked:
    """The body of the C function for ``program`` with operands at ``addresses`` of L2's arena."""
    return _Writer(program, addresses).function()


class _Writer:
    def __init__(self, program: TileProgram, addresses: Sequence[int]) -> None:
        self.program = program
        self.schedule = program.schedule
        self.addresses = addresses
        self.numbers = Numbers()
        self.steps = Steps(program, self.numbers.mark)
        items: list[Operand | Scratch] = [*program.operands, *program.scratch]
        self.items = {item.name: item for item in items}
        loaded = [operand for operand in program.operands if operand.direction == "in"]
        self.whole = [operand for operand in loaded if not self.steps.changes(operand.key)]
        moving = [operand for operand in loaded if self.steps.changes(operand.key)]
        self.ahead = [operand for operand in moving if operand.buffers > 1]
        self.exposed = [operand for operand in moving if operand.buffers == 1]

    def function(self) -> Marked:
        stores = [operand for operand in self.program.operands if operand.direction == "out"]
        early = [operand for operand in stores if self.schedule.stored_early(operand)]
        calls = [self._call(call) for call in self.schedule.calls]
        text = render(
            "layer.c.j2",
            buffers=self._buffers(),
            operands=len(self.program.operands),
            whole=[self._first(o) for o in self.whole if not self._filled(o)],
            first=[self._first(o) for o in self.ahead if self.schedule.first_lag(o.name) == 0],
            waits_first=bool(self.whole),
            exposed=[self._exposed(operand) for operand in self.exposed],
            waits=[self._wait(o) for o in self.program.operands if self.steps.changes(o.key)],
            jobs=[call for call in calls if call.engine == "ne16"],
            ahead=[self._ahead(operand) for operand in self.ahead],
            early=[self._store(operand) for operand in early],
            forks=[call for call in calls if call.engine == "cluster"],
            late=[self._store(operand) for operand in stores if operand not in early],
            slots=self._slots(),
            steps=self.steps,
        )
        return Marked(text, tuple(self.numbers.values))

    # ---- buffers and transfers -----------------------------------------------------------------

    def _buffers(self) -> list[BufferText]:
        """In the order in which they lie in L1, back to back."""
        layout = self.program.l1_layout
        filled = {operand.name for operand in self.whole if self._filled(operand)}
        names = (operand.name for operand in self.program.operands)
        l2 = dict(zip(names, map(self.numbers.mark, self.addresses), strict=True))
        return [
            BufferText(
                name,
                self.numbers.mark(place.bytes),
                place.copies,
                l2.get(name, "0"),
                name in filled,
            )
            for name, place in layout.items()
        ]

    def _filled(self, operand: Operand) -> bool:
        """Whether all of an unchanging operand's tile is one run from the tensor's start on."""
        region = operand.region
        return all(
            simplified(expr, self.program.nest) == Const(value)
            for expr, value in ((region.offset, 0), (region.rows, 1), (region.planes, 1))
        )

    def _transfer(self, operand: Operand, when: str, copy: str, lag: int | None) -> Transfer:
        """``lag``: of the step whose tile it is; None: the first one's."""
        shape, values = _shape(operand.region, self.program)
        return Transfer(
            operand.name, when, copy, shape, ", ".join(self._at(value, lag) for value in values)
        )

    def _at(self, value: Expr, lag: int | None) -> str:
        if lag is not None:
            return self.steps.text(value, lag)
        first = value.evaluate({loop.name: 0 for loop in self.program.loops})
        return self.numbers.mark(int(first))

    def _copy(self, item: Operand | Scratch, lag: int) -> str:
        return self.steps.copy(item.key, self.program.l1_layout[item.name].copies, lag)

    def _first(self, operand: Operand) -> Transfer:
        return self._transfer(operand, "", "0", None)

    def _exposed(self, operand: Operand) -> Transfer:
        lag = self.schedule.first_lag(operand.name)
        when = _all(self.steps.on(lag), self.steps.begins(operand.key, lag))
        return self._transfer(operand, when, self._copy(operand, lag), lag)

    def _ahead(self, operand: Operand) -> Transfer:
        """The load for the step that comes to the operand's first lag in the next slot."""
        lag = self.schedule.first_lag(operand.name)
        coming = lag - 1 if lag else NEXT
        when = _all(self.steps.on(coming), self.steps.ends(operand.key, lag))
        return self._transfer(operand, when, self._copy(operand, coming), coming)

    def _wait(self, operand: Operand) -> tuple[str, str]:
        return operand.name, self._copy(operand, self.schedule.first_lag(operand.name))

    def _store(self, operand: Operand) -> Transfer:
        lag = self.schedule.store_lag(operand)
        when = _all(self.steps.on(lag), self.steps.ends(operand.key, lag))
        return self._transfer(operand, when, self._copy(operand, lag), lag)

    def _slots(self) -> str:
        """How many there are; empty for one."""
        if self.schedule.slots == 1:
            return ""
        steps, last = self.numbers.mark(self.program.steps), self.steps.last
        return f"{steps} + {last}" if last else steps

    # ---- calls ---------------------------------------------------------------------------------

    def _call(self, call: Call) -> CallText:
        when = [self.steps.on(call.lag)]
        when += [self._condition(index, value, call.lag) for index, value in call.when]
        fields = [(name, self._argument(arg, call.lag)) for name, arg in call.arguments.items()]
        return CallText(call.kernel, call.engine, _all(*when), fields)

    def _condition(self, index: Expr, value: int, lag: int) -> str:
        """Whether ``index`` is ``value``; empty where it always is."""
        holds = self.program.at_steps(index) == value
        if holds.all():
            return ""
        for loop in self.program.loops:
            bound = _bound(holds, self.program.indices[loop.name])
            if bound is not None:
                operator, limit = bound
                axis = self.steps.text(Var(loop.name), lag)
                return f"{axis} {operator} {self.numbers.mark(limit)}"
        return f"{self.steps.text(index, lag)} == {self.numbers.mark(value)}"

    def _argument(self, argument: Argument, lag: int) -> str:
        match argument:
            case Expr():
                return self.steps.text(argument, lag)
            case Scalar(value):
                return self.numbers.mark(value)
            case Null():
                return "NULL"
            case Symbol(text):
                return text
            case Vector(items):
                return "{" + ", ".join(self.steps.text(item, lag) for item in items) + "}"
            case Pointer(name, offset):
                return self._pointer(name, offset, lag)

    def _pointer(self, name: str, offset: Expr, lag: int) -> str:
        tile = f"ec_stream_tile({name}, {self._copy(self.items[name], lag)})"
        if simplified(offset, self.program.nest) == Const(0):
            return tile
        return f"EC_AT({tile}, {self.steps.text(offset, lag)})"


def _bound(holds: np.ndarray, index: np.ndarray) -> tuple[str, int] | None:
    """``holds``, bool [steps], as a comparison of ``index``, int64 [steps], with a number."""
    inside = index[holds]
    if not len(inside):
        return None
    if np.array_equal(holds, index <= inside.max()):
        return "<", int(inside.max()) + 1
    if np.array_equal(holds, index >= inside.min()):
        return ">=", int(inside.min())
    return None


def _all(*conditions: str) -> str:
    return " && ".join(each for each in conditions if each)


def _shape(region: Region, program: TileProgram) -> tuple[str, list[Expr]]:
    """The suffix of the transfer functions for a region, and what they are told."""

    def single(count: Expr) -> bool:
        return simplified(count, program.nest) == Const(1)

    rows, planes = (region.rows, region.row_stride), (region.planes, region.plane_stride)
    if single(region.planes) and single(region.rows):
        return "", [region.offset, region.length]
    if single(region.planes) or single(region.rows):
        count, stride = rows if single(region.planes) else planes
        return "_rows", [region.offset, region.length, count, Const(stride)]
    strided = [rows[0], Const(rows[1]), planes[0], Const(planes[1])]
    return "_planes", [region.offset, region.length, *strided]
