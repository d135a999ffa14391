"""Recordings in every layout that is accepted, and clear errors for the others."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgecomp.zoo import RecordingError, load_recording, load_windows
from edgecomp.zoo.recordings import load_named

SHAPE = (1, 2, 5)
LONG: NDArray[np.float32] = np.arange(24, dtype=np.float32).reshape(2, 12)
CUT = np.stack([LONG[:, :5], LONG[:, 5:10]])


def npy(folder: Path, array: NDArray[Any]) -> Path:
    np.save(folder / "r.npy", array)
    return folder / "r.npy"


def csv(folder: Path, text: str) -> Path:
    (folder / "r.csv").write_text(text)
    return folder / "r.csv"


def lines(array: NDArray[Any], delimiter: str = ",") -> str:
    return "\n".join(delimiter.join(str(x) for x in row) for row in array) + "\n"


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (CUT, CUT),
        (CUT[0], CUT[:1]),
        (CUT[0].T, CUT[:1]),
        (LONG, CUT),
        (LONG.T, CUT),
        (LONG[None], CUT),
        (CUT[:, None], CUT),
        (CUT[None, :1], CUT[:1]),
        (LONG[None, None], CUT),
        (np.stack([LONG, -LONG]), np.concatenate([CUT, -CUT])),
    ],
    ids=[
        "windows",
        "one window",
        "its transpose",
        "C x T",
        "T x C",
        "1 x C x T",
        "N x 1 x C x T",
        "1 x 1 x C x T",
        "1 x 1 x C x T'",
        "N x C x T",
    ],
)
def test_layouts(tmp_path: Path, array: NDArray[Any], expected: NDArray[Any]) -> None:
    found = load_windows(npy(tmp_path, array.astype(np.float64)), SHAPE)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


def test_square_recording_is_channels_first_in_numpy_and_last_in_csv(tmp_path: Path) -> None:
    square = np.arange(9.0).reshape(3, 3)
    np.testing.assert_array_equal(load_windows(npy(tmp_path, square), (1, 3, 2))[0], square[:, :2])
    found = load_windows(csv(tmp_path, lines(square)), (1, 3, 2))
    np.testing.assert_array_equal(found[0], square.T[:, :2])


def test_one_channel(tmp_path: Path) -> None:
    assert load_windows(npy(tmp_path, np.arange(11.0)), (1, 1, 5)).shape == (2, 1, 5)


def test_integers_are_numbers(tmp_path: Path) -> None:
    np.testing.assert_array_equal(load_windows(npy(tmp_path, LONG.astype(np.int16)), SHAPE), CUT)


def test_other_input_shapes_must_match(tmp_path: Path) -> None:
    images = np.ones((2, 3, 4, 4))
    assert load_windows(npy(tmp_path, images), (1, 3, 4, 4)).shape == (2, 3, 4, 4)
    assert load_windows(npy(tmp_path, images[0]), (1, 3, 4, 4)).shape == (1, 3, 4, 4)
    with pytest.raises(RecordingError, match=r"expected \[N, 3, 4, 5\], found \[2, 3, 4, 4\]"):
        load_windows(npy(tmp_path, images), (1, 3, 4, 5))


def test_npz_with_one_array_or_a_known_name(tmp_path: Path) -> None:
    path = tmp_path / "r.npz"
    np.savez(path, emg=LONG)
    np.testing.assert_array_equal(load_windows(path, SHAPE), CUT)
    np.savez(path, labels=np.ones(3), input=LONG)
    np.testing.assert_array_equal(load_windows(path, SHAPE), CUT)


def test_npz_with_one_array_that_fits(tmp_path: Path) -> None:
    """Labels beside windows; which array it was is told. The input's own name comes first."""
    path = tmp_path / "r.npz"
    np.savez(path, labels=np.ones(3), emg=CUT)
    told: list[str] = []
    np.testing.assert_array_equal(load_windows(path, SHAPE, notices=told), CUT)
    assert told == [
        f"{path}: array 'emg' was taken, the only one that fits of labels [3], emg {FITS}"
    ]
    np.testing.assert_array_equal(load_recording(path), CUT)
    np.savez(path, labels=np.ones(3), emg=LONG, ecg=-LONG)
    fit = r"(?s)labels \[3\], emg .*of which 2 fit.*name the windows one of"
    with pytest.raises(RecordingError, match=fit):
        load_windows(path, SHAPE)
    np.testing.assert_array_equal(load_windows(path, SHAPE, name="ecg"), -CUT)
    with pytest.raises(RecordingError, match="of which none fits"):
        load_windows(path, (1, 7, 5))


FITS = [*CUT.shape]


def test_what_is_left_out_at_the_end_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    load_windows(npy(tmp_path, LONG), SHAPE, notices=told)
    load_windows(npy(tmp_path, LONG[:, :10]), SHAPE, notices=told)
    load_windows(npy(tmp_path, CUT), SHAPE, notices=told)
    [notice] = told
    assert notice.startswith(f"{tmp_path}/r.npy: kept 10 of 12 samples, in windows of 5;")


def test_windows_of_different_shapes_are_named_with_their_shapes(tmp_path: Path) -> None:
    """Saved as arrays of their own, or as an array of objects, which is not loaded."""
    windows = [np.zeros((2, 100 + i)) for i in range(6)]
    np.savez(tmp_path / "many.npz", *windows)
    named = r"holds 6 arrays \(arr_0 \[2, 100\], arr_1 \[2, 101\], .* and 2 more\)"
    with pytest.raises(RecordingError, match=rf"(?s){named}.*cut to one shape first"):
        load_windows(tmp_path / "many.npz", SHAPE)
    ragged = np.empty(2, dtype=object)
    ragged[:] = windows[:2]
    np.save(tmp_path / "ragged.npy", ragged)
    with pytest.raises(RecordingError, match="(?s)never loaded.*cut to one shape first"):
        load_windows(tmp_path / "ragged.npy", SHAPE)
    np.savez(tmp_path / "same.npz", *windows[:1], *windows[:1])
    with pytest.raises(RecordingError) as error:
        load_windows(tmp_path / "same.npz", SHAPE)
    assert "cut" not in error.value.hint


def test_arrays_by_name(tmp_path: Path) -> None:
    path = tmp_path / "r.npz"
    np.savez(path, emg=LONG.astype(np.float64), ppg=np.ones(3))
    found = load_named(path, ["emg", "ppg"])
    assert {each.dtype for each in found.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(found["emg"], LONG)
    with pytest.raises(RecordingError, match=r"no array 'ecg': it holds emg \[.*\], ppg \[3\]"):
        load_named(path, ["emg", "ecg"])
    np.savez(path, emg=np.array([1.0, np.nan]))
    with pytest.raises(RecordingError, match="array 'emg': 1 values are NaN"):
        load_named(path, ["emg"])
    with path.open("wb") as file:
        np.save(file, LONG)
    with pytest.raises(RecordingError, match="one array, without a name"):
        load_named(path, ["emg"])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
@pytest.mark.parametrize("header", [False, True])
def test_csv(tmp_path: Path, delimiter: str, header: bool) -> None:
    first = delimiter.join(["left", "right"]) + "\n" if header else ""
    path = csv(tmp_path, first + lines(LONG.T, delimiter))
    np.testing.assert_array_equal(load_windows(path, SHAPE), CUT)


@pytest.mark.parametrize("name", ["time", "Time [s]", "timestamp", "sample", ""])
def test_csv_with_a_column_that_is_no_channel(tmp_path: Path, name: str) -> None:
    path = csv(tmp_path, f"{name},right\n" + lines(LONG.T))
    with pytest.raises(RecordingError, match=f"first column is called '{re.escape(name)}'"):
        load_windows(path, SHAPE)


@pytest.mark.parametrize("step", [1.0, 0.004])
def test_csv_whose_first_column_counts(tmp_path: Path, step: float) -> None:
    """With no name for it, or none: an electrode would take the place of its neighbour."""
    signal = np.random.default_rng(0).standard_normal((40, 2))
    time = np.round(step * np.arange(40), 3)[:, None]
    path = csv(tmp_path, lines(np.hstack([time, signal])))
    with pytest.raises(RecordingError, match=r"the first column counts evenly from 0 to"):
        load_recording(path)
    alone = csv(tmp_path, lines(np.hstack([np.arange(40.0)[:, None], np.arange(40.0)[:, None]])))
    assert load_recording(alone).shape == (2, 40)


def test_csv_with_channels_as_rows(tmp_path: Path) -> None:
    np.testing.assert_array_equal(load_windows(csv(tmp_path, lines(LONG)), SHAPE), CUT)


def test_limit_spreads_over_the_recording(tmp_path: Path) -> None:
    path = npy(tmp_path, np.arange(100.0).reshape(1, 100))
    assert load_windows(path, (1, 1, 10), limit=3)[:, 0, 0].tolist() == [0, 40, 90]


@pytest.mark.parametrize("shape", [(3, 12), (2, 4), (2, 3, 5), (7,), (2, 2, 2, 5)])
def test_wrong_shape_names_both(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(RecordingError) as error:
        load_windows(npy(tmp_path, np.ones(shape)), SHAPE)
    assert "expected [N, 2, 5], [2, at least 5] or [at least 5, 2]" in str(error.value)
    assert f"found {list(shape)}" in str(error.value)


def test_an_input_of_rank_4_may_carry_its_batch_axis(tmp_path: Path) -> None:
    images = np.arange(96.0).reshape(2, 1, 3, 4, 4)
    found = load_windows(npy(tmp_path, images), (1, 3, 4, 4))
    np.testing.assert_array_equal(found, images[:, 0])
    single = load_windows(npy(tmp_path, images[:, 0, :1]), (1, 1, 4, 4))
    np.testing.assert_array_equal(single, images[:, 0, :1])


@pytest.mark.parametrize("shape", [(3, 5, 2), (3, 12, 2)])
def test_transposed_axes_are_suspected(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(RecordingError, match="last two axes look transposed"):
        load_windows(npy(tmp_path, np.ones(shape)), SHAPE)


def test_time_column_is_suspected(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="time column"):
        load_windows(csv(tmp_path, lines(np.ones((12, 3)))), SHAPE)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_values_beyond_float32(tmp_path: Path, value: float) -> None:
    array = LONG.astype(np.float64)
    array[1, 3] = value
    with pytest.raises(RecordingError, match=r"1 values are NaN.*\[1, 3\]"):
        load_windows(npy(tmp_path, array), SHAPE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "holds no numbers"),
        ("a,b\n", "holds no numbers"),
        ("1,2\n3\n", "line 2: 1 columns, 2 before"),
        ("1,2\n\n3,x\n", "line 3: could not convert"),
        ("1,2\n3,\n", "line 2"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        load_windows(csv(tmp_path, text), SHAPE)


def test_binary_csv(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(RecordingError, match="not a text file"):
        load_windows(tmp_path / "r.csv", SHAPE)


@pytest.mark.parametrize("array", [np.ones((0, 2, 5)), np.array(["a"]), np.ones((2, 5)) * 1j])
def test_empty_or_not_real(tmp_path: Path, array: NDArray[Any]) -> None:
    with pytest.raises(RecordingError, match="empty|expected real numbers"):
        load_windows(npy(tmp_path, array), SHAPE)


@pytest.mark.parametrize("name", ["r.npy", "r.npz"])
def test_pickled_objects_are_refused(tmp_path: Path, name: str) -> None:
    objects = np.array([{"a": 1}, None], dtype=object)
    np.save(tmp_path / "r.npy", objects)
    np.savez(tmp_path / "r.npz", input=objects)
    with pytest.raises(RecordingError, match="never loaded"):
        load_windows(tmp_path / name, SHAPE)


@pytest.mark.parametrize("name", ["r.npy", "r.npz"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\3\4garbage", b"\x93NUMPY\1\0"])
def test_unreadable(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError):
        load_windows(tmp_path / name, SHAPE)


@pytest.mark.parametrize("position", range(0, 300, 10))
def test_damaged_bytes_are_an_error_or_still_windows(tmp_path: Path, position: int) -> None:
    path = tmp_path / "r.npz"
    np.savez_compressed(path, input=LONG)
    damaged = bytearray(path.read_bytes())
    damaged[position % len(damaged)] ^= 0xFF
    path.write_bytes(bytes(damaged))
    with contextlib.suppress(RecordingError):
        assert load_windows(path, SHAPE).shape == CUT.shape


def test_absent_and_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no recording at"):
        load_windows(tmp_path / "absent.npy", SHAPE)
    (tmp_path / "r.wav").write_bytes(b"x")
    with pytest.raises(RecordingError, match=r"expected \.npz"):
        load_windows(tmp_path / "r.wav", SHAPE)
