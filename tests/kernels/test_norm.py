"""ec_norm against q_norm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .test_reduce import strides


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize(("zero", "fraction"), [(0, 0), (-128, 3), (127, 2), (5, 1)])
@pytest.mark.parametrize("axes", [(0,), (3,), (0, 2), (1, 2), (0, 1, 2, 3)])
@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (2, 1, 4, 19), (1, 1, 1, 3)])
def test_kernel(kernels: Any, shape: Any, axes: Any, zero: int, fraction: int, cores: int) -> None:
    """Inner, outer and scattered axes, zero points at both ends, extreme values among others."""
    x = kernels.integers(shape, np.int8)
    x.reshape(-1)[:3] = (-128, 127, zero)
    p = {"zero_x": zero, "fraction": fraction, "multiplier": 77, "bias": -4321, "shift": 9}
    expected = kernels.evaluate("q_norm", [x], axes=axes, keep=False, dtype="i16", **p)
    kept, kept_steps = strides(shape, [axis for axis in range(4) if axis not in axes])
    inner, inner_steps = strides(shape, list(axes))
    y = np.zeros(kept, np.int16)
    kernels.call(
        "norm",
        cores,
        x=x,
        y=y,
        kept=kept,
        reduced=inner,
        x_kept_stride=kept_steps,
        x_reduced_stride=inner_steps,
        y_stride=tuple(step // 2 for step in y.strides),
        y_type="i16",
        **p,
    )
    np.testing.assert_array_equal(y.reshape(expected.shape), expected)


def test_the_largest_sums(kernels: Any) -> None:
    """One below 2^32 with the fraction; the next one is refused."""
    x = np.full((1, 1, 1, 256), -128, np.int8)
    p = {"zero_x": 127, "fraction": 4, "multiplier": 1, "bias": 0, "shift": 1, "dtype": "i16"}
    root = int(np.sqrt(256.0) * 255 * 16)
    y = kernels.evaluate("q_norm", [x], axes=(3,), keep=False, **p)
    assert y.tolist() == [[[min(root >> 1, 32767)]]]
    with pytest.raises(Exception, match="do not fit 32 bits"):
        kernels.evaluate("q_norm", [np.repeat(x, 2, axis=3)], axes=(3,), keep=False, **p)
