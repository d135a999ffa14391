"""ec_layer_norm against q_layer_norm, and q_layer_norm against the float function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgecomp.ir import OperandError
from edgecomp.ir.fixed_point import LAYER_NORM_Q, layer_norm_parameters

TYPES = {np.int8: "i8", np.uint8: "u8", np.int16: "i16"}


def parameters(width: int, scale: float, epsilon_q8: int = 0) -> dict[str, int]:
    multiplier, shift = layer_norm_parameters(width, scale)
    return {"multiplier": multiplier, "shift": shift, "epsilon_q8": epsilon_q8}


def call(kernels: Any, cores: int, x: np.ndarray, dtype: Any, **fields: Any) -> np.ndarray:
    y = kernels.output(x.shape, dtype, 2)
    kernels.call(
        "layer_norm",
        cores,
        x=kernels.tile(x, 3),
        y=y,
        rows=x.shape[0],
        columns=x.shape[1],
        x_type=TYPES[x.dtype.type],
        y_type=TYPES[dtype],
        **fields,
    )
    return y.read()


def rows_of_all_kinds(kernels: Any, width: int, dtype: Any) -> np.ndarray:
    """Constant, nearly constant, one outlier, both ends, and noise of every size."""
    info = np.iinfo(dtype)
    rows = [np.full(width, value) for value in (info.min, -1, 0, info.max)]
    for value in (info.min, 0, info.max - 1):
        rows.append(np.full(width, value))
        rows[-1][-1] += 1
    rows.append(np.where(np.arange(width) % 2, info.min, info.max))
    rows.append(np.where(np.arange(width) == 0, info.min, info.max))
    for size in (2, 9, 77, 1000, 2000, 3500, 6000, 20000):
        centre = kernels.random.integers(info.min, info.max)
        noise = kernels.random.normal(centre, size, width)
        rows.append(np.clip(noise, info.min, info.max))
    return np.array(rows).astype(dtype)


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("dtype", [np.int8, np.int16])
@pytest.mark.parametrize("width", [1, 2, 16, 48, 192, 255, 256, 1024, 4097])
def test_kernel(kernels: Any, width: int, dtype: Any, cores: int) -> None:
    """Rows of every kind, widths on both sides of the powers of four."""
    x = rows_of_all_kinds(kernels, width, dtype)
    p = parameters(width, 1 / 16, 300)
    expected = kernels.evaluate("q_layer_norm", [x], **p, dtype="i8", zero=-5)
    np.testing.assert_array_equal(call(kernels, cores, x, np.int8, zero=-5, **p), expected)
    raised = call(kernels, cores, x, np.uint8, zero=123, **p)
    np.testing.assert_array_equal(raised.astype(np.int16) - 128, expected)
    fine = parameters(width, 1 / 2000)
    expected = kernels.evaluate("q_layer_norm", [x], **fine, dtype="i16")
    np.testing.assert_array_equal(call(kernels, cores, x, np.int16, **fine), expected)


@pytest.mark.parametrize(("dtype", "zero"), [(np.int8, -128), (np.int8, 5), (np.int16, 0)])
@pytest.mark.parametrize("width", [1, 192, 1024])
def test_kernel_of_the_mean_square(kernels: Any, width: int, dtype: Any, zero: int) -> None:
    """The zero point takes the place of the mean; a row of it has no size."""
    x = rows_of_all_kinds(kernels, width, dtype)
    x[0] = zero
    p = parameters(width, 1 / 16, 300) | {"rms": 1, "x_zero": zero}
    expected = kernels.evaluate("q_layer_norm", [x], **p, dtype="i8", zero=-5)
    np.testing.assert_array_equal(call(kernels, 8, x, np.int8, zero=-5, **p), expected)
    assert (expected[0] == -5).all()


def test_accuracy_of_the_mean_square(kernels: Any) -> None:
    """The mean stays."""
    x = np.random.default_rng(1).normal(300, 500, (64, 192)).astype(np.int16)
    exact = x / np.sqrt((x.astype(np.float64) ** 2).mean(-1, keepdims=True))
    p = parameters(192, 1 / 2000) | {"rms": True}
    y = kernels.evaluate("q_layer_norm", [x], **p, dtype="i16") / 2000
    assert sqnr(exact, y) > 60


@pytest.mark.parametrize("epsilon_q8", [0, 1, 1 << 20, (1 << 31) - 1])
def test_kernel_with_epsilon(kernels: Any, epsilon_q8: int) -> None:
    """From none to one that swallows the signal."""
    x = rows_of_all_kinds(kernels, 65536, np.int16)
    p = parameters(65536, 1 / 100, epsilon_q8)
    expected = kernels.evaluate("q_layer_norm", [x], **p, dtype="i16")
    np.testing.assert_array_equal(call(kernels, 8, x, np.int16, **p), expected)


@pytest.mark.parametrize("scale", [1 / 30000, 1.0, 1e3, 1e8])
def test_kernel_with_any_scale(kernels: Any, scale: float) -> None:
    """Outputs that saturate, and outputs that all round to 0."""
    x = rows_of_all_kinds(kernels, 192, np.int16)
    p = parameters(192, scale)
    expected = kernels.evaluate("q_layer_norm", [x], **p, dtype="i16")
    np.testing.assert_array_equal(call(kernels, 8, x, np.int16, **p), expected)


@pytest.mark.parametrize("target", [np.int8, np.uint8, np.int16])
@pytest.mark.parametrize("width", [5, 64, 192])
def test_kernel_with_gain(kernels: Any, width: int, target: Any) -> None:
    """Gains of both signs in 16 bits behind ten fraction bits."""
    x = rows_of_all_kinds(kernels, width, np.int16)
    gain = kernels.integers(width, np.int16)
    offset = kernels.random.integers(-(1 << 29), 1 << 29, width).astype(np.int32)
    p = parameters(width, 2.0**-LAYER_NORM_Q) | {"gain_shift": 13 if target == np.int16 else 21}
    operands = [x, gain, offset]
    dtype = {np.int8: "i8", np.uint8: "u8", np.int16: "i16"}[target]
    expected = kernels.evaluate("q_layer_norm", operands, **p, affine=True, dtype=dtype)
    y = call(kernels, 8, x, target, gain=gain, offset=offset, **p)
    np.testing.assert_array_equal(y, expected)


def sqnr(exact: np.ndarray, actual: np.ndarray) -> float:
    return float(10 * np.log10((exact**2).sum() / ((actual - exact) ** 2).sum()))


@pytest.mark.parametrize("outlier", [0, 10])
@pytest.mark.parametrize("deviation", [3, 100, 8000])
@pytest.mark.parametrize("width", [48, 192, 200, 512, 1024])
def test_accuracy(kernels: Any, width: int, deviation: int, outlier: int) -> None:
    """At least 60 dB to the float function in 16 bits, with an outlying channel too."""
    rng = np.random.default_rng(width)
    x = rng.normal(rng.normal(0, deviation, (64, 1)), deviation, (64, width))
    x[:, 1] += outlier * deviation
    x = np.clip(np.rint(x), -32768, 32767).astype(np.int16)
    epsilon = 0.01 * deviation**2
    centred = x - x.mean(-1, keepdims=True)
    exact = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
    p = parameters(width, 1 / 2000, min(round(epsilon * 256), (1 << 31) - 1))
    y = kernels.evaluate("q_layer_norm", [x], **p, dtype="i16") / 2000
    assert sqnr(exact, y) > 60


def test_accuracy_with_gain(kernels: Any) -> None:
    """Gain and bias of a trained layer, 16-bit output."""
    rng = np.random.default_rng(3)
    x = rng.normal(50, 700, (64, 192)).astype(np.int16)
    gain, bias = rng.uniform(0.2, 3, 192), rng.normal(0, 1, 192)
    exact = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True) * gain + bias
    scale = np.abs(exact).max() / 32767
    shift = 11
    integer_gain = (
        np.rint(gain / scale / 2**LAYER_NORM_Q * 2**shift).clip(-32768, 32767).astype(np.int16)
    )
    offset = np.rint((bias / scale + 0.5) * 2**shift).astype(np.int32)
    p = parameters(192, 2.0**-LAYER_NORM_Q) | {"gain_shift": shift, "affine": True}
    y = kernels.evaluate("q_layer_norm", [x, integer_gain, offset], **p, dtype="i16") * scale
    assert sqnr(exact, y) > 60


def test_constant_rows_are_zero(kernels: Any) -> None:
    """No variance, no epsilon: the zero point, not a division by zero."""
    x = np.full((2, 192), -32768, np.int16)
    y = kernels.evaluate("q_layer_norm", [x], **parameters(192, 0.05), dtype="i8", zero=7)
    assert (y == 7).all()


def test_an_unnormalised_multiplier_is_refused(kernels: Any) -> None:
    """The multiplier carries the precision, so it must use its 30 bits."""
    x = np.zeros((2, 8), np.int8)
    with pytest.raises(OperandError, match="multiplier"):
        kernels.evaluate("q_layer_norm", [x], multiplier=5, shift=9, epsilon_q8=0, dtype="i8")
