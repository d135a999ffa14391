"""Reproducible windows for calibration and demonstration: surface EMG, and plain noise.

The EMG imitates what electrodes around a forearm pick up: motor units recruited one after
the other by contractions, each repeating its own action potential, seen by every electrode
with a gain that falls with the angle between them; mains hum and baseline noise on top.
It then goes through the preprocessing that TinyMyo's downstream models were trained behind
(BioFoundation, the EPN-612 script and the TinyMyo model card): band-pass of order 4, 20 to
450 Hz where the sampling rate allows it and 20 to 90 Hz at 200 Hz; notch at 50 Hz with
quality 30; both forwards and backwards; z-score per channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from edgecomp.errors import EdgecompError
from edgecomp.zoo.spec import Windows

Floats = NDArray[np.float64]

SOURCE_RATE_HZ = 2000.0
"""The rate at which EMG is made; also that of TinyMyo's pre-training data."""
LOW_HZ, HIGH_HZ = 20.0, 450.0
NYQUIST_SHARE = 0.9
"""The share of the Nyquist frequency that the band may reach: 90 Hz at 200 Hz, as published."""
FILTER_ORDER = 4
MAINS_HZ, NOTCH_QUALITY = 50.0, 30.0
ROUNDING = 1e-9
"""What filters may leave of a constant, as a share of it; float32 resolves 60 times more."""

_UNITS = 40
_MARGIN_S = 0.5
_HUM, _NOISE, _DRIFT = 0.3, 0.05, 0.2
"""Amplitudes relative to the action potential of the largest unit."""


class SignalError(EdgecompError):
    """A signal that cannot be made or preprocessed as asked."""


@dataclass(frozen=True)
class _Muscle:
    """Motor units of one arm; arrays have one row per unit.

    threshold: drive at which a unit starts firing; gain: [units, channels]; shape: the action
    potential, [units, samples] at SOURCE_RATE_HZ.
    """

    threshold: Floats
    gain: Floats
    shape: Floats


def normal_noise(windows: int, shape: tuple[int, ...], seed: int = 0) -> Windows:
    """Standard normal float32 [windows, *shape]; window i depends on seed and i alone."""
    rows = [np.random.default_rng((seed, i)).standard_normal(shape) for i in range(windows)]
    return np.asarray(rows, dtype=np.float32).reshape(windows, *shape)


def uniform_noise(windows: int, shape: tuple[int, ...], seed: int = 0) -> Windows:
    """Float32 [windows, *shape] in [0, 1); window i depends on seed and i alone."""
    rows = [np.random.default_rng((seed, i)).random(shape) for i in range(windows)]
    return np.asarray(rows, dtype=np.float32).reshape(windows, *shape)


def semg_windows(
    windows: int, channels: int, samples: int, *, rate: float = 200.0, seed: int = 0
) -> Windows:
    """Preprocessed synthetic EMG, float32 [windows, channels, samples] at `rate` Hz.

    Zero mean and unit deviation per window and channel. Window i depends on seed and i
    alone, so a larger set begins with a smaller one.
    """
    muscle = _muscle(channels, seed)
    rows = [_window(muscle, samples, rate, (seed, 1, i)) for i in range(windows)]
    return np.asarray(rows, dtype=np.float32).reshape(windows, channels, samples)


def raw_semg(channels: int, seconds: float, *, seed: int = 0, window: int = 0) -> Floats:
    """Unfiltered synthetic EMG at SOURCE_RATE_HZ, [channels, seconds * rate], hum included.

    The unit is the amplitude of the largest action potential.
    """
    return _raw(_muscle(channels, seed), round(seconds * SOURCE_RATE_HZ), (seed, 1, window))


def preprocess(
    recording: ArrayLike, source_rate: float, rate: float = 200.0, *, mains: float = MAINS_HZ
) -> Floats:
    """The published preprocessing of a raw recording [..., samples at source_rate Hz].

    Resampled to `rate` Hz, band-passed, notched at `mains` Hz (skipped where it is beyond the
    band) and scaled to zero mean and unit deviation along the last axis; a constant channel
    becomes zero. Raises SignalError when the recording is too short or the rate too low.
    """
    raw = np.asarray(recording)
    filtered = band_limit(resample(raw, source_rate, rate), rate, mains)
    least = ROUNDING * np.abs(raw).max(axis=-1, keepdims=True)
    return zscore(np.where(filtered.std(axis=-1, keepdims=True) > least, filtered, 0.0))


def resample(
    recording: Floats,
    source_rate: float,
    rate: float,
    beyond: Literal["line", "constant"] = "line",
) -> Floats:
    """Polyphase resampling along the last axis, with its own anti-alias filter.

    beyond: what the filter sees before and behind the recording: the line through its first and
    last sample, so that an offset does not ring at both ends, or nothing (zeros).
    """
    ratio = Fraction(rate / source_rate).limit_denominator(1000)
    resampled: Floats = signal.resample_poly(
        recording, ratio.numerator, ratio.denominator, axis=-1, padtype=beyond
    )
    return resampled


def band_limit(recording: Floats, rate: float, mains: float = MAINS_HZ) -> Floats:
    """Band-pass and mains notch along the last axis, without phase shift. Raises SignalError."""
    high = min(HIGH_HZ, NYQUIST_SHARE * rate / 2)
    if high <= LOW_HZ:
        raise SignalError(
            f"{rate:g} Hz is too low a sampling rate for EMG",
            f"the band starts at {LOW_HZ:g} Hz: sample at 100 Hz or more",
        )
    band = signal.butter(FILTER_ORDER, [LOW_HZ, high], btype="bandpass", fs=rate)
    filtered = _both_ways(recording, band)
    if not LOW_HZ < mains < high:
        return filtered
    return _both_ways(filtered, signal.iirnotch(mains, NOTCH_QUALITY, fs=rate))


def zscore(recording: Floats) -> Floats:
    """Zero mean and unit deviation (n - 1) along the last axis; constant rows become zero."""
    centred = recording - recording.mean(axis=-1, keepdims=True)
    deviation = centred.std(axis=-1, ddof=1, keepdims=True)
    scaled: Floats = centred / np.where(deviation > 0, deviation, 1.0)
    return scaled


def _both_ways(recording: Floats, coefficients: tuple[Floats, Floats]) -> Floats:
    numerator, denominator = coefficients
    needed = 3 * max(len(numerator), len(denominator))
    if recording.shape[-1] <= needed:
        raise SignalError(
            f"a recording of {recording.shape[-1]} samples is too short to filter",
            f"at least {needed + 1} samples are needed",
        )
    filtered: Floats = signal.filtfilt(numerator, denominator, recording, axis=-1)
    return filtered


def _window(muscle: _Muscle, samples: int, rate: float, seed: tuple[int, ...]) -> Floats:
    """One window, cut from the middle of a longer piece so that filters have settled."""
    margin = round(_MARGIN_S * rate)
    length = int(np.ceil((samples + 2 * margin) / rate * SOURCE_RATE_HZ))
    resampled = resample(_raw(muscle, length, seed), SOURCE_RATE_HZ, rate, "constant")
    return zscore(band_limit(resampled, rate)[:, margin : margin + samples])


def _muscle(channels: int, seed: int) -> _Muscle:
    """Units of the size principle: later recruited ones are larger, up to 20 times."""
    rng = np.random.default_rng((seed, 0))
    order = np.linspace(0, 1, _UNITS)
    amplitude = 20.0 ** (order - 1)
    electrode = 2 * np.pi * np.arange(channels) / channels
    distance = rng.uniform(0, 2 * np.pi, _UNITS)[:, None] - electrode[None, :]
    spread = rng.uniform(1.0, 3.0, _UNITS)[:, None]
    gain = amplitude[:, None] * np.exp(spread * (np.cos(distance) - 1))
    return _Muscle(threshold=0.02 + 0.75 * order, gain=gain, shape=_potentials(rng))


def _potentials(rng: np.random.Generator) -> Floats:
    """Bi- and triphasic action potentials, about 10 ms long, peak 1: [units, samples]."""
    time = np.arange(-0.012, 0.012, 1 / SOURCE_RATE_HZ)[None, :]
    sigma = rng.uniform(0.9e-3, 2.2e-3, _UNITS)[:, None]
    phase = time / sigma
    bell = np.exp(-(phase**2) / 2)
    mix = rng.uniform(0, 1, _UNITS)[:, None]
    shape = mix * phase * bell + (1 - mix) * (phase**2 - 1) * bell
    peak: Floats = shape / np.abs(shape).max(axis=1, keepdims=True)
    return peak


def _raw(muscle: _Muscle, length: int, seed: tuple[int, ...]) -> Floats:
    rng = np.random.default_rng(seed)
    drive = _drive(rng, length)
    spikes = np.stack([_spikes(rng, drive, threshold) for threshold in muscle.threshold])
    activity = signal.fftconvolve(spikes, muscle.shape, mode="same", axes=1)
    emg: Floats = muscle.gain.T @ activity
    return emg + _disturbance(rng, *emg.shape)


def _drive(rng: np.random.Generator, length: int) -> Floats:
    """Contractions with smooth onset, 0.4 to 1.5 s long, with rests between: [length], 0..1."""
    rate = SOURCE_RATE_HZ
    drive = np.zeros(length)
    start = int(rng.uniform(0, 0.6) * rate)
    while start < length:
        stop = start + int(rng.uniform(0.4, 1.5) * rate)
        drive[start:stop] = rng.uniform(0.3, 1.0)
        start = stop + int(rng.uniform(0.1, 0.6) * rate)
    window = np.hanning(int(0.2 * rate))
    smooth: Floats = signal.fftconvolve(drive, window / window.sum(), mode="same")
    return np.clip(smooth, 0, 1)


def _spikes(rng: np.random.Generator, drive: Floats, threshold: float) -> Floats:
    """Firing of one unit: 8 Hz at its threshold, up to 35 Hz, intervals varying by 15 %."""
    excess = np.clip(drive - threshold, 0, None)
    frequency = np.where(excess > 0, np.minimum(8 + 40 * excess, 35), 0)
    phase = np.cumsum(frequency) / SOURCE_RATE_HZ
    most = int(phase[-1] * 1.5) + 8
    firing = rng.uniform(0, 1) + np.cumsum(np.clip(rng.normal(1, 0.15, most), 0.5, None))
    spikes = np.zeros(len(drive))
    spikes[np.searchsorted(phase, firing[firing < phase[-1]])] = 1
    return spikes


def _disturbance(rng: np.random.Generator, channels: int, length: int) -> Floats:
    """Mains hum, electrode drift and white noise: [channels, length]."""
    time = np.arange(length) / SOURCE_RATE_HZ
    level, angle = rng.uniform(0.5, 1.0, (channels, 1)), rng.uniform(0, 2 * np.pi)
    hum = _HUM * level * np.sin(2 * np.pi * MAINS_HZ * time + angle)
    slow = rng.uniform(0.1, 0.6, (channels, 1))
    drift = _DRIFT * np.sin(2 * np.pi * slow * time + rng.uniform(0, 2 * np.pi, (channels, 1)))
    noise: Floats = _NOISE * rng.standard_normal((channels, length))
    return hum + drift + noise
