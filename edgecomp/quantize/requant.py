"""Requantization parameters: multiplier, bias and shift that provably stay within int32.

The rule is ``clip((acc * M + B) >> S)`` (docs/architecture.md). One shift serves a layer, one
multiplier and one bias each of its channels. Half a step is part of the bias, so the arithmetic
shift rounds to nearest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgecomp.ir.fixed_point import RAISED
from edgecomp.ir.stated import PRE_SHIFT_LIMIT

INT32 = 2**31 - 1
MAX_MULTIPLIER = 2**16 - 1
MAX_SHIFT = 30

_BEYOND = 2.0**17
"""Output units; further away from every code of any output type, all results are saturated."""


GAIN_ERROR = 1e-3
"""The relative error of a multiplier that a pre-shift must reach; 10 bits are enough."""


@dataclass(frozen=True)
class Requantization:
    """``multiplier`` and ``bias`` per channel (int32), one ``shift`` and one ``pre_shift``."""

    multiplier: np.ndarray
    bias: np.ndarray
    shift: int
    pre_shift: int = 0


def choose(
    ratio: np.ndarray, offset: np.ndarray, low: np.ndarray, high: np.ndarray
) -> Requantization:
    """Parameters for ``round(acc * ratio + offset)`` with ``low <= acc <= high``.

    All arguments are per channel (or scalars); ``offset`` is in output units and includes the
    output zero point. The shift is the largest for which ``|acc| * M + |B| < 2^31`` holds in every
    channel. A ratio beyond 65535 (every accumulator but 0 saturates) is cut to what fits.
    """
    ratio, offset, bound = _broadcast(ratio, offset, low, high)
    for shift in range(MAX_SHIFT, -1, -1):
        multiplier = np.rint(ratio * 2.0**shift)
        bias = rounded_bias(offset, ratio, bound, shift)
        if multiplier.max(initial=0) <= MAX_MULTIPLIER and fits(multiplier, bias, bound, shift):
            return _parameters(multiplier, bias, shift)
    bias = np.clip(rounded_bias(offset, ratio, bound, 0), -INT32 // 2, INT32 // 2)
    room = (INT32 - np.abs(bias)) // np.maximum(bound, 1)
    return _parameters(np.minimum(np.rint(ratio), np.minimum(room, MAX_MULTIPLIER)), bias, 0)


def choose_shifted(ratio: float, offset: float, bound: float, codes: int) -> Requantization:
    """As :func:`choose` for ``|acc| <= bound`` and an output that saturates at ``+-codes``.

    The accumulator is first divided by ``2^pre_shift`` and rounded. Of the pre-shifts up to the
    first that gives the multiplier an error below ``GAIN_ERROR``, the one with the least error in
    output codes is taken: the larger it is, the more exact the gain, and the coarser the sum.
    """
    reach = min(bound * ratio, codes)
    candidates = []
    for pre_shift in range(PRE_SHIFT_LIMIT + 1):
        half = 1 << pre_shift >> 1
        step = ratio * 2.0**pre_shift
        shifted = (bound + half) // 2**pre_shift
        parts = (np.array([part]) for part in (step, offset, -shifted, shifted))
        found = replace(choose(*parts), pre_shift=pre_shift)
        gain_error = abs(found.multiplier[0] / 2.0**found.shift / step - 1)
        error = gain_error * reach + (step / 2 if pre_shift else 0.0)
        if bound + half <= INT32:
            candidates.append((error, pre_shift, found))
        if gain_error < GAIN_ERROR:
            break
    return min(candidates, key=lambda candidate: candidate[:2])[2]


def largest_shift(ratio: np.ndarray, offset: np.ndarray, bound: np.ndarray) -> int:
    """The largest shift at which multipliers rounded up fit; 0 where none does."""
    for shift in range(MAX_SHIFT, 0, -1):
        multiplier = np.ceil(ratio * 2.0**shift)
        bias = rounded_bias(offset, ratio, bound, shift)
        if multiplier.max(initial=0) <= MAX_MULTIPLIER and fits(multiplier, bias, bound, shift):
            return shift
    return 0


def rounded_bias(
    offset: np.ndarray, ratio: np.ndarray, bound: np.ndarray, shift: int
) -> np.ndarray:
    """``offset`` plus half a step in units of ``2^-shift``; float64 holding integers.

    An offset that saturates the output for every accumulator is cut to one that still does.
    """
    reach = bound * ratio + _BEYOND
    return np.asarray(np.floor((np.clip(offset, -reach, reach) + 0.5) * 2.0**shift))


def fits(multiplier: np.ndarray, bias: np.ndarray, bound: np.ndarray, shift: int) -> bool:
    """Whether ``acc * M`` and ``acc * M + B`` are int32 for all ``|acc| <= bound``.

    Also when the result is raised by 128 (`fusion/raise_activations.py`).
    """
    return bool(np.all(bound * multiplier + np.abs(bias) <= INT32 - (RAISED << shift)))


def accumulator_range(weights: np.ndarray, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest ``sum_k w[n, k] * x[k]`` for ``low <= x <= high``; int64 ``[N]``."""
    positive = np.maximum(weights, 0).sum(axis=1, dtype=np.int64)
    negative = np.minimum(weights, 0).sum(axis=1, dtype=np.int64)
    return positive * low + negative * high, positive * high + negative * low


def _broadcast(
    ratio: np.ndarray, offset: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bound = np.maximum(np.abs(np.asarray(low, np.float64)), np.abs(np.asarray(high, np.float64)))
    parts = (np.atleast_1d(np.asarray(part, np.float64)) for part in (ratio, offset, bound))
    first, second, third = np.broadcast_arrays(*parts)
    return first, second, third


def _parameters(multiplier: np.ndarray, bias: np.ndarray, shift: int) -> Requantization:
    return Requantization(multiplier.astype(np.int32), bias.astype(np.int32), shift)
