"""ec_linear against q_linear and q_mlp."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.ir import OperandError

SHAPES = [(1, 1, 1), (5, 7, 3), (1, 33, 17), (9, 64, 20), (3, 300, 8), (2, 1025, 9)]
NUMPY = {"i8": np.int8, "i16": np.int16, "u8": np.uint8}


def problem(kernels: Any, shape: tuple[int, int, int], bits: int) -> tuple[Any, ...]:
    rows, depth, columns = shape
    x = kernels.integers((rows, depth), np.int8)
    w = np.maximum(kernels.integers((columns, depth), np.int8), -127)
    return x, w, *kernels.requantization(depth * 127 * 128, columns, bits)


def run(kernels: Any, cores: int, gap: int, y: Any, x: Any, w: Any, **fields: Any) -> np.ndarray:
    kernels.call(
        "linear",
        cores,
        x=kernels.tile(x, gap),
        w=kernels.tile(w, gap),
        y=y,
        rows=len(x),
        columns=len(w),
        depth=x.shape[1],
        **fields,
    )
    return y.read()


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("dtype", ["i8", "u8", "i16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_plain(kernels: Any, shape: tuple[int, int, int], dtype: str, cores: int) -> None:
    """Odd sizes, every output type, more cores than rows."""
    x, w, m, b, shift = problem(kernels, shape, 16 if dtype == "i16" else 8)
    expected = kernels.evaluate("q_linear", [x, w, m, b], shift=shift, dtype=dtype)
    y = kernels.output(expected.shape, NUMPY[dtype], 3)
    parameters = {"multiplier": m, "bias": b, "shift": shift, "y_type": dtype}
    np.testing.assert_array_equal(run(kernels, cores, 5, y, x, w, **parameters), expected)


@pytest.mark.parametrize("value", [-128, 127, 0])
def test_extreme_activations(kernels: Any, value: int) -> None:
    """Every product has the same sign: the largest accumulators there are."""
    x = np.full((4, 512), value, np.int8)
    w = np.concatenate([np.full((3, 512), sign * 127, np.int8) for sign in (-1, 1)])
    m, b, shift = kernels.requantization(512 * 127 * 128, 6, 8)
    expected = kernels.evaluate("q_linear", [x, w, m, b], shift=shift, dtype="i8")
    y = kernels.output((4, 6), np.int8)
    parameters = {"multiplier": m, "bias": b, "shift": shift, "y_type": "i8"}
    np.testing.assert_array_equal(run(kernels, 8, 0, y, x, w, **parameters), expected)


@pytest.mark.parametrize("cores", [1, 8])
def test_table_follows_clipping(kernels: Any, cores: int) -> None:
    """The table is read with the clipped value, so both ends are reached."""
    x, w, m, b, shift = problem(kernels, (9, 40, 21), 8)
    table = kernels.integers(256, np.int8)
    operands = [x, w, m, b, table]
    expected = kernels.evaluate("q_linear", operands, shift=shift, table=True, dtype="i8")
    y = kernels.output(expected.shape, np.int8, 1)
    parameters = {"multiplier": m, "bias": b, "shift": shift, "table": table, "y_type": "i8"}
    np.testing.assert_array_equal(run(kernels, cores, 2, y, x, w, **parameters), expected)


@pytest.mark.parametrize("cores", [1, 9])
def test_residual_in_place(kernels: Any, cores: int) -> None:
    """The output may overwrite the residual; both additions saturate."""
    x, w, m, b, shift = problem(kernels, (10, 30, 13), 16)
    residual = kernels.integers((10, 13), np.int16)
    operands = [x, w, m, b, residual]
    expected = kernels.evaluate("q_linear", operands, shift=shift, residual=True, dtype="i16")
    assert (np.abs(expected.astype(int)) >= 32767).any()
    y = kernels.tile(residual, 4)
    parameters = {"multiplier": m, "bias": b, "shift": shift, "residual": y, "y_type": "i16"}
    np.testing.assert_array_equal(run(kernels, cores, 2, y, x, w, **parameters), expected)


@pytest.mark.parametrize("residual", [False, True])
def test_mlp_in_parts(kernels: Any, residual: bool) -> None:
    """q_mlp from tiles of the hidden layer, which together are the input of the second product."""
    rows, depth, hidden, columns, part = 6, 19, 40, 11, 16
    x, w1, m1, b1, shift1 = problem(kernels, (rows, depth, hidden), 8)
    _, w2, m2, b2, shift2 = problem(kernels, (rows, hidden, columns), 16)
    table = kernels.integers(256, np.int8)
    stream = kernels.integers((rows, columns), np.int16)
    expected = kernels.evaluate(
        "q_mlp",
        [x, w1, m1, b1, table, w2, m2, b2, *([stream] if residual else [])],
        shift1=shift1,
        shift2=shift2,
        residual=residual,
        dtype="i16",
    )
    hidden_layer = kernels.output((rows, hidden), np.int8)
    whole = hidden_layer.buffer.reshape(rows, hidden)
    for start in range(0, hidden, part):
        some = slice(start, start + part)
        h = kernels.output((rows, len(w1[some])), np.int8)
        first = {"multiplier": m1[some].copy(), "bias": b1[some].copy(), "shift": shift1}
        whole[:, some] = run(kernels, 8, 0, h, x, w1[some], table=table, y_type="i8", **first)
    y = kernels.output((rows, columns), np.int16)
    second = {"multiplier": m2, "bias": b2, "shift": shift2, "y_type": "i16"}
    if residual:
        second["residual"] = kernels.tile(stream, 1)
    np.testing.assert_array_equal(run(kernels, 8, 0, y, whole.copy(), w2, **second), expected)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 70), st.integers(1, 12), st.integers(1, 10))
def test_any_shape(kernels: Any, rows: int, depth: int, columns: int, cores: int) -> None:
    """No combination of shape and cores leaves a hole."""
    x, w, m, b, shift = problem(kernels, (rows, depth, columns), 8)
    expected = kernels.evaluate("q_linear", [x, w, m, b], shift=shift, dtype="i8")
    y = kernels.output(expected.shape, np.int8, 1)
    parameters = {"multiplier": m, "bias": b, "shift": shift, "y_type": "i8"}
    np.testing.assert_array_equal(run(kernels, cores, 1, y, x, w, **parameters), expected)


def test_products_are_exact_beyond_float32(kernels: Any) -> None:
    """A sum above 2**24 that float32 would round."""
    x, w = np.full((1, 4097), 127, np.int8), np.full((1, 4097), 127, np.int8)
    x[0, 0] = w[0, 0] = 1
    one, zero = np.ones(1, np.int32), np.zeros(1, np.int32)
    acc = kernels.evaluate("q_linear", [x, w, one, zero - 66064384], shift=0, dtype="i16")
    assert acc[0, 0] == 4096 * 127 * 127 + 1 - 66064384


def test_overflow_is_an_error(kernels: Any) -> None:
    """A multiplier that lets acc * M + B leave int32 is refused, not wrapped."""
    x, w = np.full((1, 1000), 127, np.int8), np.full((1, 1000), 127, np.int8)
    parameters = np.array([65535], np.int32), np.array([0], np.int32)
    with pytest.raises(OverflowError, match="beyond int32"):
        kernels.evaluate("q_linear", [x, w, *parameters], shift=20, dtype="i8")


def test_table_and_residual_exclude_each_other(kernels: Any) -> None:
    """Both at once have no meaning."""
    x, w, m, b, shift = problem(kernels, (2, 3, 4), 8)
    operands = [x, w, m, b, np.zeros(256, np.int8), np.zeros((2, 4), np.int16)]
    with pytest.raises(OperandError, match="not both"):
        kernels.evaluate("q_linear", operands, shift=shift, table=True, residual=True, dtype="i16")
