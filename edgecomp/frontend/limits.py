"""Bounds on what a model file may ask for, so that a damaged one cannot exhaust the computer."""

from __future__ import annotations

import math
from collections.abc import Sequence

MAX_ELEMENTS = 1 << 26
"""Elements of one tensor, and of one matrix product's operands: far above any target."""

MAX_NODES = 200_000
"""Nodes after functions are inlined."""

MAX_RANK = 12
"""Axes of one tensor."""


def excessive(shape: Sequence[int]) -> bool:
    """Whether no tensor of this shape may exist."""
    return math.prod(shape) > MAX_ELEMENTS or len(shape) > MAX_RANK
