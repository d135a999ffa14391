"""Quantized weights with their requantization."""

import numpy as np
import pytest

from edgecomp.ir import DType, Quantization
from edgecomp.ir.fixed_point import requantize
from edgecomp.quantize.calibrate import Moments
from edgecomp.quantize.lower.product import QuantizedWeights, quantize_weights

X = Quantization(0.05, -7)


def outputs(quantized: QuantizedWeights, x: np.ndarray, dtype: DType) -> np.ndarray:
    acc = x.astype(np.int64) @ quantized.weights.astype(np.int64).T
    p = quantized.parameters
    return requantize(acc, p.multiplier, p.bias, p.shift, dtype)  # raises where int32 overflows


@pytest.mark.parametrize("columns", [1, 20, 768, 5000])
@pytest.mark.parametrize("dtype", [DType.I8, DType.I16])
def test_extreme_inputs_do_not_overflow(columns: int, dtype: DType) -> None:
    """The inputs that drive each accumulator to its two ends stay within int32."""
    rng = np.random.default_rng(columns)
    weights = rng.standard_normal((6, columns)) * np.logspace(-4, 1, 6)[:, None]
    weights[2] = 0.0
    bias = np.array([0.0, 1e7, -1e7, 3.0, 1e-9, -5.0])
    y = Quantization(0.02 if dtype is DType.I8 else 1e-2, 11 if dtype is DType.I8 else 0)
    quantized = quantize_weights(weights, bias, X, y)
    positive = quantized.weights > 0
    extremes = np.concatenate([np.where(positive, 127, -128), np.where(positive, -128, 127)])
    outputs(quantized, extremes, dtype)


def test_only_weight_rounding_is_lost() -> None:
    """Against the rounded weights the output is exact to a code: multipliers cost nothing."""
    rng = np.random.default_rng(1)
    weights, bias = rng.standard_normal((32, 192)), rng.standard_normal(32)
    x = rng.integers(-128, 128, (200, 192))
    y = Quantization(0.6, 3)
    quantized = quantize_weights(weights, bias, X, y)
    p = quantized.parameters
    scales = p.multiplier * y.scale / (X.scale * 2.0**p.shift)
    real = X.dequantize(x) @ (quantized.weights * scales[:, None]).T + bias
    got = outputs(quantized, x, DType.I8)
    assert (got == y.quantize(real, DType.I8)).mean() > 0.999
    assert np.abs(quantized.weights * scales[:, None] - weights).max() <= scales.max() * 0.501


def test_rows_use_the_codes_there_are() -> None:
    """Rows of very different size all come close to 127."""
    weights = np.random.default_rng(2).standard_normal((8, 64)) * np.logspace(-2, 0, 8)[:, None]
    quantized = quantize_weights(weights, np.zeros(8), X, Quantization(0.1))
    assert np.abs(quantized.weights).max(axis=1).min() >= 100


def test_zero_layer_gives_its_bias() -> None:
    """Weights of nothing but zeros leave the bias."""
    quantized = quantize_weights(np.zeros((2, 3)), np.array([1.0, -2.0]), X, Quantization(0.1))
    assert outputs(quantized, np.array([[127, -128, 5]]), DType.I8).tolist() == [[10, -20]]


def held_out_db(rows: np.ndarray, others: np.ndarray, fitted: bool) -> float:
    """SQNR on ``others`` of weights that were fitted to the moments of ``rows``, or rounded."""
    weights = np.random.default_rng(9).standard_normal((32, rows.shape[1]))
    moments = Moments(0, np.zeros(rows.shape[1]), np.zeros((rows.shape[1],) * 2))
    moments.add(rows)
    y = Quantization(0.01)
    quantized = quantize_weights(weights, np.zeros(32), X, y, moments if fitted else None)
    p = quantized.parameters
    scales = p.multiplier * y.scale / (X.scale * 2.0**p.shift)
    error = weights - quantized.weights * scales[:, None]
    lost = others @ error.T - (moments.mean @ error.T if fitted else 0.0)
    return float(10 * np.log10(np.square(others @ weights.T).sum() / np.square(lost).sum()))


@pytest.mark.parametrize(("count", "width"), [(16, 64), (64, 256), (256, 256), (1000, 256)])
def test_independent_channels_lose_next_to_nothing(count: int, width: int) -> None:
    """Correlations that only the calibration rows have are hardly fitted (5 dB if they were)."""
    rows, others = np.split(np.random.default_rng(count).standard_normal((2 * count, width)), 2)
    assert held_out_db(rows, others, True) > held_out_db(rows, others, False) - 0.6


@pytest.mark.parametrize("count", [64, 800])
def test_correlated_channels_gain(count: int) -> None:
    """More than 3 dB on other rows where a few directions hold most of the energy."""
    rng = np.random.default_rng(count)
    mixed = rng.standard_normal((2 * count, 16)) @ rng.standard_normal((16, 192))
    rows, others = np.split(mixed + 0.1 * rng.standard_normal(mixed.shape), 2)
    assert held_out_db(rows, others, True) > held_out_db(rows, others, False) + 3
