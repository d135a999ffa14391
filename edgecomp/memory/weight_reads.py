"""Weights in L2 beside the activations: which stay, when the others are read, and a packing of all.

Reads begin as early as hides them. Where that leaves no packing, less may be read ahead: how much
less is found by halving, between what nobody reads ahead, which has to fit, and the capacity.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgecomp.memory.arena import DoesNotFit, Plan, pack
from edgecomp.memory.lifetime import Buffer, lower_bound
from edgecomp.memory.read_ahead import latest_starts, shorten
from edgecomp.memory.resident import streamed

ALIGNMENT = 8

_HALVINGS = 5


def block_name(index: int) -> str:
    """What plans call the weights of layer ``index``."""
    return f"weights[{index}]"


@dataclass(frozen=True)
class WeightReads:
    """What competes for ``capacity`` bytes of the memory with that name.

    ``sizes[i]``: bytes of layer i's weights; ``times[i]``: how long it takes; ``reads[i]``: how
    long reading its weights does; ``activations``: all else.
    """

    sizes: Sequence[int]
    activations: Sequence[Buffer]
    times: Sequence[float]
    reads: Sequence[float]
    capacity: int
    memory: str

    def buffers(self, resident: Collection[int], starts: Sequence[int]) -> list[Buffer]:
        """Activations, and weights from the start of their read to their layer, or always."""
        last = len(self.sizes) - 1
        blocks = [
            Buffer(
                block_name(i),
                size,
                0 if i in resident else starts[i],
                last if i in resident else i,
                ALIGNMENT,
            )
            for i, size in enumerate(self.sizes)
            if size
        ]
        return [*self.activations, *blocks]

    def fit(self, resident: Collection[int], starts: Sequence[int]) -> bool:
        """Whether the largest sum of live bytes is within the capacity."""
        return lower_bound(self.buffers(resident, starts)) <= self.capacity

    def pack(self, resident: Sequence[int]) -> tuple[Plan, list[int], list[int]]:
        """A plan, the layer at whose start each read begins, and which blocks stay.

        Of the blocks ``resident``, in the order of their worth, the first stay for which there is
        a packing. Raises ``DoesNotFit`` where not even reading every layer's weights at its own
        start fits.
        """
        kept = list(resident)
        while True:
            try:
                return *self._within(self.capacity, kept), kept
            except DoesNotFit:
                if not kept:
                    return *self._with_less_read_ahead(), kept
                del kept[len(kept) // 2 :]

    def _with_less_read_ahead(self) -> tuple[Plan, list[int]]:
        none = list(range(len(self.sizes)))
        buffers = self.buffers((), none)
        best = pack(buffers, self.capacity, self.memory), none
        low, high = lower_bound(buffers), self.capacity
        for _ in range(_HALVINGS):
            middle = (low + high) // 2
            try:
                best, low = self._within(middle, ()), middle
            except DoesNotFit:
                high = middle
        return best

    def _within(self, room: int, resident: Collection[int]) -> tuple[Plan, list[int]]:
        """With no more than ``room`` bytes alive at once where reads can be put off."""
        reads = streamed(self.reads, resident)
        starts = latest_starts(self.times, reads)
        shorten(starts, self.sizes, self.buffers(resident, starts), reads, room)
        return pack(self.buffers(resident, starts), self.capacity, self.memory), starts
