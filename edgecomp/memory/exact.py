"""The smallest arena, by constraint programming."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgecomp.memory.greedy import Addresses, Instance

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

MOST_BUFFERS = 400
_SECONDS = 1.0  # of the solver's deterministic time, not of a clock


def solve(instance: Instance, hint: Addresses, lower_bound: int) -> Addresses:
    """The best addresses found within a fixed amount of work, never worse than `hint`.

    One worker, a fixed seed and deterministic time make the answer reproducible.
    """
    from ortools.sat.python import cp_model

    model, starts = _model(instance, hint, lower_bound)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = _SECONDS
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return hint
    places = zip(starts, instance.buffers, strict=True)
    found = [solver.value(start) * each.alignment for start, each in places]
    return min(hint, found, key=instance.size)


def _model(
    instance: Instance, hint: Addresses, lower_bound: int
) -> tuple[cp_model.CpModel, list[cp_model.IntVar]]:
    """A buffer is a rectangle, steps by units of bytes; no two overlap; the top is least.

    The variables are addresses, each in multiples of the buffer's own alignment.
    """
    from ortools.sat.python import cp_model

    unit = math.gcd(*(each.alignment for each in instance.buffers))
    highest = instance.size(hint)
    model = cp_model.CpModel()
    top = model.new_int_var(lower_bound, highest, "top")
    starts, lives, spans = [], [], []
    for each, address in zip(instance.buffers, hint, strict=True):
        start = model.new_int_var(0, highest // each.alignment, f"start {each.name}")
        model.add(start * each.alignment + each.size <= top)
        model.add_hint(start, address // each.alignment)
        life = model.new_fixed_size_interval_var(each.first_step, each.steps, f"life {each.name}")
        first, units = start * (each.alignment // unit), -(-each.size // unit)
        starts.append(start)
        lives.append(life)
        spans.append(model.new_fixed_size_interval_var(first, units, f"bytes {each.name}"))
    model.add_no_overlap_2d(lives, spans)
    model.minimize(top)
    return model, starts
