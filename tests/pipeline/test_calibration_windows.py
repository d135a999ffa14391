"""Recorded windows to calibrate on: what is said of those that hold no signal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgecomp.pipeline.source import Source, calibration_windows


@pytest.fixture
def recorded() -> np.ndarray:
    """Four windows of 2 x 50."""
    return np.random.default_rng(0).standard_normal((4, 2, 50)).astype(np.float32)


def notices(windows: np.ndarray, folder: Path) -> list[str]:
    np.save(folder / "own.npy", windows)
    source = Source("mine", folder / "mine.onnx")
    calibration_windows(source, {"signal": (1, 2, 50)}, folder / "own.npy", 16, 0)
    return source.notices


def test_windows_of_a_signal_need_no_notice(recorded: np.ndarray, tmp_path: Path) -> None:
    recorded[:3, 0] = 0
    assert notices(recorded, tmp_path) == []


def test_a_channel_that_never_changes_is_named(recorded: np.ndarray, tmp_path: Path) -> None:
    recorded[:, 1] = 2
    [notice] = notices(recorded, tmp_path)
    assert notice.startswith("channel 2 of signal, of 2, never changes")


@pytest.mark.parametrize("value", [0.0, -3.5])
@pytest.mark.parametrize("count", [1, 4])
def test_windows_of_one_value_are_counted(
    recorded: np.ndarray, tmp_path: Path, value: float, count: int
) -> None:
    recorded[:count] = value
    [notice] = notices(recorded, tmp_path)
    assert notice.startswith(f"{count} of 4 calibration windows for signal hold one value only")


def test_what_is_left_of_a_recording_is_told(recorded: np.ndarray, tmp_path: Path) -> None:
    [notice] = notices(recorded.transpose(1, 0, 2).reshape(2, 200)[:, :170], tmp_path)
    assert "kept 150 of 170 samples" in notice


def test_rows_of_an_image_are_no_channels(tmp_path: Path) -> None:
    images = np.random.default_rng(0).standard_normal((4, 3, 8, 8)).astype(np.float32)
    images[:, :, 0] = 1
    np.save(tmp_path / "own.npy", images)
    source = Source("mine", tmp_path / "mine.onnx")
    calibration_windows(source, {"image": (1, 3, 8, 8)}, tmp_path / "own.npy", 16, 0)
    assert source.notices == []
