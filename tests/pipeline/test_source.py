"""Windows of a network with several inputs: one array each, and nothing silently left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgecomp.errors import EdgecompError
from edgecomp.pipeline.source import load_inputs

SHAPES = {"emg": (1, 2, 10), "ppg": (1, 4)}


def saved(folder: Path, emg: tuple[int, ...], ppg: tuple[int, ...]) -> Path:
    path = folder / "own.npz"
    np.savez(path, emg=np.ones(emg), ppg=np.ones(ppg))
    return path


def test_an_array_for_each_input(tmp_path: Path) -> None:
    path = saved(tmp_path, (3, 2, 10), (3, 4))
    found = load_inputs(path, SHAPES, None, [])
    assert {name: array.shape for name, array in found.items()} == {
        "emg": (3, 1, 2, 10),
        "ppg": (3, 1, 4),
    }
    assert [len(array) for array in load_inputs(path, SHAPES, 2, []).values()] == [2, 2]


@pytest.mark.parametrize(
    ("emg", "ppg", "message"),
    [
        ((3, 2, 10), (5, 4), "different numbers of windows: 3 of 'emg', 5 of 'ppg'"),
        ((3, 2, 10), (3, 5), r"array 'ppg': its shape is \[3, 5\]"),
        ((2, 10), (3, 4), r"array 'emg': its shape is \[2, 10\]"),
    ],
)
def test_windows_that_do_not_belong_together_are_refused(
    tmp_path: Path, emg: tuple[int, ...], ppg: tuple[int, ...], message: str
) -> None:
    with pytest.raises(EdgecompError, match=message):
        load_inputs(saved(tmp_path, emg, ppg), SHAPES, None, [])
