"""Placing buffers one after another, each into a gap that those before it leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal, TypeAlias

from edgecomp.memory.lifetime import Buffer

Order: TypeAlias = Sequence[int]
Addresses: TypeAlias = list[int]
Fit: TypeAlias = Literal["first", "best"]

FITS: tuple[Fit, ...] = ("first", "best")

_KEYS: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
    lambda each: (-each.size, each.first_step),
    lambda each: (-each.size * each.steps, each.first_step),
    lambda each: (-each.steps, -each.size),
    lambda each: (each.first_step, -each.size),
    lambda each: (-each.last_step, -each.size),
)


_LARGE = (2, 4, 8)
"""Buffers are large that are no smaller than this part of the largest."""


def _large_in_time(buffer: Buffer, least: int) -> tuple[int, ...]:
    """Large buffers first, in the order of time; then the others, by size, into the gaps."""
    if buffer.size >= least:
        return (0, buffer.first_step, -buffer.size)
    return (1, -buffer.size, buffer.first_step)


class Instance:
    """Buffers by index, with the indices of those that each one meets."""

    def __init__(self, buffers: Sequence[Buffer]) -> None:
        self.buffers = tuple(buffers)
        self.neighbours = [
            [
                other
                for other, peer in enumerate(self.buffers)
                if other != index and peer.meets(each)
            ]
            for index, each in enumerate(self.buffers)
        ]

    def orders(self) -> Iterator[list[int]]:
        """The orderings that greedy placement starts from."""
        largest = max((each.size for each in self.buffers), default=0)
        keys_of: list[Callable[[Buffer], tuple[int, ...]]] = [*_KEYS]
        keys_of += [partial(_large_in_time, least=largest // d) for d in _LARGE]
        for key in keys_of:
            keys = [key(each) for each in self.buffers]
            yield sorted(range(len(keys)), key=keys.__getitem__)

    def place(self, order: Order, fit: Fit = "first") -> Addresses:
        """Addresses when placing in that order.

        fit: "first" takes the lowest gap that is large enough, "best" the smallest such gap.
        """
        addresses = [-1] * len(self.buffers)
        for index in order:
            addresses[index] = self._address(index, addresses, fit)
        return addresses

    def size(self, addresses: Addresses) -> int:
        """The bytes from the start of the arena to the end of its highest buffer."""
        ends = (start + each.size for start, each in zip(addresses, self.buffers, strict=True))
        return max(ends, default=0)

    def _address(self, index: int, addresses: Addresses, fit: Fit) -> int:
        buffer = self.buffers[index]
        found, slack = -1, -1
        for start, end in self._gaps(index, addresses):
            address = -(-start // buffer.alignment) * buffer.alignment
            left = end - address - buffer.size
            if left < 0:
                continue
            if fit == "first":
                return address
            if found < 0 or left < slack:
                found, slack = address, left
        return found if found >= 0 else self._above(index, addresses)

    def _gaps(self, index: int, addresses: Addresses) -> Iterator[tuple[int, int]]:
        """Free [start, end) between the placed neighbours, from the bottom; the open top is not."""
        top = 0
        for start, end in self._occupied(index, addresses):
            if start > top:
                yield top, start
            top = max(top, end)

    def _above(self, index: int, addresses: Addresses) -> int:
        top = max((end for _, end in self._occupied(index, addresses)), default=0)
        alignment = self.buffers[index].alignment
        return -(-top // alignment) * alignment

    def _occupied(self, index: int, addresses: Addresses) -> list[tuple[int, int]]:
        return sorted(
            (addresses[other], addresses[other] + self.buffers[other].size)
            for other in self.neighbours[index]
            if addresses[other] >= 0
        )
