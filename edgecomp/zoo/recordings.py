"""The user's own recordings, as windows of the network's input shape.

Values are taken as they are: they must be in the unit, at the rate and behind the
preprocessing that the network was trained with (for raw EMG: `edgecomp.zoo.signals.preprocess`).
"""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from edgecomp.errors import EdgecompError
from edgecomp.zoo.spec import Windows

SUFFIXES = (".npz", ".npy", ".csv")
KEYS = ("input", "inputs", "windows", "x", "data")
"""The names under which windows are looked for in an .npz that holds several arrays."""
_ONE_SHAPE = "windows of different shapes are cut to one shape first, and make one array"
_NO_CHANNEL = re.compile(r"(time|date|seconds).*|(samples?|index)( ?(no|nr|number)\.?)?|t|t_.*|")
"""Names of columns that count samples."""
_COUNTS = 16
"""Lines from which on an even ramp is no signal."""
_TAKE_OUT = "every column is one channel: take out the time or index column"
_SHOWN = 4
"""Arrays of a file that a message names."""
_NUMPY_ERRORS = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy.load lets through on damaged files."""


class RecordingError(EdgecompError):
    """A recording that cannot be read or does not suit the network."""


def load_windows(
    path: str | Path,
    input_shape: tuple[int, ...],
    limit: int | None = None,
    *,
    name: str | None = None,
    notices: list[str] | None = None,
) -> Windows:
    """Windows of a recording, float32 [N, *input_shape[1:]].

    input_shape: of the network, batch 1 included. For [1, C, T] the file holds windows
    [N, C, T'], one recording [C, T'], or one [T', C] (the usual layout of a .csv, with or
    without a header); T' >= T, and long recordings are cut into windows that do not overlap,
    the incomplete rest dropped. For any other input: [N, *shape] or [*shape]. The network's own
    full shape for each window, [N, *input_shape], is accepted too.
    limit: at most so many windows, evenly spread over the recording. Of several arrays in an .npz
    the one called `name` or one of `KEYS` is taken, else the only one that fits.
    notices: takes what the user must know: the array taken, samples left out.

    Raises RecordingError, naming the expected and the found shape.
    """
    path, said = Path(path), [] if notices is None else notices
    wanted = _Wanted((name, *KEYS) if name else KEYS, partial(_fits, input_shape), said)
    raw = _without_batch(finite_numbers(str(path), _read(path, wanted)), len(input_shape))
    rows_are_time = path.suffix.lower() == ".csv"
    windows = cut_windows(
        str(path), raw, input_shape[1:], rows_are_time=rows_are_time, notices=said
    )
    if limit is not None and limit < len(windows):
        windows = windows[np.linspace(0, len(windows) - 1, max(limit, 1)).round().astype(int)]
    return windows


def load_recording(path: str | Path, notices: list[str] | None = None) -> Windows:
    """The numbers of a file as they are, float32, channels first.

    A .csv has one line per sample, or one per channel if that leaves more columns than lines. Of
    several arrays in an .npz one of `KEYS` is taken, else the only one with channels and samples.
    notices: as in `load_windows`. Raises RecordingError.
    """
    path = Path(path)
    wanted = _Wanted(KEYS, lambda shape: len(shape) > 1, [] if notices is None else notices)
    array = finite_numbers(str(path), _read(path, wanted))
    rows_are_time = path.suffix.lower() == ".csv" and array.shape[0] >= array.shape[-1]
    return array.T if rows_are_time else array


@dataclass(frozen=True)
class _Wanted:
    """Which array of an .npz: by name, else by shape; `notices` takes that it was by shape."""

    names: tuple[str, ...]
    fits: Callable[[tuple[int, ...]], bool]
    notices: list[str]


def _read(path: Path, wanted: _Wanted) -> NDArray[np.generic]:
    if not path.is_file():
        raise RecordingError(f"no recording at {path}", "check the path")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise RecordingError(
            f"{path}: unknown kind of recording", f"expected {', '.join(SUFFIXES)}"
        )
    if path.stat().st_size == 0:
        raise RecordingError(f"{path} is empty")
    return _read_csv(path) if suffix == ".csv" else _read_numpy(path, wanted)


def _read_numpy(path: Path, wanted: _Wanted) -> NDArray[np.generic]:
    """The array of an .npy, or the one of an .npz that holds the windows."""
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content
        with content:
            array: NDArray[np.generic] = content[_key(path, content, wanted)]
            return array
    except _NUMPY_ERRORS as error:
        raise _unreadable(path, error) from error


def load_named(path: Path, names: Collection[str]) -> dict[str, Windows]:
    """The arrays of an .npz under `names`, finite float32. Raises RecordingError."""
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            raise RecordingError(
                f"{path} holds one array, without a name",
                f"save one array per input with numpy.savez: {', '.join(names)}",
            )
        with content:
            missing = [name for name in names if name not in content.files]
            if missing:
                raise RecordingError(
                    f"{path} holds no array '{missing[0]}': it holds {_described(content)}",
                    f"give one array per input: {', '.join(names)}",
                )
            found = {name: content[name] for name in names}
    except _NUMPY_ERRORS as error:
        raise _unreadable(path, error) from error
    return {name: finite_numbers(f"{path}, array '{name}'", each) for name, each in found.items()}


def _unreadable(path: Path, error: Exception) -> RecordingError:
    if "pickle" in str(error).lower():
        return RecordingError(
            f"{path} is no array of numbers: it is damaged, or holds pickled Python objects, "
            "which are never loaded",
            f"save a numeric array with numpy.save or numpy.savez; {_ONE_SHAPE}",
        )
    return RecordingError(f"{path} cannot be read: {error}", "the file is corrupt or incomplete")


def _key(path: Path, content: NpzFile, wanted: _Wanted) -> str:
    keys = list(content.files)
    known = [key for key in wanted.names if key in keys]
    if known or len(keys) == 1:
        return known[0] if known else keys[0]
    fitting = [key for key in keys if wanted.fits(content[key].shape)]
    if len(fitting) == 1:
        wanted.notices.append(
            f"{path}: array '{fitting[0]}' was taken, the only one that fits of "
            f"{_described(content)}"
        )
        return fitting[0]
    hint = f"name the windows one of {', '.join(KEYS)}"
    if len({content[key].shape for key in keys}) > 1:
        hint += f"; {_ONE_SHAPE}"
    several = (
        f", of which {len(fitting)} fit" if fitting else ", of which none fits" if keys else ""
    )
    described = _described(content) or "none"
    raise RecordingError(f"{path} holds {len(keys)} arrays ({described}){several}", hint)


def _described(content: NpzFile) -> str:
    """The first arrays, with their shapes."""
    keys = content.files
    shown = ", ".join(f"{key} {list(content[key].shape)}" for key in keys[:_SHOWN])
    return shown + (f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else "")


def _read_csv(path: Path) -> NDArray[np.generic]:
    """The numbers of a .csv, one row per line; a first line that is not numbers is skipped."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path} is not a text file: {error.reason}") from error
    numbered = [(i, line) for i, line in enumerate(lines, start=1) if line.strip()]
    delimiter = _delimiter(numbered[0][1]) if numbered else ","
    rows = [(i, _fields(line, delimiter)) for i, line in numbered]
    if rows and not _is_numeric(rows[0][1]):
        _check_header(path, rows[0][1])
        rows = rows[1:]
    if not rows:
        raise RecordingError(f"{path} holds no numbers")
    table = np.array([_parse_row(path, i, fields, len(rows[0][1])) for i, fields in rows])
    _check_first_column(path, table)
    return table


def _check_first_column(path: Path, table: NDArray[np.float64]) -> None:
    """Raises RecordingError where the first column, and no other one, counts evenly upwards."""
    if len(table) < _COUNTS or table.shape[1] < 2 or not np.isfinite(table).all():
        return
    steps = np.diff(table, axis=0)
    mean = steps.mean(axis=0)
    line = table[0] + mean * np.arange(len(table))[:, None]
    even = (steps > 0).all(axis=0) & (np.abs(table - line).max(axis=0) <= mean)
    if even[0] and not even[1:].any():
        raise RecordingError(
            f"{path}: the first column counts evenly from {table[0, 0]:g} to {table[-1, 0]:g}, as "
            "time or an index does",
            _TAKE_OUT,
        )


def _check_header(path: Path, names: list[str]) -> None:
    """Raises RecordingError where the first column is no channel: time, or an index of pandas."""
    if len(names) > 1 and _NO_CHANNEL.fullmatch(names[0].strip().lower()):
        raise RecordingError(
            f"{path}: the first column is called '{names[0].strip()}'",
            _TAKE_OUT,
        )


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count) if any(c in line for c in ",;\t") else " "


def _fields(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    return next(csv.reader([line], delimiter=delimiter))


def _is_numeric(fields: list[str]) -> bool:
    try:
        [float(field) for field in fields]
    except ValueError:
        return False
    return True


def _parse_row(path: Path, line: int, fields: list[str], width: int) -> list[float]:
    if len(fields) != width:
        raise RecordingError(
            f"{path}, line {line}: {len(fields)} columns, {width} before",
            "every line needs one value per channel",
        )
    try:
        return [float(field) for field in fields]
    except ValueError as error:
        raise RecordingError(f"{path}, line {line}: {error}") from error


def finite_numbers(name: str, array: NDArray[np.generic]) -> Windows:
    """The array as finite float32. Raises RecordingError, which says what `name` holds."""
    if array.dtype.kind not in "iuf":
        raise RecordingError(f"{name} holds {array.dtype} values", "expected real numbers")
    if array.size == 0:
        raise RecordingError(f"{name} is empty: its shape is {list(array.shape)}")
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        first = [int(i) for i in np.argwhere(bad)[0]]
        raise RecordingError(
            f"{name}: {int(bad.sum())} values are NaN, infinite or beyond float32, "
            f"the first at index {first}",
            "repair or cut out these samples",
        )
    return values


def _without_batch(array: Windows, rank: int) -> Windows:
    """[N, 1, *rest] -> [N, *rest]: windows that each carry the batch axis of a network of `rank`.

    The first axis may be of size 1 as well.
    """
    return array[:, 0] if array.ndim == rank + 1 and array.shape[1] == 1 else array


def _fits(input_shape: tuple[int, ...], found: tuple[int, ...]) -> bool:
    """Whether an array of shape `found` has a layout that `load_windows` accepts."""
    array = _without_batch(np.broadcast_to(np.float32(0), found), len(input_shape))
    shape = input_shape[1:]
    if shape in (array.shape, array.shape[1:]):
        return True
    return len(shape) == 2 and _recordings(array, *shape, rows_are_time=False) is not None


def cut_windows(
    name: str,
    array: Windows,
    shape: tuple[int, ...],
    *,
    rows_are_time: bool = False,
    notices: list[str] | None = None,
) -> Windows:
    """Windows [N, *shape] of an array of any layout that `load_windows` accepts.

    rows_are_time: how a square array [T, C] is read. notices: takes that samples were left out.
    Raises RecordingError about `name`.
    """
    if array.shape == shape:
        return array[None]
    if array.shape[1:] == shape:
        return array
    if len(shape) == 2:
        recordings = _recordings(array, *shape, rows_are_time=rows_are_time)
        if recordings is not None:
            if notices is not None:
                notices += left_out(name, recordings.shape[2], shape[1])
            return np.ascontiguousarray(_split(recordings, shape[1]))
    raise _wrong_shape(name, array.shape, shape)


def left_out(name: str, samples: int, window: int) -> list[str]:
    """A notice that of `samples` those behind the last whole `window` are not used, if any."""
    kept = samples // window * window
    if kept == samples:
        return []
    return [
        f"{name}: kept {kept:,} of {samples:,} samples, in windows of {window:,}; "
        "the rest at the end is left out"
    ]


def _recordings(array: Windows, channels: int, samples: int, rows_are_time: bool) -> Windows | None:
    """[N, channels, at least samples], or None if the array has no such layout."""
    if array.ndim == 1 and channels == 1:
        array = array[None]
    if array.ndim == 2:
        layouts = [array.T, array] if rows_are_time else [array, array.T]
        array = next((a for a in layouts if _suits(a, channels, samples)), layouts[0])[None]
    return array if array.ndim == 3 and _suits(array[0], channels, samples) else None


def _suits(recording: Windows, channels: int, samples: int) -> bool:
    rows, columns = recording.shape
    return bool(rows == channels and columns >= samples)


def _split(recordings: Windows, samples: int) -> Windows:
    """[N, C, T'] -> [N * (T' // T), C, T], in order of time within each recording."""
    count, channels, length = recordings.shape
    whole = length // samples
    pieces = recordings[:, :, : whole * samples].reshape(count, channels, whole, samples)
    return pieces.transpose(0, 2, 1, 3).reshape(count * whole, channels, samples)


def _wrong_shape(name: str, found: tuple[int, ...], shape: tuple[int, ...]) -> RecordingError:
    expected = f"[N, {', '.join(map(str, shape))}]"
    hint = (
        "give the network's own input shape; `edgecomp encode RECORDING --windows-only` writes "
        "the windows of an encoder of the zoo"
    )
    if len(shape) == 2:
        channels, samples = shape
        expected += f", [{channels}, at least {samples}] or [at least {samples}, {channels}]"
        hint = f"{channels} channels and {samples} samples or more are needed"
        if len(found) == 2 and channels + 1 in found:
            hint += "; there is one column too many: take out the time column"
        if len(found) == 3 and found[2] == channels and found[1] >= samples:
            hint += "; the last two axes look transposed: give [N, channels, samples]"
    return RecordingError(f"{name}: expected {expected}, found {list(found)}", hint)
