"""The rendering of signals for Tiny-BioMoE: what a reader of the picture relies on."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.zoo import RecordingError
from edgecomp.zoo.biomoe.images import spectrogram, waveform
from edgecomp.zoo.spec import Windows

SIZE = 224


def tone(frequency: float, samples: int = 2000, rate: float = 200.0) -> Windows:
    return np.sin(2 * np.pi * frequency * np.arange(samples) / rate).astype(np.float32)


def hottest_row(image: Windows) -> int:
    """The row where red exceeds blue most."""
    return int((image[0] - image[2]).mean(axis=1).argmax())


@pytest.mark.parametrize("render", [spectrogram, waveform])
@pytest.mark.parametrize("samples", [16, 17, 200, 2000, 100_000])
def test_any_length_gives_an_image_in_range(render, samples: int) -> None:
    image = render(np.random.default_rng(0).standard_normal(samples).astype(np.float32), SIZE)
    assert image.shape == (3, SIZE, SIZE)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1


@pytest.mark.parametrize("render", [spectrogram, waveform])
def test_scale_does_not_matter_and_silence_is_no_error(render) -> None:
    x = tone(10)
    np.testing.assert_allclose(render(x, SIZE), render(x * 4, SIZE), atol=1e-5)
    assert np.isfinite(render(np.zeros(500, np.float32), SIZE)).all()


@pytest.mark.parametrize("render", [spectrogram, waveform])
def test_too_short(render) -> None:
    with pytest.raises(RecordingError, match="too short"):
        render(np.zeros(15, np.float32), SIZE)


def test_frequency_rises_to_the_top() -> None:
    for frequency in (10.0, 50.0, 90.0):
        expected = (1 - frequency / 100) * (SIZE - 1)
        assert abs(hottest_row(spectrogram(tone(frequency), SIZE)) - expected) < 4


def test_time_runs_to_the_right() -> None:
    first = np.concatenate([tone(20, 1000), tone(80, 1000)])
    image = spectrogram(first, SIZE)
    left, right = image[:, :, : SIZE // 3], image[:, :, -SIZE // 3 :]
    assert hottest_row(left) > hottest_row(right) + 100


def test_80_db_below_the_maximum_are_the_coldest_colour() -> None:
    image = spectrogram(tone(50), SIZE)
    np.testing.assert_allclose(image[:, 0, 0], [0, 0, 0.5], atol=1e-6)
    assert image[0].max() >= 0.5


def test_waveform_spans_the_image_and_is_connected() -> None:
    image = waveform(tone(2), SIZE)
    black = image[0] == 0
    rows = np.flatnonzero(black.any(axis=1))
    assert abs(rows[0] - 0.05 * (SIZE - 1)) <= 1
    assert abs(rows[-1] - 0.95 * (SIZE - 1)) <= 1
    assert black.any(axis=0).all()
    for column in range(SIZE - 1):
        here, there = np.flatnonzero(black[:, column]), np.flatnonzero(black[:, column + 1])
        assert here[0] <= there[-1] + 1
        assert there[0] <= here[-1] + 1


def test_waveform_rises_upwards() -> None:
    image = waveform(np.linspace(-1, 1, 500, dtype=np.float32), SIZE)
    lowest = [np.flatnonzero(image[0][:, column] == 0)[-1] for column in (0, SIZE - 1)]
    assert lowest[0] > lowest[1] + 190
