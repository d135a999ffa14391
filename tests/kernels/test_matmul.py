"""ec_matmul against q_matmul."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgecomp.ir.operator import OperandError


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 17, 70), (10, 33, 5)])
@pytest.mark.parametrize("pre_shift", [0, 5])
def test_kernel(
    kernels: Any, pre_shift: int, shape: tuple[int, int, int], transpose: bool, cores: int
) -> None:
    """Zero points at both ends, both layouts of b, columns beyond one block."""
    rows, depth, columns = shape
    a = kernels.integers((rows, depth), np.int8)
    b = kernels.integers((columns, depth) if transpose else (depth, columns), np.int8)
    p = {"zero_a": -128, "zero_b": 127, "multiplier": 200, "bias": 4567, "shift": 16 - pre_shift}
    p |= {"transpose_b": transpose, "pre_shift": pre_shift}
    expected = kernels.evaluate("q_matmul", [a, b], **p, dtype="i8")
    y = kernels.output(expected.shape, np.int8, 2)
    size = {"rows": rows, "columns": columns, "depth": depth}
    operands = {"a": kernels.tile(a, 1), "b": kernels.tile(b, 3), "y": y, "y_type": "i8"}
    kernels.call("matmul", cores, **operands, **size, **p)
    np.testing.assert_array_equal(y.read(), expected)


def test_batches_broadcast(kernels: Any) -> None:
    """The definition repeats b over the batches of a."""
    a, b = kernels.integers((2, 3, 4, 5), np.int8), kernels.integers((3, 5, 6), np.int8)
    p = {"zero_a": 1, "zero_b": 2, "multiplier": 99, "bias": 5, "shift": 9}
    y = kernels.evaluate("q_matmul", [a, b], **p, dtype="i16")
    exact = (a.astype(int) - 1) @ (b.astype(int) - 2)
    np.testing.assert_array_equal(y, np.clip((exact * 99 + 5) >> 9, -32768, 32767))


def test_pre_shift_rounds_half_up(kernels: Any) -> None:
    """Sums of 4 k + 2 go up, for either sign; all others to the nearest."""
    a = np.array([[-7], [-6], [-5], [5], [6], [7]], np.int8)
    p = {"zero_a": 0, "zero_b": 0, "multiplier": 1, "bias": 0, "shift": 0, "pre_shift": 2}
    y = kernels.evaluate("q_matmul", [a, np.array([[1]], np.int8)], **p, dtype="i8")
    assert y.ravel().tolist() == [-2, -1, -1, 1, 2, 2]


@pytest.mark.parametrize("pre_shift", [-1, 17])
def test_pre_shift_out_of_range_is_refused(kernels: Any, pre_shift: int) -> None:
    """0 to 16 are the shifts there are."""
    a = np.zeros((1, 1), np.int8)
    p = {"zero_a": 0, "zero_b": 0, "multiplier": 1, "bias": 0, "shift": 0}
    with pytest.raises(OperandError, match="pre_shift"):
        kernels.evaluate("q_matmul", [a, a], **p, pre_shift=pre_shift, dtype="i8")
