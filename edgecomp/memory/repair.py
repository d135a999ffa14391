"""Making a packing fit where it is too high in a few places only, as with equal blocks of layers.

A large network has more buffers than one exact model can place, but what ends too high has few
neighbours in time. Those are placed anew together, exactly, between all others as they are.
"""

from __future__ import annotations

from edgecomp.memory import exact
from edgecomp.memory.greedy import Addresses, Instance

_REACHES = (0, 5, 15, 40, 80, 160)
"""Steps before and after the buffer that is too high, from which others move; tried in turn."""

_MOST_FREE = 300
"""Buffers placed anew at a time."""


def repair(instance: Instance, addresses: Addresses, capacity: int) -> Addresses:
    """Addresses that fit ``capacity`` bytes, or those it came to where it found no way."""
    addresses = list(addresses)
    while (index := _too_high(instance, addresses, capacity)) is not None:
        if not _moved(instance, addresses, index, capacity):
            break
    return addresses


def _too_high(instance: Instance, addresses: Addresses, capacity: int) -> int | None:
    ends = [start + each.size for start, each in zip(addresses, instance.buffers, strict=True)]
    return next((index for index, end in enumerate(ends) if end > capacity), None)


def _moved(instance: Instance, addresses: Addresses, index: int, capacity: int) -> bool:
    """Bring buffer ``index``, and what moves with it, below ``capacity``; whether that is done."""
    for reach in _REACHES:
        free = _around(instance, index, reach)
        if len(free) > _MOST_FREE:
            return False
        found = exact.fit(instance, addresses, free, capacity)
        if found is not None:
            for moved, address in zip(free, found, strict=True):
                addresses[moved] = address
            return True
    return False


def _around(instance: Instance, index: int, reach: int) -> list[int]:
    """The buffers that live at a step no further than ``reach`` from those of buffer ``index``."""
    buffer = instance.buffers[index]
    first, last = buffer.first_step - reach, buffer.last_step + reach
    return [
        other
        for other, each in enumerate(instance.buffers)
        if each.first_step <= last and first <= each.last_step
    ]
