"""An arena with every buffer at an address, and the proof that it is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from edgecomp.memory.lifetime import Buffer


class InvalidPlan(Exception):
    """A plan that breaks a rule: a defect of the planner, never of the user's network."""


@dataclass(frozen=True)
class Plan:
    """Addresses in bytes from the start of the arena, which takes `size` of `capacity` bytes.

    lower_bound: the largest sum of sizes alive at one step.
    """

    buffers: tuple[Buffer, ...]
    addresses: Mapping[str, int]
    size: int
    lower_bound: int
    capacity: int


def check(plan: Plan) -> None:
    """Raise InvalidPlan unless live buffers are disjoint, aligned and within size and capacity."""
    if plan.size > plan.capacity:
        raise InvalidPlan(f"the arena takes {plan.size} of {plan.capacity} bytes")
    for buffer in plan.buffers:
        _check_place(plan, buffer)
    for step in sorted({buffer.first_step for buffer in plan.buffers}):
        _check_disjoint(plan, step)


def _check_place(plan: Plan, buffer: Buffer) -> None:
    if buffer.name not in plan.addresses:
        raise InvalidPlan(f"buffer {buffer.name} has no address")
    address = plan.addresses[buffer.name]
    if address % buffer.alignment:
        raise InvalidPlan(f"buffer {buffer.name} at {address} is not aligned to {buffer.alignment}")
    if address < 0 or address + buffer.size > plan.size:
        raise InvalidPlan(f"buffer {buffer.name} leaves the arena of {plan.size} bytes")


def _check_disjoint(plan: Plan, step: int) -> None:
    """Two buffers that meet do so where the later one begins, so checking there is enough."""
    alive = (each for each in plan.buffers if each.first_step <= step <= each.last_step)
    for below, above in pairwise(sorted(alive, key=lambda each: plan.addresses[each.name])):
        if plan.addresses[below.name] + below.size > plan.addresses[above.name]:
            raise InvalidPlan(f"buffers {below.name} and {above.name} overlap at step {step}")
