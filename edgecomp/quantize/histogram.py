"""A histogram whose range grows with the data, and the range choices made from it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

BINS = 8192
"""Bins over ``[-limit, limit]``; a power of two, so that ranges double by merging pairs."""

SAMPLE = 1 << 16
"""At most about this many elements of one tensor are counted; extremes see all of them."""

DEVIATIONS = 3.0
"""How far beyond the mean of the extremes seen the next is expected at most."""


MASKED = -1e32
"""Scores below are masked: -inf, or the lowest float that an exporter writes for it."""

MASK_DISTANCE = 8.0
"""How far below all others masked scores are counted: there exp is 0 in 8 bits."""


@dataclass
class Extremes:
    """The largest elements of the arrays seen: how far that of another one may go.

    ``bound`` is ``DEVIATIONS`` standard deviations above their mean; for several tensors in one
    histogram it is the largest of theirs. Elements of one array depend on each other (the tokens
    of one window), arrays do not, so the arrays are what can be counted.
    """

    count: int = 0
    mean: float = 0.0
    spread: float = 0.0
    others: float = -math.inf
    ceiling: float = math.inf

    @property
    def bound(self) -> float:
        """Minus infinity before anything was added; ``ceiling`` at most."""
        if not self.count:
            return self.others
        reach = self.mean + DEVIATIONS * math.sqrt(self.spread / self.count)
        return max(self.others, min(reach, self.ceiling))

    def add(self, largest: float) -> None:
        """Take one array into account."""
        self.count += 1
        step = largest - self.mean
        self.mean += step / self.count
        self.spread += step * (largest - self.mean)

    def merge(self, other: Extremes) -> None:
        """Take another tensor into account."""
        self.others = max(self.others, other.bound)


class Histogram:
    """Counts of a stream of reals over ``[-limit, limit]``; ``limit`` is a power of two.

    ``low`` and ``high`` are the extremes of all elements. ``zeros`` is how many of ``total`` are
    exactly 0.0, which every affine quantization represents without error. ``expected_low`` and
    ``expected_high`` are what an array not seen yet may hold, judged by how much the extremes of
    those seen differ; see :class:`Extremes`.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(BINS)
        self.limit = 0.0
        self.low = math.inf
        self.high = -math.inf
        self.zeros = 0.0
        self._lows = Extremes()
        self._highs = Extremes()

    @property
    def total(self) -> float:
        """Number of elements counted."""
        return float(self.counts.sum())

    @property
    def largest(self) -> float:
        """Largest magnitude; 0.0 before anything was added."""
        return max(abs(self.low), abs(self.high)) if self.low <= self.high else 0.0

    @property
    def expected_low(self) -> float:
        """At most ``low``; of the same sign, since what was never negative rarely can be."""
        bound = min(self.low, -self._lows.bound)
        return bound if self.low < 0 else max(bound, 0.0)

    @property
    def expected_high(self) -> float:
        """At least ``high``; of the same sign."""
        bound = max(self.high, self._highs.bound)
        return bound if self.high > 0 else min(bound, 0.0)

    @property
    def centres(self) -> np.ndarray:
        """The middle of every bin."""
        return (np.arange(BINS) + 0.5) * (2 * self.limit / BINS) - self.limit

    def add(self, array: np.ndarray) -> None:
        """Count the elements of ``array``, which must be finite; masked ones as nearer ones."""
        if not array.size:
            return
        masked = array <= MASKED
        if masked.any():
            array = np.where(masked, array.min(initial=0.0, where=~masked) - MASK_DISTANCE, array)
        low, high = float(array.min()), float(array.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        self._lows.add(-low)
        self._highs.add(high)
        self._reach(self.largest)
        stride = _stride(array.size, array.shape[-1] if array.ndim else 1)
        sample = array.ravel()[::stride].astype(np.float64)
        self.zeros += stride * int(np.count_nonzero(sample == 0.0))
        position = (sample + self.limit) * (BINS / (2 * self.limit)) if self.limit else sample
        index = np.clip(position.astype(np.int64), 0, BINS - 1)
        self.counts += stride * np.bincount(index, minlength=BINS)

    def merge(self, other: Histogram) -> None:
        """Count what ``other`` has counted."""
        reach = max(self.limit, other.limit)
        mine, theirs = _widened(self, reach), _widened(other, reach)
        self.counts, self.limit = mine + theirs, reach
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.zeros += other.zeros
        self._lows.merge(other._lows)
        self._highs.merge(other._highs)

    def confine(self, low: float, high: float) -> None:
        """Expect nothing outside of ``[low, high]`` but what was seen there."""
        self._lows.ceiling, self._highs.ceiling = -low, high

    def percentile(self, share: float) -> float:
        """The value below which ``share`` (0..1) of the elements lie, within the extremes."""
        position = np.searchsorted(np.cumsum(self.counts), share * self.total)
        return float(np.clip(self.centres[min(int(position), BINS - 1)], self.low, self.high))

    def _reach(self, magnitude: float) -> None:
        if magnitude > self.limit:
            limit = 2.0 ** math.ceil(math.log2(magnitude))
            self.counts, self.limit = _widened(self, limit), limit


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """One histogram of everything that ``histograms`` have counted."""
    result = Histogram()
    for histogram in histograms:
        result.merge(histogram)
    return result


def _widened(histogram: Histogram, limit: float) -> np.ndarray:
    """The counts over ``[-limit, limit]``, ``limit`` being no smaller than now."""
    counts = histogram.counts
    if histogram.limit == 0.0:  # nothing but zeros so far
        moved = np.zeros(BINS)
        moved[BINS // 2] = counts.sum()
        return moved
    doublings = round(math.log2(limit / histogram.limit))
    for _ in range(min(doublings, BINS.bit_length())):
        inner = counts.reshape(-1, 2).sum(axis=1)
        counts = np.zeros(BINS)
        counts[BINS // 4 : 3 * BINS // 4] = inner
    return counts


def _stride(size: int, row: int) -> int:
    """A sampling stride that visits every column of rows of ``row`` elements."""
    stride = max(1, size // SAMPLE)
    while math.gcd(stride, row) > 1:
        stride += 1
    return stride
