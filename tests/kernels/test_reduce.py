"""ec_reduce against q_reduce."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

FUNCTIONS = {"sum": 0, "mean": 0, "max": 1, "min": 2}


def strides(shape: tuple[int, ...], axes: list[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(sizes, strides in elements) of ``axes``, led by unused axes to make four."""
    steps = [math.prod(shape[axis + 1 :]) for axis in axes]
    pad = 4 - len(axes)
    return (1,) * pad + tuple(shape[axis] for axis in axes), (0,) * pad + tuple(steps)


def geometry(shape: tuple[int, ...], axes: tuple[int, ...], dtype: Any) -> dict[str, Any]:
    """What a kernel is told of a reduction of four ``axes``, with room for its result."""
    reduced = sorted(axis % 4 for axis in axes)
    kept, kept_steps = strides(shape, [axis for axis in range(4) if axis not in reduced])
    inner, inner_steps = strides(shape, reduced)
    y = np.zeros(kept, dtype)
    return {
        "y": y,
        "kept": kept,
        "reduced": inner,
        "x_kept_stride": kept_steps,
        "x_reduced_stride": inner_steps,
        "y_stride": tuple(step // y.itemsize for step in y.strides),
    }


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.int8, np.int16])
@pytest.mark.parametrize(
    ("axes", "pre_shift"),
    [((0,), 0), ((-1,), 1), ((0, 2), 0), ((1, 2), 3), ((0, 1, 2, 3), 0), ((0, 1, 2, 3), 6)],
)
@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (2, 1, 4, 19), (1, 1, 1, 3)])
def test_kernel(
    kernels: Any, shape: Any, axes: Any, pre_shift: int, dtype: Any, function: str, cores: int
) -> None:
    """Inner, outer and scattered axes, of a few words and of less than one."""
    x = kernels.integers(shape, dtype)
    p = {"multiplier": 50, "bias": 4321, "shift": 12 - pre_shift, "pre_shift": pre_shift}
    attributes = {"function": function, "axes": axes, "keep": False, "dtype": "i16"}
    expected = kernels.evaluate("q_reduce", [x], **attributes, **p)
    fields = geometry(shape, axes, np.int16)
    kernels.call(
        "reduce",
        cores,
        x=x,
        reduction=FUNCTIONS[function],
        x_type="i8" if dtype == np.int8 else "i16",
        y_type="i16",
        **fields,
        **p,
    )
    np.testing.assert_array_equal(fields["y"].reshape(expected.shape), expected)


def test_keep_leaves_axes_of_one(kernels: Any) -> None:
    """The shape with ``keep``."""
    x = kernels.integers((2, 3, 4), np.int8)
    p = {"multiplier": 1, "bias": 0, "shift": 0, "dtype": "i16", "function": "sum"}
    y = kernels.evaluate("q_reduce", [x], axes=(1,), keep=True, **p)
    np.testing.assert_array_equal(y, x.sum(1, keepdims=True, dtype=np.int16))
