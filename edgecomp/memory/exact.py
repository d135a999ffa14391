"""The smallest arena, by constraint programming."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgecomp.memory.greedy import Addresses, Instance
from edgecomp.memory.lifetime import Buffer

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

MOST_BUFFERS = 400
_SOLVE_WORK, _REPAIR_WORK = 1.0, 0.1
"""The solver's deterministic time, of which one is some 30 s of a processor's time at worst. A
repair that is possible is found in a hundredth of its share."""


def solve(instance: Instance, hint: Addresses, lower_bound: int) -> Addresses:
    """The best addresses found within a fixed amount of work, never worse than `hint`."""
    rectangles = _Rectangles(instance)
    highest = instance.size(hint)
    top = rectangles.model.new_int_var(lower_bound, highest, "top")
    for index, each in enumerate(instance.buffers):
        start = rectangles.move(index, highest, hint[index])
        rectangles.model.add(start * each.alignment + each.size <= top)
    rectangles.model.minimize(top)
    found = rectangles.solve(_SOLVE_WORK)
    return hint if found is None else min(hint, found, key=instance.size)


def fit(
    instance: Instance, addresses: Addresses, free: Sequence[int], capacity: int
) -> Addresses | None:
    """Addresses of the buffers ``free`` within ``capacity``, others staying where they are.

    None where there are none, or none found within a fixed amount of work.
    """
    rectangles = _Rectangles(instance)
    for index in free:
        rectangles.move(index, capacity - instance.buffers[index].size, addresses[index])
    neighbours = {other for index in free for other in instance.neighbours[index]}
    for index in sorted(neighbours.difference(free)):
        rectangles.keep(index, addresses[index])
    return rectangles.solve(_REPAIR_WORK)


class _Rectangles:
    """Buffers as rectangles, steps by units of bytes, of which no two overlap.

    The variables are addresses, each in multiples of the buffer's own alignment.
    """

    def __init__(self, instance: Instance) -> None:
        from ortools.sat.python import cp_model

        self.model = cp_model.CpModel()
        self._buffers = instance.buffers
        self._unit = math.gcd(*(each.alignment for each in instance.buffers))
        self._starts: dict[int, cp_model.IntVar] = {}
        self._lives: list[cp_model.IntervalVar] = []
        self._spans: list[cp_model.IntervalVar] = []

    def move(self, index: int, highest: int, hint: int) -> cp_model.IntVar:
        """The variable of buffer ``index``, which begins no higher than ``highest``."""
        buffer = self._buffers[index]
        start = self.model.new_int_var(0, highest // buffer.alignment, f"start {buffer.name}")
        self.model.add_hint(start, min(hint, highest) // buffer.alignment)
        self._starts[index] = start
        self._add(buffer, start * (buffer.alignment // self._unit))
        return start

    def keep(self, index: int, address: int) -> None:
        """Buffer ``index`` stays where it is."""
        self._add(self._buffers[index], address // self._unit)

    def _add(self, buffer: Buffer, first: cp_model.LinearExprT) -> None:
        new = self.model.new_fixed_size_interval_var
        size = -(-buffer.size // self._unit)
        self._lives.append(new(buffer.first_step, buffer.steps, f"life {buffer.name}"))
        self._spans.append(new(first, size, f"bytes {buffer.name}"))

    def solve(self, work: float) -> Addresses | None:
        """The addresses of what moves, in the order it was added; None where ``work`` found none.

        One worker, a fixed seed and deterministic time make the answer reproducible.
        """
        from ortools.sat.python import cp_model

        self.model.add_no_overlap_2d(self._lives, self._spans)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.max_deterministic_time = work
        if solver.solve(self.model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        places = self._starts.items()
        return [solver.value(start) * self._buffers[index].alignment for index, start in places]
