"""Weights, multipliers and biases of the layers with constant weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Quantization
from edgecomp.quantize import requant, rounding
from edgecomp.quantize.calibrate import Moments
from edgecomp.quantize.lower.context import UnsupportedError
from edgecomp.quantize.requant import Requantization

_LOW, _HIGH = -128, 127


@dataclass(frozen=True)
class QuantizedWeights:
    """int8 ``[N, K]`` weights with the requantization of their products."""

    weights: np.ndarray
    parameters: Requantization


def quantize_weights(
    weights: np.ndarray,
    bias: np.ndarray,
    x: Quantization,
    y: Quantization,
    moments: Moments | None = None,
    means: np.ndarray | None = None,
) -> QuantizedWeights:
    """Quantize rows ``[N, K]`` for int8 inputs ``x`` and outputs ``y``.

    Multipliers are rounded up first and the weight scales follow from them, so a multiplier is
    exact however few bits the accumulator leaves it; a row then uses slightly fewer codes. With
    ``moments`` of the input, weights are rounded for least output error. The error that the mean
    of the input would leave is added to the bias; the mean is that of the moments, or ``means``
    ``[K]`` or ``[N, K]``.
    """
    means = moments.mean if moments is not None else means
    weights = weights.astype(np.float64)
    nominal = _nominal_scales(weights)
    codes = np.abs(weights / nominal[:, None]).sum(axis=1)
    bound = np.minimum(codes * 1.01 + 1, 127.0 * weights.shape[1]) * 128
    offset = bias.astype(np.float64) / y.scale + y.zero_point
    reach = np.abs(offset) + bound * nominal * x.scale / y.scale
    shift = requant.largest_shift(nominal * x.scale / y.scale, reach, bound)
    covariance = moments.covariance if moments is not None else None
    while True:
        result = _at_shift(weights, offset, x, y, nominal, shift, means, covariance)
        low, high = requant.accumulator_range(result.weights, _LOW, _HIGH)
        bound = np.maximum(np.abs(low), np.abs(high)).astype(np.float64)
        parameters = result.parameters
        multiplier, bias_q = parameters.multiplier.astype(float), parameters.bias.astype(float)
        if requant.fits(multiplier, bias_q, bound, shift):
            return result
        if shift == 0:
            raise UnsupportedError(
                "its result was seen to be tiny against what its weights allow, so requantization "
                "does not fit 32 bits; check the weights, or calibrate with typical windows"
            )
        shift -= 1


def _at_shift(
    weights: np.ndarray,
    offset: np.ndarray,
    x: Quantization,
    y: Quantization,
    nominal: np.ndarray,
    shift: int,
    means: np.ndarray | None,
    covariance: np.ndarray | None,
) -> QuantizedWeights:
    unit = y.scale / (x.scale * 2.0**shift)
    multiplier = np.clip(np.ceil(nominal / unit), 1, requant.MAX_MULTIPLIER)
    scales = multiplier * unit
    rounded = rounding.round_weights(weights, scales, covariance)
    ratio = scales * x.scale / y.scale
    total = offset - x.zero_point * rounded.sum(axis=1, dtype=np.int64) * ratio
    if means is not None:
        lost = weights - rounded * scales[:, None]
        total = total + (lost * means).sum(axis=1) / y.scale
    low, high = requant.accumulator_range(rounded, _LOW, _HIGH)
    bound = np.maximum(np.abs(low), np.abs(high)).astype(np.float64)
    bias = np.clip(requant.rounded_bias(total, ratio, bound, shift), -requant.INT32, requant.INT32)
    return QuantizedWeights(
        rounded, Requantization(multiplier.astype(np.int32), bias.astype(np.int32), shift)
    )


def _nominal_scales(weights: np.ndarray) -> np.ndarray:
    """The scale at which the largest weight of a row is 127; rows of zeros get that of others."""
    largest = np.abs(weights).max(axis=1, initial=0.0)
    floor = max(float(largest.max(initial=0.0)) * 1e-6, 1e-30)
    return np.asarray(np.maximum(largest, floor) / rounding.LIMIT)
