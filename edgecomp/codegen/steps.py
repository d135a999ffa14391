"""What a layer function knows of the steps that a slot holds: tile indices, copies, turns.

All of it depends on the step alone, so that it is computed once, for the step at lag 0, and handed
on from slot to slot to the calls that come later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edgecomp.codegen.simplify import simplified
from edgecomp.tiling.expr import Const, Expr
from edgecomp.tiling.program import Loop, TileProgram

NEXT = -1
"""The lag of the step behind the one at lag 0."""


@dataclass
class Line:
    """A value and those it had at earlier steps, as far back as they were asked for.

    ``initial`` is what it is before the first step; ``now`` computes it for the step at lag 0, or,
    where ``behind`` is set, that for the step behind it.
    """

    name: str
    initial: int
    now: str = ""
    behind: str = ""
    deepest: int = 0

    def at(self, lag: int) -> str:
        """The variable that holds it for the step at ``lag``, which is kept from now on."""
        self.deepest = max(self.deepest, lag)
        return f"{self.name}_{'n' if lag == NEXT else lag}"


@dataclass
class Steps:
    """The lines of a program. ``number`` spells a literal."""

    program: TileProgram
    number: Callable[[int], str]
    axes: dict[str, Line] = field(default_factory=dict)
    turns: dict[str, Line] = field(default_factory=dict)
    copies: dict[tuple[str, int], Line] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._found: dict[Expr, Line | None] = {}
        self.loops = [loop for loop in reversed(self.program.loops) if loop.trips > 1]
        for place, loop in enumerate(self.loops):
            self._add_axis(place, loop)

    @property
    def last(self) -> int:
        """The largest lag."""
        return self.program.schedule.lags[-1]

    @property
    def counted(self) -> list[Line]:
        """The lines that are kept from slot to slot, with their next value."""
        return [*self.axes.values(), *self.copies.values()]

    def text(self, expr: Expr, lag: int) -> str:
        """C text of ``expr`` for the step at ``lag``."""
        short = simplified(expr, self.program.nest)
        return short.c(lambda name: self.axes[name].at(lag), self.number)

    def on(self, lag: int) -> str:
        """Whether there is a step at ``lag``, or behind lag 0; empty where there always is."""
        steps = self.number(self.program.steps)
        if lag == NEXT:
            return f"slot + 1 < {steps}" if self.program.steps > 1 else "0"
        tests = [f"slot >= {lag}"] if lag else []
        if lag < self.last:
            tests.append(f"slot < {steps}" + (f" + {lag}" if lag else ""))
        return " && ".join(tests)

    def ends(self, key: Expr, lag: int) -> str:
        """Whether the step at ``lag`` is the last one with its ``key``; empty where all are."""
        if not self.changes(key):
            behind = f" + {lag - 1}" if lag > 1 else " - 1" if lag == 0 else ""
            return f"slot == {self.number(self.program.steps)}{behind}" if self.loops else ""
        turn = self._turn(key)
        return turn.at(lag) if turn is not None else ""

    def begins(self, key: Expr, lag: int) -> str:
        """Whether the step at ``lag`` is the first one with its ``key``; empty where all are."""
        turn = self._turn(key)
        return turn.at(lag + 1) if turn is not None else ""

    def copy(self, key: Expr, count: int, lag: int) -> str:
        """Which of ``count`` copies of a buffer with ``key`` the step at ``lag`` uses."""
        if count == 1 or not self.changes(key):
            return "0"
        turn = self._turn(key)
        name = turn.name if turn is not None else "step"
        if (name, count) not in self.copies:
            line = Line(f"{name}_copy{count}", 0)
            behind = f"EC_NEXT({line.at(0)}, {count})"
            if turn is not None:
                behind = f"{turn.at(0)} ? {behind} : {line.at(0)}"
            line.behind = behind
            self.copies[name, count] = line
        return self.copies[name, count].at(lag)

    def changes(self, key: Expr) -> bool:
        """Whether steps differ in ``key``."""
        return not isinstance(simplified(key, self.program.nest), Const)

    def _add_axis(self, place: int, loop: Loop) -> None:
        """The index of the loop that is ``place`` loops away from the innermost."""
        line = self.axes[loop.name] = Line(loop.name, 0)
        here, moves = line.at(0), "1"
        behind = f"EC_NEXT({here}, {self.number(loop.trips)})"
        if place:
            turn = self.turns[loop.name] = Line(f"{loop.name}_turn", 1, self._wrapped(place - 1))
            moves = turn.at(0)
            behind = f"{moves} ? {behind} : {here}"
        outermost = place == len(self.loops) - 1
        line.behind = f"{here} + {moves}" if outermost else behind

    def _wrapped(self, place: int) -> str:
        """Whether all loops up to that one begin anew behind the step at lag 0."""
        name = self.loops[place].name
        zero = f"{self.axes[name].at(NEXT)} == 0"
        return f"{self.turns[name].at(0)} && {zero}" if place else zero

    def _turn(self, key: Expr) -> Line | None:
        """The line that says after which steps ``key`` changes; None for: after every one.

        After the last step it says yes.
        """
        if key not in self._found:
            self._found[key] = self._find_turn(key)
        return self._found[key]

    def _find_turn(self, key: Expr) -> Line | None:
        nest = self.program.nest
        changes = np.diff(nest.versions(key)) > 0
        period, after = 1, np.arange(1, nest.steps)
        for loop in self.loops:
            if np.array_equal(changes, after % period == 0):
                return self.turns.get(loop.name)
            period *= loop.trips
        here, behind = self.text(key, 0), self.text(key, NEXT)
        name = f"turn_{len(self.turns)}"
        now = f"{behind} != {here} || slot + 1 == {self.number(self.program.steps)}"
        return self.turns.setdefault(str(key), Line(name, 1, now))
