"""Which weights stay in L2 from window to window, so that L3 is no bottleneck.

A network whose weights take longer to read than its layers take to run waits for L3 however early
reads begin. L2 that nothing else needs then keeps some of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from edgecomp.memory.read_ahead import latest_starts, waits

NEGLIGIBLE = 0.005
"""Waits of this share of the layers' time are left as they are."""

CANDIDATES = 64
"""Blocks considered in one round, the largest ones."""

Fits = Callable[[Collection[int], Sequence[int]], bool]
"""Whether L2 holds the resident blocks, given where the reads of the others begin."""


def streamed(reads: Sequence[float], resident: Collection[int]) -> list[float]:
    """The times of the reads that are left, 0 for resident blocks."""
    return [0.0 if index in resident else read for index, read in enumerate(reads)]


def choose_resident(times: Sequence[float], reads: Sequence[float], fits: Fits) -> list[int]:
    """Layers whose weights stay, in the order of their worth: time saved by time to read.

    ``times[i]`` and ``reads[i]`` are the times of layer i and of the read of its weights.
    """
    resident: list[int] = []
    lost = _lost(times, reads)
    while lost > NEGLIGIBLE * sum(times):
        found = _best(times, reads, resident, lost, fits)
        if found is None:
            break
        index, lost = found
        resident.append(index)
    return resident


def _lost(times: Sequence[float], reads: Sequence[float]) -> float:
    return sum(waits(times, reads, latest_starts(times, reads)))


def _best(
    times: Sequence[float],
    reads: Sequence[float],
    resident: list[int],
    lost: float,
    fits: Fits,
) -> tuple[int, float] | None:
    """The block that saves most for its size, and what is lost with it resident."""
    candidates = [i for i, read in enumerate(reads) if read > 0 and i not in resident]
    candidates = sorted(candidates, key=lambda i: -reads[i])[:CANDIDATES]
    best: tuple[float, int, float] | None = None
    for index in candidates:
        left = streamed(reads, [*resident, index])
        starts = latest_starts(times, left)
        rest = sum(waits(times, left, starts))
        worth = (lost - rest) / reads[index]
        better = best is None or worth > best[0]
        if rest < lost and better and fits([*resident, index], starts):
            best = worth, index, rest
    return None if best is None else (best[1], best[2])
