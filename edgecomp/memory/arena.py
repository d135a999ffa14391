"""Packing buffers into one arena.

Greedy placements first, then repairs where they are too high, local search, and a solver for all
of it: each only when what came before is not yet good enough. The result depends on nothing but
the buffers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product

from edgecomp.errors import EdgecompError
from edgecomp.memory import exact, local_search
from edgecomp.memory.greedy import FITS, Addresses, Instance
from edgecomp.memory.lifetime import Buffer, lower_bound, peak_step
from edgecomp.memory.plan import InvalidPlan, Plan, check
from edgecomp.memory.repair import repair

__all__ = ["DoesNotFit", "InvalidPlan", "Plan", "check", "pack"]

_GOOD_ENOUGH = 1.005  # of the lower bound: nothing is gained from a slower method
_NAMED = 4


class DoesNotFit(EdgecompError):
    """The buffers do not fit the memory: ``missing`` bytes more are needed, as far as is known."""

    def __init__(self, message: str, hint: str = "", missing: int = 0) -> None:
        super().__init__(message, hint)
        self.missing = missing


def pack(buffers: Sequence[Buffer], capacity: int, memory: str = "memory") -> Plan:
    """A checked plan for `buffers` in `capacity` bytes of `memory` (its name, for messages).

    Raises DoesNotFit, or ValueError when two buffers share a name.
    """
    _require_distinct(buffers)
    bound = lower_bound(buffers)
    if bound > capacity:
        raise _does_not_fit(buffers, bound, capacity, memory)
    instance = Instance(buffers)
    addresses = _best(instance, bound, capacity)
    size = instance.size(addresses)
    if size > capacity:
        raise _does_not_fit(buffers, size, capacity, memory)
    names = (each.name for each in buffers)
    placed = dict(zip(names, addresses, strict=True))
    plan = Plan(tuple(buffers), placed, size, bound, capacity)
    check(plan)
    return plan


def _best(instance: Instance, bound: int, capacity: int) -> Addresses:
    best = _greedy(instance, bound)
    enough = min(int(bound * _GOOD_ENOUGH), capacity)
    if instance.size(best) > capacity:
        best = repair(instance, best, capacity)
    if instance.size(best) > enough:
        best = local_search.improve(instance, best, enough)
    if instance.size(best) > enough and len(best) <= exact.MOST_BUFFERS:
        best = exact.solve(instance, best, bound)
    return best


def _greedy(instance: Instance, bound: int) -> Addresses:
    """The first greedy addresses that reach the bound, or else the best ones."""
    best: Addresses = []
    for fit, order in product(FITS, instance.orders()):
        addresses = instance.place(order, fit)
        if not best or instance.size(addresses) < instance.size(best):
            best = addresses
        if instance.size(best) <= bound:
            break
    return best


def _require_distinct(buffers: Sequence[Buffer]) -> None:
    twice = [name for name, count in Counter(each.name for each in buffers).items() if count > 1]
    if twice:
        raise ValueError(f"several buffers are called {', '.join(twice)}")


def _does_not_fit(buffers: Sequence[Buffer], needed: int, capacity: int, memory: str) -> DoesNotFit:
    step = peak_step(buffers)
    alive = [each for each in buffers if each.first_step <= step <= each.last_step]
    largest = sorted(alive, key=lambda each: (-each.size, each.name))
    named = ", ".join(f"{each.name} {each.size:,}" for each in largest[:_NAMED])
    rest = len(largest) - _NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return DoesNotFit(
        f"{memory} is too small: {needed:,} bytes are needed at once, {capacity:,} are available",
        f"largest at the peak, step {step}, in bytes: {named}{more}; "
        "shorten the input window, choose a smaller encoder or a board with more memory",
        needed - capacity,
    )
