"""From a histogram to quantization parameters: the range that loses least."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgecomp.ir import DType, Quantization
from edgecomp.quantize.histogram import Histogram

Method = Literal["mse", "minmax", "percentile"]
METHODS: tuple[Method, ...] = ("mse", "minmax", "percentile")

Function = Callable[[np.ndarray], np.ndarray]

HEADROOM = 2.0
"""A 16-bit tensor covers this many times the largest magnitude seen: one of 16 bits."""

TAIL = 1e-4
"""Share of elements that the percentile method clips on either side."""

_CANDIDATES = 96

_UNSEEN = 1.0
"""How many elements at the expected extremes the mse method adds to those seen. They decide where
little was seen and vanish among the elements of a large tensor."""


def choose_wide(histogram: Histogram) -> Quantization:
    """Symmetric 16-bit parameters with headroom."""
    return Quantization(_scale(HEADROOM * histogram.largest, 32767))


def choose_symmetric(histogram: Histogram, method: Method) -> Quantization:
    """Symmetric 8-bit parameters (zero point 0)."""
    if method == "minmax" or histogram.largest == 0.0:
        limit = histogram.largest
    elif method == "percentile":
        limit = max(abs(histogram.percentile(TAIL)), abs(histogram.percentile(1 - TAIL)))
    else:
        limit = _best_limit(histogram)
    return Quantization(_scale(limit, 127))


def choose_affine(
    histogram: Histogram, method: Method, function: Function | None = None
) -> Quantization:
    """8-bit parameters with zero point; the range always holds 0.0.

    ``function`` is what will be applied to the value and to nothing else: the mse method then
    minimises the error behind it, so no codes are spent where the function is flat.
    """
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    if not low < high:
        return Quantization(1.0, 0)
    if method == "percentile":
        low = min(histogram.percentile(TAIL), 0.0)
        high = max(histogram.percentile(1 - TAIL), 0.0)
    elif method == "mse":
        low, high = _best_range(histogram, low, high, function)
    return affine(low, high)


def affine(low: float, high: float) -> Quantization:
    """8-bit parameters whose codes -128..127 cover ``[low, high]``; 0.0 is a code."""
    scale = _scale(high - low, DType.I8.bounds[1] - DType.I8.bounds[0])
    return Quantization(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def _scale(reach: float, codes: int) -> float:
    scale = reach / codes
    return scale if math.isfinite(scale) and scale > 1e-30 else 1.0


def _best_limit(histogram: Histogram) -> float:
    expected = max(abs(histogram.expected_low), abs(histogram.expected_high))
    limits = expected * np.linspace(1.0, 0.2, _CANDIDATES)
    cost = _Cost.of(histogram, None)
    errors = cost.clip_low(-limits) + cost.clip_high(limits)
    errors += _UNSEEN * np.square(expected - limits)
    errors += cost.rounding(-limits, limits, limits / 127)
    return float(limits[int(np.argmin(errors))])


def _best_range(
    histogram: Histogram, low: float, high: float, function: Function | None
) -> tuple[float, float]:
    shares = np.linspace(1.0, 0.0, _CANDIDATES)
    low = min(low, histogram.expected_low)
    high = max(high, histogram.expected_high)
    lows = low * shares[:, None] if low < 0 else np.zeros((1, 1))
    highs = high * shares[None, :] if high > 0 else np.zeros((1, 1))
    cost = _Cost.of(histogram, function)
    errors = cost.clip_low(lows) + cost.clip_high(highs)
    errors = errors + cost.rounding(lows, highs, (highs - lows) / 255)
    errors = errors + _UNSEEN * (cost.beyond(low, lows) + cost.beyond(high, highs))
    errors = np.nan_to_num(errors, nan=math.inf, posinf=math.inf)
    row, column = np.unravel_index(int(np.argmin(errors)), errors.shape)
    return float(lows[row, 0]), float(highs[0, column])


@dataclass(frozen=True)
class _Cost:
    """Expected squared error behind a function ``f``, from running sums over the bins.

    Bins below the range give ``(f(x) - f(low))^2``, bins above it likewise; in between rounding
    with step ``s`` gives ``f'(x)^2 s^2 / 12``.
    """

    limit: float
    function: Function
    count: np.ndarray
    first: np.ndarray
    second: np.ndarray
    slope: np.ndarray

    @staticmethod
    def of(histogram: Histogram, function: Function | None) -> _Cost:
        x = histogram.centres
        counts = np.array(histogram.counts)
        function = function or (lambda real: real)
        f = np.asarray(function(x), np.float64)
        slope = np.gradient(f, x)
        noisy = counts.copy()
        middle = len(x) // 2
        noisy[middle] = max(0.0, noisy[middle] - histogram.zeros)
        parts = (counts, counts * f, counts * f * f, noisy * slope * slope)
        sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in parts]
        return _Cost(histogram.limit, function, *sums)

    def clip_low(self, low: np.ndarray) -> np.ndarray:
        """Error of everything below ``low``."""
        index, value = self._locate(low)
        return self._spread(self.second[index], self.first[index], self.count[index], value)

    def clip_high(self, high: np.ndarray) -> np.ndarray:
        """Error of everything above ``high``."""
        index, value = self._locate(high)
        second, first, count = (s[-1] - s[index] for s in (self.second, self.first, self.count))
        return self._spread(second, first, count, value)

    def beyond(self, expected: float, limits: np.ndarray) -> np.ndarray:
        """Error of one element at ``expected`` that is clipped to ``limits``."""
        with np.errstate(all="ignore"):  # a reciprocal at 0, where only the range begins
            lost = self.function(np.array(expected)) - self.function(limits)
            return np.asarray(np.square(lost))

    def rounding(self, low: np.ndarray, high: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Error of everything between, at a resolution of ``step``."""
        inside = self.slope[self._locate(high)[0]] - self.slope[self._locate(low)[0]]
        return np.asarray(inside * step * step / 12)

    def _locate(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bins = len(self.count) - 1
        position = (x + self.limit) * (bins / (2 * self.limit))
        index = np.clip(np.rint(position).astype(np.int64), 0, bins)
        return index, np.asarray(self.function(x), np.float64)

    @staticmethod
    def _spread(
        second: np.ndarray, first: np.ndarray, count: np.ndarray, value: np.ndarray
    ) -> np.ndarray:
        with np.errstate(all="ignore"):
            error = second - 2 * value * first + value * value * count
        return np.where(count > 0, np.maximum(error, 0.0), 0.0)
