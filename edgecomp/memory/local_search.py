"""Improving an order by small random changes, reproducibly."""

from __future__ import annotations

import random

from edgecomp.memory.greedy import Addresses, Instance

_SEED = 0
_PLACEMENTS = 60_000  # about a second: single buffers placed, all trials together
_LEAST_TRIALS = 50


def improve(instance: Instance, addresses: Addresses, enough: int) -> Addresses:
    """Addresses at least as good as the given ones.

    Placing from the lowest address to the highest, first fit puts no buffer higher than it was.
    From that order, a trial moves a few buffers, now and then one that reaches the top, and is
    kept unless it is worse. Stops at `enough` bytes.
    """
    choices = random.Random(_SEED)
    best = sorted(range(len(addresses)), key=addresses.__getitem__)
    addresses = instance.place(best)
    size = instance.size(addresses)
    for _ in range(max(_LEAST_TRIALS, _PLACEMENTS // max(1, len(best)))):
        if size <= enough:
            break
        trial = _change(instance, best, addresses, size, choices)
        placed = instance.place(trial)
        if instance.size(placed) <= size:
            best, addresses, size = trial, placed, instance.size(placed)
    return addresses


def _change(
    instance: Instance, order: list[int], addresses: Addresses, size: int, choices: random.Random
) -> list[int]:
    changed = list(order)
    for _ in range(choices.randint(1, 3)):
        source = _top(instance, changed, addresses, size) if choices.random() < 0.3 else None
        if source is None:
            source = choices.randrange(len(changed))
        index = changed.pop(source)
        changed.insert(choices.randrange(len(changed) + 1), index)
    return changed


def _top(instance: Instance, order: list[int], addresses: Addresses, size: int) -> int:
    """The place in the order of a buffer that ends at the top of the arena."""
    return next(
        place
        for place, index in enumerate(order)
        if addresses[index] + instance.buffers[index].size == size
    )
