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
_SECONDS = 1.0  # of the solver's deterministic time, not of a clock


def solve(instance: Instance, hint: Addresses, lower_bound: int) -> Addresses:
    """The best addresses found within a fixed amount of work, never worse than `hint`.

    One worker, a fixed seed and deterministic time make the answer reproducible.
    """
    model, starts = _model(instance, hint, lower_bound)
    solver = _solver(model)
    if solver is None:
        return hint
    places = zip(starts, instance.buffers, strict=True)
    found = [solver.value(start) * each.alignment for start, each in places]
    return min(hint, found, key=instance.size)


def fit(
    instance: Instance, addresses: Addresses, free: Sequence[int], capacity: int
) -> Addresses | None:
    """Addresses of the buffers ``free`` within ``capacity``, others staying where they are.

    None where there are none, or none found within a fixed amount of work.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    unit = _unit(instance)
    starts, lives, spans = [], [], []
    for index in free:
        each = instance.buffers[index]
        start = model.new_int_var(0, (capacity - each.size) // each.alignment, each.name)
        model.add_hint(start, min(addresses[index], capacity - each.size) // each.alignment)
        starts.append(start)
        lives.append(_life(model, each))
        spans.append(_span(model, each, start * (each.alignment // unit), unit))
    neighbours = {other for index in free for other in instance.neighbours[index]}
    for index in sorted(neighbours.difference(free)):
        each = instance.buffers[index]
        lives.append(_life(model, each))
        spans.append(_span(model, each, addresses[index] // unit, unit))
    model.add_no_overlap_2d(lives, spans)
    solver = _solver(model)
    if solver is None:
        return None
    places = zip(free, starts, strict=True)
    return [solver.value(start) * instance.buffers[index].alignment for index, start in places]


def _solver(model: cp_model.CpModel) -> cp_model.CpSolver | None:
    """The solver with a solution of ``model``, or None: reproducible, within fixed work."""
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = _SECONDS
    solved = solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return solver if solved else None


def _model(
    instance: Instance, hint: Addresses, lower_bound: int
) -> tuple[cp_model.CpModel, list[cp_model.IntVar]]:
    """A buffer is a rectangle, steps by units of bytes; no two overlap; the top is least.

    The variables are addresses, each in multiples of the buffer's own alignment.
    """
    from ortools.sat.python import cp_model

    unit = _unit(instance)
    highest = instance.size(hint)
    model = cp_model.CpModel()
    top = model.new_int_var(lower_bound, highest, "top")
    starts, lives, spans = [], [], []
    for each, address in zip(instance.buffers, hint, strict=True):
        start = model.new_int_var(0, highest // each.alignment, f"start {each.name}")
        model.add(start * each.alignment + each.size <= top)
        model.add_hint(start, address // each.alignment)
        starts.append(start)
        lives.append(_life(model, each))
        spans.append(_span(model, each, start * (each.alignment // unit), unit))
    model.add_no_overlap_2d(lives, spans)
    model.minimize(top)
    return model, starts


def _unit(instance: Instance) -> int:
    return math.gcd(*(each.alignment for each in instance.buffers))


def _life(model: cp_model.CpModel, buffer: Buffer) -> cp_model.IntervalVar:
    return model.new_fixed_size_interval_var(buffer.first_step, buffer.steps, f"life {buffer.name}")


def _span(
    model: cp_model.CpModel, buffer: Buffer, first: cp_model.LinearExprT, unit: int
) -> cp_model.IntervalVar:
    """The buffer's bytes from ``first`` on, both in units."""
    size = -(-buffer.size // unit)
    return model.new_fixed_size_interval_var(first, size, f"bytes {buffer.name}")
