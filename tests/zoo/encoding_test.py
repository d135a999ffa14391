"""Recordings through the float networks in onnxruntime, held against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edgecomp import zoo
from edgecomp.zoo import RecordingEncoder, signals

RNG = np.random.default_rng(0)
EEG = (40 * RNG.standard_normal((3, 900))).astype(np.float32)
CASES: dict[str, tuple[dict[str, Any], NDArray[Any]]] = {
    "tinyissimomyo": ({"samples": 200}, signals.raw_semg(8, 0.5)),
    "eegdino-small": ({"patches": 2}, EEG),
    "tinybiomoe": ({}, signals.raw_semg(2, 0.5)),
}


def by_torch(model: RecordingEncoder, windows: NDArray[Any]) -> NDArray[Any]:
    with torch.no_grad():
        result = model(torch.tensor(windows))
    array: NDArray[Any] = (result[0] if isinstance(result, tuple) else result).numpy()
    return array


def nrmse(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """Root mean square error over the root mean square, stricter than over the range."""
    assert found.shape == expected.shape
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_those_of_pytorch(name: str) -> None:
    options, recording = CASES[name]
    model = zoo.create(name, **options)
    found = model.encode(recording)
    assert found.dtype == np.float32
    assert nrmse(found, by_torch(model, model.prepare(recording))) < 1e-6


@pytest.fixture(scope="module")
def eeg() -> RecordingEncoder:
    return zoo.create("eegdino-small", patches=2)


def test_a_batch_is_each_recording(eeg: RecordingEncoder) -> None:
    recordings = [EEG, EEG[:2, :450], -EEG[:, :400]]
    found = eeg.encode_batch(recordings, batch=2)
    assert [each.shape[0] for each in found] == [2, 1, 1]
    for each, recording in zip(found, recordings, strict=True):
        assert nrmse(each, by_torch(eeg, eeg.prepare(recording))) < 1e-6


def test_no_recordings(eeg: RecordingEncoder) -> None:
    assert eeg.encode_batch([]) == []


def test_changed_weights_are_seen(eeg: RecordingEncoder) -> None:
    model = zoo.create("eegdino-small", patches=2)
    before = model.encode(EEG)
    with torch.no_grad():
        model.get_parameter("encoder_layers.11.mlp.fc2.bias").add_(1)
    after = model.encode(EEG)
    np.testing.assert_allclose(after, before + 1, atol=1e-4)
    np.testing.assert_array_equal(eeg.encode(EEG), before)


def test_encoding_leaves_the_module_alone(eeg: RecordingEncoder) -> None:
    eeg.encode(EEG)
    assert not any(module.training for module in eeg.modules())
    assert all(parameter.requires_grad for parameter in eeg.parameters())


def test_microvolts_are_divided_by_100(eeg: RecordingEncoder) -> None:
    windows = eeg.prepare(EEG)
    assert windows.shape == (2, 3, 2, 200)
    np.testing.assert_array_equal(windows[1, 2, 1], EEG[2, 600:800] / 100)
    np.testing.assert_allclose(eeg.prepare(EEG, preparation="none"), windows * 100, rtol=1e-6)


def test_z_score(eeg: RecordingEncoder) -> None:
    windows = eeg.prepare(EEG[:, :800] + 7, preparation="zscore")
    np.testing.assert_allclose(windows.transpose(1, 0, 2, 3).reshape(3, -1).mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(windows.std(axis=(0, 2, 3), ddof=1), 1, rtol=1e-5)


def test_z_score_of_windows_is_over_their_patches(eeg: RecordingEncoder) -> None:
    windows = eeg.prepare(EEG[:, :400] + 7, preparation="zscore")
    given = (EEG[:, :400] + 7).reshape(1, 3, 2, 200)
    np.testing.assert_allclose(eeg.prepare(given, preparation="zscore"), windows, atol=1e-6)


def test_eeg_in_volt_is_suspected(eeg: RecordingEncoder) -> None:
    notices: list[str] = []
    eeg.prepare(EEG[:, :400] * 1e-6, notices=notices)
    assert "what is its unit" in notices[0]
    eeg.prepare(EEG[:, :400], notices=notices)
    assert len(notices) == 1


def test_a_recording_shorter_than_the_window_keeps_its_whole_seconds(eeg: RecordingEncoder) -> None:
    assert eeg.prepare(EEG[:, :399]).shape == (1, 3, 1, 200)


def test_windows_are_taken_as_they_are(eeg: RecordingEncoder) -> None:
    windows = RNG.standard_normal((4, 3, 2, 200)).astype(np.float32)
    np.testing.assert_array_equal(eeg.prepare(windows, preparation="none"), windows)


def test_other_rates_are_resampled(eeg: RecordingEncoder) -> None:
    time = np.arange(4000) / 1000
    fast = np.sin(2 * np.pi * 10 * time)[None] * 100
    slow = np.sin(2 * np.pi * 10 * np.arange(800) / 200).reshape(2, 1, 2, 200)
    found = eeg.prepare(fast, rate=1000.0)
    np.testing.assert_allclose(found[0, 0, 1], slow[0, 0, 1], atol=0.01)


@pytest.mark.parametrize(
    ("recording", "keywords", "message"),
    [
        (np.zeros((20, 400)), {}, "at most 19"),
        (np.zeros((3, 199)), {}, "at least 200"),
        (np.zeros(400), {}, "expected"),
        (np.full((3, 400), np.nan), {}, "NaN"),
        (np.zeros((3, 400)) * 1j, {}, "real numbers"),
        (EEG, {"rate": -1.0}, "not possible"),
        (EEG, {"rate": 1e9}, "not possible"),
        (EEG, {"rate": float("nan")}, "not possible"),
    ],
)
def test_impossible_recordings(
    eeg: RecordingEncoder, recording: NDArray[Any], keywords: dict[str, Any], message: str
) -> None:
    with pytest.raises(zoo.RecordingError, match=message):
        eeg.encode(recording, **keywords)


def test_unknown_preparation_suggests_and_lists(eeg: RecordingEncoder) -> None:
    with pytest.raises(zoo.ZooError, match=r"(?s)did you mean 'microvolt'.*zscore"):
        eeg.encode(EEG, preparation="microvolts")


def test_emg_is_filtered_or_taken_as_it_is() -> None:
    model = zoo.create("tinyissimomyo", layers=1, samples=200)
    raw = signals.raw_semg(8, 3)[:, ::10]
    filtered = model.prepare(raw)
    assert filtered.shape == (3, 8, 200)
    expected = signals.preprocess(raw.astype(np.float32), 200, 200)[:, 200:400]
    np.testing.assert_allclose(filtered[1], expected, atol=1e-5)
    as_it_is = model.prepare(raw, preparation="none")
    np.testing.assert_array_equal(as_it_is[1], raw[:, 200:400].astype(np.float32))


@pytest.mark.parametrize("keywords", [{}, {"preparation": "none"}, {"rate": 400.0}])
def test_transposed_emg_is_neither_filtered_nor_resampled(keywords: dict[str, Any]) -> None:
    """With many channels, filters would run over channels instead of time."""
    model = zoo.create("tinyissimomyo", layers=1, samples=200, channels=32)
    raw = signals.raw_semg(32 * int(keywords.get("rate", 200)) // 200, 1)
    with pytest.raises(zoo.RecordingError, match="32 channels are needed.*transposed"):
        model.prepare(raw.T, **keywords)


def test_channels_become_images() -> None:
    model = zoo.create("tinybiomoe")
    recording = signals.raw_semg(2, 1)
    images = model.prepare(recording)
    assert images.shape == (2, 3, 224, 224)
    assert np.abs(images - model.prepare(recording, preparation="waveform")).max() > 0.5
    np.testing.assert_array_equal(model.prepare(images, preparation="none"), images)
    with pytest.raises(zoo.RecordingError, match="no sampling rate of its own"):
        model.prepare(recording, rate=100.0)
    with pytest.raises(zoo.RecordingError, match="preparation 'none'"):
        model.prepare(images)
