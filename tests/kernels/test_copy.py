"""ec_copy: transposes, slices, repeats and fills of every element size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def strides(array: np.ndarray) -> tuple[int, ...]:
    return tuple(step // array.itemsize for step in array.strides)


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
@pytest.mark.parametrize(
    "order", [(0, 1, 2, 3, 4), (0, 2, 1, 3, 4), (4, 3, 2, 1, 0), (1, 0, 4, 2, 3)]
)
def test_transpose(kernels: Any, order: tuple[int, ...], dtype: Any, cores: int) -> None:
    """Any order of five axes."""
    x = kernels.integers((2, 3, 1, 4, 5), dtype)
    view = x.transpose(order)
    y = np.zeros(view.shape, dtype)
    steps = {"size": view.shape, "x_stride": strides(view), "y_stride": strides(y)}
    kernels.call("copy", cores, x=x, y=y, element_bytes=x.itemsize, **steps)
    np.testing.assert_array_equal(y, view)


@pytest.mark.parametrize("cores", [1, 8])
def test_part_of_a_tensor(kernels: Any, cores: int) -> None:
    """Into columns 2 to 5 of a wider tensor, as concatenation does; the rest stays."""
    x = kernels.integers((1, 1, 1, 6, 3), np.int16)
    y = np.full((1, 1, 1, 6, 8), 77, np.int16)
    expected = y.copy()
    expected[..., 2:5] = x
    steps = {"size": x.shape, "x_stride": strides(x), "y_stride": strides(y)}
    kernels.call("copy", cores, x=x, y=y.reshape(-1)[2:], element_bytes=2, **steps)
    np.testing.assert_array_equal(y, expected)


def test_stride_zero_repeats(kernels: Any) -> None:
    """Expansion of an axis."""
    x = kernels.integers((1, 1, 1, 1, 7), np.int8)
    y = np.zeros((1, 1, 1, 9, 7), np.int8)
    steps = {"size": y.shape, "x_stride": (0, 0, 0, 0, 1), "y_stride": strides(y)}
    kernels.call("copy", 8, x=x, y=y, element_bytes=1, **steps)
    np.testing.assert_array_equal(y, np.broadcast_to(x, y.shape))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
@pytest.mark.parametrize("cores", [1, 9])
def test_fill(kernels: Any, dtype: Any, cores: int) -> None:
    """Without a source: the border of a padded tensor."""
    y = np.zeros((1, 1, 4, 3, 5), dtype)
    steps = {"size": (1, 1, 4, 3, 2), "y_stride": strides(y)}
    kernels.call("copy", cores, y=y, element_bytes=y.itemsize, fill=-3, **steps)
    assert (y[..., :2] == -3).all() and (y[..., 2:] == 0).all()
