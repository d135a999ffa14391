"""ec_matmul, and what prepares its operands, against q_matmul."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.ir.operator import OperandError

NUMPY = {"i8": np.int8, "i16": np.int16, "u8": np.uint8}
STRAIGHT = {"zero_a": 3, "zero_b": -5, "multiplier": 200, "bias": 4567, "shift": 16}


def terms(kernels: Any, cores: int, x: Any, factor: int, offset: int) -> np.ndarray:
    """What the zero point of the other operand adds for every row of ``x``."""
    found = np.full(len(x), 99, np.int32)
    size = {"rows": len(x), "depth": x.shape[1], "factor": factor, "offset": offset}
    kernels.call("matmul_terms", cores, x=kernels.tile(x, 3), terms=found, **size)
    return found


def pack(kernels: Any, cores: int, b: Any, transpose: bool) -> np.ndarray:
    """``b`` by columns, filled up to words."""
    columns, depth = b.shape if transpose else b.shape[::-1]
    stride = -(-depth // 4) * 4
    y = np.full((columns, stride), 0x5A, np.int8)
    operands = {"b": kernels.tile(b, 3), "y": y, "y_stride": stride}
    size = {"columns": columns, "depth": depth, "transpose_b": transpose}
    kernels.call("matmul_pack", cores, **operands, **size)
    return y


def run(
    kernels: Any, cores: int, a: Any, b: Any, dtype: str, transpose_b: bool, **p: int
) -> np.ndarray:
    """The calls of one tile."""
    (rows, depth), pre_shift = a.shape, p.get("pre_shift", 0)
    columns = b.shape[0] if transpose_b else b.shape[1]
    packed = pack(kernels, cores, b, transpose_b)
    constant = depth * p["zero_a"] * p["zero_b"] + (1 << pre_shift >> 1)
    y = kernels.output((rows, columns), NUMPY[dtype], 2)
    kernels.call(
        "matmul",
        cores,
        a=kernels.tile(a, 1),
        b=packed,
        b_stride=packed.shape[1],
        row_terms=terms(kernels, cores, a, -p["zero_b"], 0),
        column_terms=terms(kernels, cores, packed, -p["zero_a"], constant),
        y=y,
        y_type=dtype,
        rows=rows,
        columns=columns,
        depth=depth,
        pre_shift=pre_shift,
        **{name: p[name] for name in ("multiplier", "bias", "shift")},
    )
    return y.read()


def check(kernels: Any, cores: int, a: Any, b: Any, dtype: str, **p: Any) -> np.ndarray:
    """The kernels against the definition, which is returned."""
    expected = kernels.evaluate("q_matmul", [a, b], **p, dtype=dtype)
    np.testing.assert_array_equal(run(kernels, cores, a, b, dtype, **p), expected)
    return expected


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 17, 70), (10, 33, 5), (8, 64, 12), (13, 7, 4)])
@pytest.mark.parametrize("pre_shift", [0, 5])
def test_kernel(
    kernels: Any, pre_shift: int, shape: tuple[int, int, int], transpose: bool, cores: int
) -> None:
    """Zero points at both ends, both layouts of b, odd sizes, more cores than rows."""
    rows, depth, columns = shape
    a = kernels.integers((rows, depth), np.int8)
    b = kernels.integers((columns, depth) if transpose else (depth, columns), np.int8)
    p = {"zero_a": -128, "zero_b": 127, "multiplier": 200, "bias": 4567, "shift": 16 - pre_shift}
    check(kernels, cores, a, b, "i8", transpose_b=transpose, pre_shift=pre_shift, **p)


@pytest.mark.parametrize("dtype", ["i8", "u8", "i16"])
@pytest.mark.parametrize("zeros", [(0, 0), (-128, 0), (0, 127), (5, -9)])
def test_every_type_and_zero_point(kernels: Any, zeros: tuple[int, int], dtype: str) -> None:
    """Some results saturate at each end, some do not."""
    a, b = kernels.integers((21, 40), np.int8), kernels.integers((40, 19), np.int8)
    shift = 8 if dtype == "i16" else 16
    p = STRAIGHT | {"zero_a": zeros[0], "zero_b": zeros[1], "multiplier": 120, "shift": shift}
    check(kernels, 8, a, b, dtype, transpose_b=False, **p)


@pytest.mark.parametrize("a_value, b_value", [(-128, -128), (127, -128), (-128, 127), (127, 127)])
@pytest.mark.parametrize("zero_a, zero_b", [(127, 127), (-128, 127), (127, -128), (-128, -128)])
def test_longest_sums(kernels: Any, zero_a: int, zero_b: int, a_value: int, b_value: int) -> None:
    """The largest depth with the largest products there are: no sum leaves 32 bits."""
    depth = 32767
    a, b = np.full((1, depth), a_value, np.int8), np.full((1, depth), b_value, np.int8)
    p = {"zero_a": zero_a, "zero_b": zero_b, "multiplier": 1, "bias": 0, "shift": 0}
    check(kernels, 1, a, b, "i16", transpose_b=True, pre_shift=16, **p)


@pytest.mark.parametrize("a_value, b_value", [(-128, -128), (127, -128), (-128, 127), (127, 127)])
def test_extreme_values_in_blocks(kernels: Any, a_value: int, b_value: int) -> None:
    """Every product has the same sign, in whole blocks; the zero points are farthest away."""
    a, b = np.full((8, 520), a_value, np.int8), np.full((520, 8), b_value, np.int8)
    zeros = {"zero_a": -1 - a_value, "zero_b": -1 - b_value}
    p = zeros | {"multiplier": 30, "bias": -77, "shift": 9, "pre_shift": 7}
    assert np.ptp(check(kernels, 8, a, b, "i16", transpose_b=False, **p)) == 0


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 13),
    st.integers(1, 70),
    st.integers(1, 13),
    st.integers(1, 10),
    st.booleans(),
    st.integers(0, 16),
)
def test_any_shape(
    kernels: Any,
    rows: int,
    depth: int,
    columns: int,
    cores: int,
    transpose: bool,
    pre_shift: int,
) -> None:
    """No combination of shape and cores leaves a hole."""
    a = kernels.integers((rows, depth), np.int8)
    b = kernels.integers((columns, depth) if transpose else (depth, columns), np.int8)
    p = STRAIGHT | {"shift": max(16 - pre_shift, 0)}
    check(kernels, cores, a, b, "i8", transpose_b=transpose, pre_shift=pre_shift, **p)


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 9), (4, 4), (5, 64), (22, 19), (40, 7)])
def test_pack(kernels: Any, shape: tuple[int, int], transpose: bool, cores: int) -> None:
    """Every column as a row of words, whose last bytes are 0."""
    columns, depth = shape
    b = kernels.integers((columns, depth) if transpose else (depth, columns), np.int8)
    wanted = b if transpose else b.T
    found = pack(kernels, cores, b, transpose)
    np.testing.assert_array_equal(found[:, :depth], wanted)
    assert not found[:, depth:].any()


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (9, 8), (20, 77)])
@pytest.mark.parametrize("factor", [0, -127, 128])
def test_terms(kernels: Any, factor: int, shape: tuple[int, int], cores: int) -> None:
    """Sums of rows of any length; a factor of 0 as well."""
    x = kernels.integers(shape, np.int8)
    wanted = -12345 + factor * x.sum(axis=1, dtype=np.int64)
    np.testing.assert_array_equal(terms(kernels, cores, x, factor, -12345), wanted)


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
