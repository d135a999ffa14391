"""ec_softmax against q_softmax, and q_softmax against the float function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgecomp.ir.fixed_point import exponential_table, softmax_parameters

TABLE = exponential_table()


def attributes(scale: float) -> dict[str, int]:
    limit, multiplier, shift = softmax_parameters(scale)
    return {"score_limit": limit, "score_multiplier": multiplier, "score_shift": shift}


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("dtype", [np.int8, np.int16])
@pytest.mark.parametrize("shape", [(1, 1), (9, 31), (4, 256)])
def test_kernel(kernels: Any, shape: tuple[int, int], dtype: Any, cores: int) -> None:
    """Both input types, a row of one, saturation at probability 1."""
    x = kernels.integers(shape, dtype)
    x[0] = x[0, 0]
    a = attributes(0.05 if dtype == np.int8 else 3e-4)
    output = {"multiplier": 256, "bias": 1 << 15, "shift": 16}
    expected = kernels.evaluate("q_softmax", [x, TABLE], **a, **output, zero=-128, dtype="i8")
    y = kernels.output(shape, np.int8, 1)
    a["limit"] = a.pop("score_limit")
    kernels.call(
        "softmax",
        cores,
        x=kernels.tile(x, 3),
        exp_table=TABLE,
        y=y,
        rows=shape[0],
        columns=shape[1],
        x_type="i8" if dtype == np.int8 else "i16",
        y_type="i8",
        **a,
        **output,
    )
    np.testing.assert_array_equal(y.read(), expected)


def test_definition_is_softmax(kernels: Any) -> None:
    """Within 1.5 % of the largest probability, 16-bit output."""
    x = kernels.integers((20, 50), np.int8)
    exact = np.exp(x * 0.03)
    exact /= exact.sum(-1, keepdims=True)
    output = {"multiplier": 1 << 14, "bias": 1 << 14, "shift": 15, "scale": 1 / 32768}
    y = kernels.evaluate("q_softmax", [x, TABLE], **attributes(0.03), **output, dtype="i16")
    assert np.abs(y / 32768 - exact).max() < 0.015 * exact.max()
