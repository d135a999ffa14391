"""Buffers, when they live, and how many bytes live together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np


@dataclass(frozen=True)
class Buffer:
    """`size` bytes that live from `first_step` to `last_step`, both included.

    Its address is a multiple of `alignment`. Raises ValueError on an impossible buffer.
    """

    name: str
    size: int
    first_step: int
    last_step: int
    alignment: int = 4

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"buffer {self.name}: size {self.size} is not positive")
        if self.alignment < 1:
            raise ValueError(f"buffer {self.name}: alignment {self.alignment} is not positive")
        if self.last_step < self.first_step:
            raise ValueError(
                f"buffer {self.name} ends at step {self.last_step}, before {self.first_step}"
            )

    @property
    def steps(self) -> int:
        """How many steps it lives."""
        return self.last_step - self.first_step + 1

    def meets(self, other: Buffer) -> bool:
        """Whether both live at some step, so that they may not share bytes."""
        return self.first_step <= other.last_step and other.first_step <= self.last_step


def live_bytes(buffers: Iterable[Buffer]) -> dict[int, int]:
    """Step -> bytes alive from that step on, at every step where a buffer begins or has ended."""
    changes: dict[int, int] = {}
    for buffer in buffers:
        changes[buffer.first_step] = changes.get(buffer.first_step, 0) + buffer.size
        changes[buffer.last_step + 1] = changes.get(buffer.last_step + 1, 0) - buffer.size
    steps = sorted(changes)
    return dict(zip(steps, accumulate(changes[step] for step in steps), strict=True))


def live_steps(buffers: Iterable[Buffer], count: int) -> np.ndarray:
    """Bytes alive at each of the steps [0, count), int64."""
    live = np.zeros(count, np.int64)
    for buffer in buffers:
        live[buffer.first_step : buffer.last_step + 1] += buffer.size
    return live


def live_at(buffers: Iterable[Buffer], step: int) -> int:
    """Bytes alive at one step."""
    return sum(b.size for b in buffers if b.first_step <= step <= b.last_step)


def lower_bound(buffers: Sequence[Buffer]) -> int:
    """The largest sum of sizes alive at one step: no arena is smaller. 0 without buffers."""
    return max(live_bytes(buffers).values(), default=0)


def peak_step(buffers: Sequence[Buffer]) -> int:
    """The first step at which `lower_bound` bytes live. Raises ValueError without buffers."""
    alive = live_bytes(buffers)
    return max(alive, key=lambda step: (alive[step], -step))
