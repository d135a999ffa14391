"""Synthetic signals: reproducible, with the spectrum and scale that preprocessing promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch

from edgecomp.zoo import signals


def power(x: signals.Floats, rate: float, low: float, high: float) -> float:
    """Mean power density between two frequencies."""
    frequency, density = welch(x, rate, nperseg=int(rate))
    band = (frequency >= low) & (frequency <= high)
    return float(density[..., band].mean())


def test_shape_type_and_reproducibility() -> None:
    first = signals.semg_windows(3, 4, 200, seed=1)
    assert first.shape == (3, 4, 200)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, signals.semg_windows(3, 4, 200, seed=1))
    np.testing.assert_array_equal(first[:2], signals.semg_windows(2, 4, 200, seed=1))
    assert np.abs(first - signals.semg_windows(3, 4, 200, seed=2)).max() > 0.1
    assert np.abs(first[0] - first[1]).max() > 0.1


def test_z_scored_per_window_and_channel() -> None:
    windows = signals.semg_windows(4, 8, 1000)
    np.testing.assert_allclose(windows.mean(axis=-1), 0, atol=1e-5)
    np.testing.assert_allclose(windows.std(axis=-1, ddof=1), 1, atol=1e-5)


@pytest.mark.parametrize("rate", [200.0, 2000.0])
def test_hum_is_in_the_raw_signal_and_removed(rate: float) -> None:
    raw = signals.raw_semg(4, 20)
    assert power(raw, 2000, 50, 50) > 50 * power(raw, 2000, 60, 90)
    clean = signals.preprocess(raw, 2000, rate)
    assert power(clean, rate, 50, 50) < 0.5 * power(clean, rate, 60, 90)


def test_band() -> None:
    clean = signals.preprocess(signals.raw_semg(4, 20), 2000, 200)
    inside = power(clean, 200, 30, 85)
    assert power(clean, 200, 0, 10) < 1e-2 * inside
    assert power(clean, 200, 98, 100) < 1e-1 * inside
    wide = signals.preprocess(signals.raw_semg(4, 20), 2000, 2000)
    assert power(wide, 2000, 600, 1000) < 1e-2 * power(wide, 2000, 60, 150)


def test_muscle_bursts_and_rests() -> None:
    raw = signals.preprocess(signals.raw_semg(1, 20), 2000, 2000)[0]
    effort = raw.reshape(-1, 200).std(axis=1)
    assert effort.max() > 3 * effort.min()


def test_neighbouring_electrodes_see_related_signals() -> None:
    windows = signals.semg_windows(8, 8, 1000)
    correlation = np.mean([np.abs(np.corrcoef(window)) for window in windows], axis=0)
    assert correlation[0, 1] > correlation[0, 4]


def test_constant_channel_becomes_zero() -> None:
    assert not signals.zscore(np.full((2, 50), 3.0)).any()


def test_filters_leave_nothing_of_a_constant_channel() -> None:
    """Rounding of filters would become noise of unit deviation."""
    assert not signals.preprocess(np.full((2, 500), 3.7), 200).any()
    faint = 3.7 + 1e-6 * np.random.default_rng(0).standard_normal((1, 500))
    np.testing.assert_allclose(signals.preprocess(faint, 200).std(ddof=1), 1, rtol=1e-6)


@pytest.mark.parametrize("slope", [0.0, 50.0])
def test_resampling_keeps_offset_and_drift_up_to_the_ends(slope: float) -> None:
    time = np.arange(2000)[None] / 400
    wave = 100 + slope * time + np.sin(2 * np.pi * 10 * time)
    np.testing.assert_allclose(signals.resample(wave, 400, 200), wave[:, ::2], atol=0.03)


@pytest.mark.parametrize(
    ("samples", "rate", "text"), [(10, 200, "too short"), (999, 40, "too low")]
)
def test_impossible_preprocessing(samples: int, rate: float, text: str) -> None:
    with pytest.raises(signals.SignalError, match=text):
        signals.preprocess(np.ones((1, samples)), rate, rate)


def test_normal_noise() -> None:
    noise = signals.normal_noise(50, (3, 40), seed=7)
    assert noise.shape == (50, 3, 40)
    assert noise.dtype == np.float32
    assert abs(float(noise.std()) - 1) < 0.05
    np.testing.assert_array_equal(noise[:5], signals.normal_noise(5, (3, 40), seed=7))
    assert signals.normal_noise(0, (3, 40)).shape == (0, 3, 40)
