"""`edgecomp encode`: files in, one array out, and clear errors."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from edgecomp import zoo


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "night.npy"
    np.save(path, 40 * np.random.default_rng(0).standard_normal((2, 500)))
    return path


def test_writes_what_the_encoder_returns(run, recording: Path) -> None:
    result = run("encode", recording, "--model", "eegdino-small", "--set", "patches=1")
    assert result.exit_code == 0, result.stderr
    assert "weights are synthetic" in result.stderr
    written = np.load(recording.with_name("night.npy.eegdino-small.npy"))
    expected = zoo.create("eegdino-small", patches=1).encode(np.load(recording))
    np.testing.assert_array_equal(written, expected)
    assert "[2, 3, 200]" in result.stdout
    assert "taken to have 200 samples per second" in result.stderr
    assert "the recording: kept 400 of 500 samples, in windows of 200" in result.stderr


def test_windows_only_are_what_a_build_calibrates_on(run, recording: Path) -> None:
    options = ["--model", "eegdino-small", "--set", "patches=1", "--windows-only"]
    result = run("encode", recording, *options)
    assert result.exit_code == 0, result.stderr
    written = np.load(recording.with_name("night.npy.eegdino-small.windows.npy"))
    expected = zoo.create("eegdino-small", patches=1).prepare(np.load(recording))
    np.testing.assert_array_equal(written, expected)
    assert written.shape == (2, 2, 1, 200)


def test_a_rate_that_is_given_needs_no_note(run, recording: Path) -> None:
    line = ["--model", "eegdino-small", "--set", "patches=1", "--rate", "250", "--json"]
    told = json.loads(run("encode", recording, *line).stdout)
    assert told["shape"] == [2, 3, 200]  # 500 samples at 250 Hz are 400 at 200 Hz
    assert [each for each in told["notices"] if "rate" in each or "kept" in each] == []


def test_labels_beside_a_recording_are_no_recording(run, recording: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.npz"
    np.savez(both, labels=np.ones(500), eeg=np.load(recording))
    result = run("encode", both, "--model", "eegdino-small", "--out", tmp_path / "o.npy")
    assert result.exit_code == 0 and "array 'eeg' was taken" in result.stderr


def test_weights_say_which_encoder(run, recording: Path, tmp_path: Path) -> None:
    weights, out = tmp_path / "w.pt", tmp_path / "features.npy"
    torch.save(zoo.create("eegdino-small").state_dict(), weights)
    result = run("encode", recording, "--weights", weights, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["file"] == str(out)
    assert told["model"] == "eegdino-small"
    assert told["shape"] == [1, 5, 200] == list(np.load(out).shape)
    assert "channels=19, patches=10" in told["notices"][0]


def test_csv_with_a_line_per_sample(run, recording: Path, tmp_path: Path) -> None:
    csv = tmp_path / "night.csv"
    np.savetxt(csv, np.load(recording).T, delimiter=",", header="left,right", comments="")
    result = run("encode", csv, "--model", "eegdino-small", "--out", tmp_path / "o.npy")
    assert result.exit_code == 0, result.stderr
    assert np.load(tmp_path / "o.npy").shape == (1, 5, 200)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "neither --model nor --weights"),
        (["--model", "eegdino"], "did you mean 'eegdino-"),
        (["--model", "tinymyo"], "too short|8 channels"),
        (["--model", "tinybiomoe", "--rate", "100"], "no sampling rate"),
        (["--model", "eegdino-small", "--preparation", "zcore"], "did you mean 'zscore'"),
        (["--model", "eegdino-small", "--out", "absent/o.npy"], "cannot write absent/o.npy"),
        (["--model", "unknown", "--out", "absent/o.npy"], "cannot write absent/o.npy"),
    ],
)
def test_errors_leave_nothing_behind(run, recording: Path, arguments, message: str) -> None:
    result = run("encode", recording, *arguments)
    assert result.exit_code == 1
    assert re.search(message, result.stderr)
    assert [path.name for path in recording.parent.iterdir()] == ["night.npy"]
