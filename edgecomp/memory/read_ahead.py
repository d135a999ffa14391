"""When weights are read from L3: as late as hides the read, so that L2 is not held for long.

L3 serves one read after another, in the order of the layers. A read may begin at the start of a
layer and runs on while later layers run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from edgecomp.memory.lifetime import Buffer, live_steps

MARGIN = 1.25
"""Reads are planned as if they took this much longer, since the layers' times are estimates."""


def latest_starts(layers: Sequence[float], reads: Sequence[float]) -> list[int]:
    """For every layer the one at whose start its read has to begin to be done in time.

    ``layers[i]`` and ``reads[i]`` are the times of layer i and of the read of its weights, 0 where
    it has none; such a layer is its own answer. Where no start is early enough it is 0.
    """
    begins = [0.0, *accumulate(layers)]
    starts = list(range(len(layers)))
    deadline = float("inf")
    for index in reversed(range(len(layers))):
        if reads[index] <= 0:
            continue
        latest = min(begins[index], deadline) - MARGIN * reads[index]
        deadline = max(latest, 0.0)
        starts[index] = max(0, bisect_right(begins, latest, 0, index + 1) - 1)
    return starts


def waits(layers: Sequence[float], reads: Sequence[float], starts: Sequence[int]) -> list[float]:
    """How long each layer waits for its weights when reads begin at ``starts``."""
    begins: list[float] = []
    waited = []
    now = free = 0.0
    for index, (layer, read) in enumerate(zip(layers, reads, strict=True)):
        begins.append(now)
        wait = 0.0
        if read > 0:
            free = max(free, begins[starts[index]]) + read
            wait = max(0.0, free - now)
        waited.append(wait)
        now += wait + layer
    return waited


def shorten(
    starts: list[int],
    sizes: Sequence[int],
    buffers: Sequence[Buffer],
    reads: Sequence[float],
    capacity: int,
) -> None:
    """Begin reads later, in ``starts``, until no more than ``capacity`` bytes live at any layer.

    ``sizes[i]`` are the bytes of layer i's weights, and ``buffers`` all that lives, weights from
    ``starts`` on. Where too much lives, of the reads under way the last is put off: in a queue the
    others do not wait for it. Steps where nothing is left to put off stay above ``capacity``.
    """
    live = live_steps(buffers, len(starts))
    repeated = [index for index, read in enumerate(reads) if read > 0]
    for step in np.argsort(-live, kind="stable").tolist():
        if live[step] <= capacity:
            continue
        under_way = [i for i in repeated[bisect_right(repeated, step) :] if starts[i] <= step]
        while under_way and live[step] > capacity:
            index = under_way.pop()
            live[starts[index] : step + 1] -= sizes[index]
            starts[index] = step + 1
