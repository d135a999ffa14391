"""ec_ne16_linear as a job against q_linear: on a model of the engine here, on GVSoC's there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgecomp.tiling.ne16_weights import pack_weights, raised_input_bias

# rows, depth, columns: less than one part, whole parts, remainders of all kinds
SHAPES = [(1, 1, 1), (2, 16, 32), (3, 7, 5), (9, 64, 64), (10, 40, 33), (35, 83, 75), (50, 192, 40)]
GAPS = [(0, 0), (5, 7)]
NUMPY = {"i8": np.int8, "u8": np.uint8, "i32": np.int32}
MULTIPLIERS = {8: np.uint8, 16: np.uint16, 32: np.uint32}
BLOCK = 32


def raised(values: np.ndarray) -> np.ndarray:
    """int8 values as the engine reads them, 128 higher."""
    return (values.astype(np.int16) + 128).astype(np.uint8)


def padded(values: np.ndarray) -> np.ndarray:
    """Whole blocks of channels: the engine reads them."""
    return np.pad(values, (0, -len(values) % BLOCK))


def run(
    kernels: Any, x: np.ndarray, w: np.ndarray, y: Any, bits: int = 8, gap: int = 0, **fields: Any
) -> np.ndarray:
    """The job on int8 activations ``x``, raised to u8."""
    sizes = {"rows": len(x), "columns": len(w), "depth": x.shape[1], "weight_bits": bits}
    packed = pack_weights(w, bits)
    kernels.call("ne16_linear", 1, x=kernels.tile(raised(x), gap), w=packed, y=y, **sizes, **fields)
    return np.asarray(y.read())


def problem(kernels: Any, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    rows, depth, columns = shape
    w = np.maximum(kernels.integers((columns, depth), np.int8), -127)
    return kernels.integers((rows, depth), np.int8), w


def quantized(multiplier: np.ndarray, bias: np.ndarray, bits: int, shift: int) -> dict[str, Any]:
    return {
        "multiplier": padded(multiplier.astype(MULTIPLIERS[bits])),
        "multiplier_bits": bits,
        "bias": padded(bias),
        "shift": shift,
    }


@pytest.mark.parametrize("gaps", GAPS)
@pytest.mark.parametrize("dtype", ["i8", "u8"])
@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("shape", SHAPES)
def test_bits_of_q_linear(
    kernels: Any, shape: tuple[int, int, int], bits: int, dtype: str, gaps: tuple[int, int]
) -> None:
    """8-bit outputs, multipliers of every width, tiles inside of wider ones."""
    x, w = problem(kernels, shape)
    m, b, shift = kernels.requantization(shape[1] * 127 * 128, shape[2], 8)
    m = np.minimum(m, 65535 >> (16 - min(bits, 16)))
    expected = kernels.evaluate("q_linear", [x, w, m, b], shift=shift, dtype=dtype)
    y = kernels.output(expected.shape, NUMPY[dtype], gaps[1])
    fields = quantized(m, raised_input_bias(b, m, w), bits, shift)
    found = run(kernels, x, w, y, gap=gaps[0], y_type=dtype, **fields)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [-128, 127, 0])
def test_products_that_wrap(kernels: Any, value: int) -> None:
    """Raised sums times multipliers leave 32 bits, and come back with the bias."""
    x = np.full((9, 768), value, np.int8)
    w = np.concatenate([np.full((20, 768), sign * 127, np.int8) for sign in (-1, 1)])
    m, b, shift = kernels.requantization(768 * 127 * 128, 40, 8)
    expected = kernels.evaluate("q_linear", [x, w, m, b], shift=shift, dtype="i8")
    y = kernels.output(expected.shape, np.int8)
    fields = quantized(m, raised_input_bias(b, m, w), 16, shift)
    np.testing.assert_array_equal(run(kernels, x, w, y, y_type="i8", **fields), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_before_clipping(kernels: Any, shape: tuple[int, int, int]) -> None:
    """Quantized 32-bit output: what 16-bit results are clipped from."""
    x, w = problem(kernels, shape)
    m, b, _ = kernels.requantization(shape[1] * 127 * 128, shape[2], 16)
    expected = (x.astype(np.int64) @ w.T.astype(np.int64) * m + b) >> 5
    y = kernels.output(expected.shape, np.int32, 3)
    fields = quantized(m, raised_input_bias(b, m, w), 16, 5)
    found = run(kernels, x, w, y, y_type="i32", **fields)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("bits", [2, 3, 4, 7, 8])
def test_narrow_weights(kernels: Any, bits: int) -> None:
    """Sums as they are, with weights of every kind of width."""
    half = 1 << (bits - 1)
    x = kernels.integers((20, 50), np.int8)
    w = kernels.random.integers(-half, half, (70, 50)).astype(np.int8)
    y = kernels.output((20, 70), np.int32, 1)
    found = run(kernels, x, w, y, bits, y_type="i32")
    np.testing.assert_array_equal(found, (x.astype(np.int32) + 128) @ w.T.astype(np.int32))


@pytest.mark.parametrize("rows", [1, 2, 9, 10, 20])
def test_accumulate(kernels: Any, rows: int) -> None:
    """Every token is added to once, also where their number is no multiple of three."""
    x, w = problem(kernels, (rows, 35, 45))
    before = kernels.random.integers(-(1 << 30), 1 << 30, (rows, 45)).astype(np.int32)
    y = kernels.tile(before, 2)
    found = run(kernels, x, w, y, y_type="i32", accumulate=1)
    expected = before + (x.astype(np.int32) + 128) @ w.T.astype(np.int32)
    np.testing.assert_array_equal(found, expected)


def test_keys_as_weights(kernels: Any) -> None:
    """Scores of attention: keys packed on the cores, whose bias takes the queries' raise back."""
    q, k = kernels.integers((30, 64), np.int8), kernels.integers((50, 64), np.int8)
    packed, bias = kernels.output((50, 64), np.uint8), np.zeros(64, np.int32)
    keys = {"outputs": 50, "depth": 64, "multiplier": 1}
    kernels.call("ne16_pack_rows", 8, x=kernels.tile(raised(k)), y=packed, bias=bias, **keys)
    y = kernels.output((30, 50), np.int32)
    ones = {"multiplier": np.ones(64, np.uint8), "multiplier_bits": 8, "bias": bias}
    sizes = {"rows": 30, "columns": 50, "depth": 64, "weight_bits": 8, "y_type": "i32"}
    x = kernels.tile(raised(q))
    kernels.call("ne16_linear", 1, x=x, w=packed.read(), y=y, **ones, **sizes)
    np.testing.assert_array_equal(y.read(), q.astype(np.int32) @ k.T.astype(np.int32))


def test_values_as_weights(kernels: Any) -> None:
    """Weighted sums of attention: weights of softmax are unsigned as they are."""
    p, v = kernels.integers((30, 50), np.uint8), kernels.integers((50, 64), np.int8)
    packed = kernels.output((64, 64), np.uint8)
    values = {"x": kernels.tile(raised(v)), "outputs": 64, "depth": 50}
    kernels.call("ne16_pack_columns", 8, y=packed, **values)
    y = kernels.output((30, 64), np.int32)
    sizes = {"rows": 30, "columns": 64, "depth": 50, "weight_bits": 8, "y_type": "i32"}
    kernels.call("ne16_linear", 1, x=kernels.tile(p), w=packed.read(), y=y, **sizes)
    np.testing.assert_array_equal(y.read(), p.astype(np.int32) @ v.astype(np.int32))
