"""Discrete Fourier transforms as matrices.

Complex numbers have an axis of two: real and imaginary part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def half_spectrum_matrix(samples: int) -> NDArray[np.float64]:
    """M[2, bins, samples], unscaled: M @ x is real and imaginary part of rfft(x).

    bins = samples // 2 + 1.
    """
    angle = _angles(samples)[: samples // 2 + 1]
    return np.stack([np.cos(angle), -np.sin(angle)])


def inverse_half_spectrum_matrix(samples: int) -> NDArray[np.float64]:
    """M[samples, 2, bins], scaled by 1 / samples: the inverse of `half_spectrum_matrix`.

    As irfft does, it ignores the imaginary part of bin 0 and of the middle bin.
    """
    bins = samples // 2 + 1
    mirrored = np.full(bins, 2.0)
    mirrored[0] = 1.0
    if samples % 2 == 0:
        mirrored[-1] = 1.0
    angle = _angles(samples)[:, :bins]
    sine = -np.sin(angle)
    sine[:, mirrored == 1.0] = 0.0  # not exactly zero in floating point
    inverse: NDArray[np.float64] = np.stack([np.cos(angle), sine], axis=1) * mirrored / samples
    return inverse


def complex_matrix(samples: int, inverse: bool = False) -> NDArray[np.float64]:
    """M[samples, 2, samples, 2], unscaled: the transform of a complex signal, or its inverse."""
    angle = _angles(samples) * (1 if inverse else -1)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1)


def _angles(samples: int) -> NDArray[np.float64]:
    """2 pi k n / samples, [k, n]; the product is reduced before it is rounded."""
    index = np.arange(samples)
    turns = np.outer(index, index) % samples / samples
    return np.asarray(2 * np.pi * turns, np.float64)
