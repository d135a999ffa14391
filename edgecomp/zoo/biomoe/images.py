"""A biosignal as the RGB image that Tiny-BioMoE sees.

The publication trains on pictures of single channels and gives no exact recipe; these are
edgecomp's own, fixed so that they are the same everywhere.

- Spectrogram: the channel without its mean, Hann windows of 256 samples or half the signal,
  as many as the image has columns; power in dB below its maximum, cut at -80 dB; frequency 0
  at the bottom; resampled linearly to the image; coloured from blue (least) over cyan and
  yellow to red (most).
- Waveform: a black line on white, from the channel's minimum (bottom) to its maximum (top),
  with a border of 5 %; each column is black over the range of the samples that fall into it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from edgecomp.zoo.recordings import RecordingError
from edgecomp.zoo.spec import Windows

Floats = NDArray[np.float64]

SEGMENT = 256
"""Samples under one Hann window, unless half the signal is shorter."""
RANGE_DB = 80.0
BORDER = 0.05
SHORTEST = 16
"""Samples that a picture needs at least."""


def spectrogram(samples: Windows, size: int) -> Windows:
    """A channel [T] as an image float32 [3, size, size] in [0, 1]. Raises RecordingError."""
    _check_length(samples)
    x = samples.astype(np.float64)
    segment = min(SEGMENT, len(x) // 2)
    starts = np.linspace(0, len(x) - segment, min(size, len(x) - segment + 1)).round().astype(int)
    frames = (x - x.mean())[starts[:, None] + np.arange(segment)]
    window = signal.windows.hann(segment, sym=False)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    return _colours(_resize(_level(power.T[::-1]), size))


def waveform(samples: Windows, size: int) -> Windows:
    """A channel [T] as an image float32 [3, size, size] in {0, 1}. Raises RecordingError."""
    _check_length(samples)
    x = samples.astype(np.float64)
    low, high = x.min(), x.max()
    height = (x - low) / (high - low) if high > low else np.full(len(x), 0.5)
    row = (1 - BORDER - height * (1 - 2 * BORDER)) * (size - 1)
    dense = np.interp(np.linspace(0, len(x) - 1, max(len(x), 4 * size)), np.arange(len(x)), row)
    edges = np.linspace(0, len(dense) - 1, size + 1).round().astype(int)
    columns = [dense[a : b + 1] for a, b in pairwise(edges)]
    top = np.array([column.min() for column in columns]).round()
    bottom = np.array([column.max() for column in columns]).round()
    rows = np.arange(size)[:, None]
    line = (rows >= top) & (rows <= bottom)
    return np.repeat(np.where(line, 0.0, 1.0)[None], 3, axis=0).astype(np.float32)


def _check_length(samples: Windows) -> None:
    if len(samples) < SHORTEST:
        raise RecordingError(
            f"a channel of {len(samples)} samples is too short for an image",
            f"at least {SHORTEST} samples are needed; is the recording transposed?",
        )


def _level(power: Floats) -> Floats:
    """Power as a fraction of the dB range below its maximum; nothing at all is 0."""
    peak = power.max()
    if not peak > 0:
        return np.zeros_like(power)
    floor = peak * 10 ** (-RANGE_DB / 10)
    decibel: Floats = 10 * np.log10(np.maximum(power, floor) / peak)
    return decibel / RANGE_DB + 1


def _resize(image: Floats, size: int) -> Floats:
    """Linear resampling of both axes, the outermost pixels kept."""
    for _ in range(2):
        places = np.linspace(0, image.shape[0] - 1, size)
        below = np.minimum(places.astype(int), max(image.shape[0] - 2, 0))
        above = np.minimum(below + 1, image.shape[0] - 1)
        part = (places - below)[:, None]
        image = ((1 - part) * image[below] + part * image[above]).T
    return image


def _colours(level: Floats) -> Windows:
    """Levels in [0, 1] as RGB, [3, H, W]: each channel is a trapezoid around its own centre."""
    centres = np.array([0.75, 0.5, 0.25])[:, None, None]
    colours = np.clip(1.5 - np.abs(4 * (level[None] - centres)), 0, 1)
    return np.asarray(colours, np.float32)
