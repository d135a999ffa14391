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


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ((96, 64), (1, 0)),
        ((21, 67), (1, 0)),
        ((67, 21), (1, 0)),
        ((300, 4), (1, 0)),
        ((3, 301), (1, 0)),
        ((301, 3), (1, 0)),
        ((7, 5, 2, 9), (3, 1, 0, 2)),
        ((14, 32, 2, 29), (3, 1, 0, 2)),
        ((9, 7, 13, 2), (2, 1, 3, 0)),
        ((29, 16, 14, 2), (2, 1, 3, 0)),
        ((6, 10, 8), (1, 0, 2)),
        ((6, 10, 7), (1, 0, 2)),
        ((10, 6, 2), (1, 0, 2)),
        ((2, 3, 5, 7, 11), (4, 2, 0, 3, 1)),
        ((2, 7, 2, 7, 12), (4, 0, 2, 1, 3)),
    ],
)
def test_transpose_in_blocks(
    kernels: Any, shape: tuple[int, ...], order: tuple[int, ...], dtype: Any, cores: int
) -> None:
    """Sizes that are multiples of a block or none; runs of two in one of the tensors."""
    x = kernels.integers(shape, dtype)
    view = x.transpose(order)
    y = np.zeros(view.shape, dtype)
    lead = 5 - len(shape)
    steps = {
        "size": (1,) * lead + view.shape,
        "x_stride": (0,) * lead + strides(view),
        "y_stride": (0,) * lead + strides(y),
    }
    kernels.call("copy", cores, x=x, y=y, element_bytes=x.itemsize, **steps)
    np.testing.assert_array_equal(y, view)


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
def test_transpose_into_a_wider_tensor(kernels: Any, dtype: Any) -> None:
    """Rows with gaps on both sides, which stay as they were."""
    x = kernels.integers((10, 23), dtype)
    y = np.full((13, 27), 77, dtype)
    expected = y.copy()
    expected[:11, 3:12] = x[:9, 5:16].T
    steps = {"size": (1, 1, 1, 11, 9), "x_stride": (0, 0, 0, 1, 23), "y_stride": (0, 0, 0, 27, 1)}
    first, target = x.reshape(-1)[5:], y.reshape(-1)[3:]
    kernels.call("copy", 8, x=first, y=target, element_bytes=x.itemsize, **steps)
    np.testing.assert_array_equal(y, expected)


def test_repeated_rows_in_columns(kernels: Any) -> None:
    """A transpose whose result repeats every column."""
    x = kernels.integers((9, 8), np.int8)
    y = np.zeros((8, 9, 6), np.int8)
    steps = {"size": (1, 1, 8, 9, 6), "x_stride": (0, 0, 1, 8, 0), "y_stride": (0, 0, 54, 6, 1)}
    kernels.call("copy", 8, x=x, y=y, element_bytes=1, **steps)
    np.testing.assert_array_equal(y, np.repeat(x.T[..., None], 6, -1))
