"""Integer arithmetic that the integer operators share; every function here defines bits.

All right shifts are arithmetic. A result that must fit int32 and does not raises
``OverflowError``: the kernels rely on it, so parameters that allow it are wrong.
"""

from __future__ import annotations

import math

import numpy as np

from edgecomp.ir.types import DType

INT32_MIN, INT32_MAX = DType.I32.bounds
RECIPROCAL_ONE = 0xFFFFFFFF
"""Numerator of the 32-bit reciprocal: ``reciprocal(n)`` is about ``2**32 / n``."""

EXPONENT_SPAN = math.log(510.0)
"""Largest distance below the row maximum that the softmax table resolves: there p is 0.5 / 255."""

SCORE_LIMIT = 1 << 24
"""No distance between int8 scores is larger while a head has at most 512 columns."""

MASKED_SCORE_LIMIT = 1 << 30
"""The limit where a bias masks keys: the end of the table is reached whatever a unit is worth."""

LAYER_NORM_Q = 10
"""Fraction bits of the normalised int16 value in front of a layer norm's gain."""


def saturate(values: np.ndarray, dtype: DType) -> np.ndarray:
    """``values`` clipped to the range of ``dtype`` and converted to it."""
    low, high = dtype.bounds
    clipped: np.ndarray = np.clip(values, low, high).astype(dtype.numpy)
    return clipped


def require_int32(values: np.ndarray, what: str) -> np.ndarray:
    """``values`` (int64), or ``OverflowError`` naming ``what`` where one leaves int32."""
    if values.size and (values.min() < INT32_MIN or values.max() > INT32_MAX):
        raise OverflowError(f"{what} spans [{values.min()}, {values.max()}], beyond int32")
    return values


def requantize(
    acc: np.ndarray,
    multiplier: np.ndarray | int,
    bias: np.ndarray | int,
    shift: int,
    dtype: DType,
) -> np.ndarray:
    """``clip((acc * multiplier + bias) >> shift)``; multiplier and bias broadcast to ``acc``."""
    product = acc.astype(np.int64) * np.asarray(multiplier, np.int64)
    total = require_int32(product + np.asarray(bias, np.int64), "acc * multiplier + bias")
    return saturate(total >> shift, dtype)


def exact_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b`` of integer arrays (at most 16 bits), exact, as int64 within int32.

    BLAS computes it: in float32 where every partial sum provably stays below 2**24, else in
    float64, whose 53 bits always suffice (2**15 * 2**15 * K with K < 2**22).
    """
    narrow = a.size == 0 or b.size == 0 or _partial_sum_bound(a, b) < 1 << 24
    kind = np.float32 if narrow else np.float64
    product = np.matmul(a.astype(kind), b.astype(kind))
    return require_int32(product.astype(np.int64), "sum of products")


def _partial_sum_bound(a: np.ndarray, b: np.ndarray) -> int:
    """An upper bound on the magnitude of every partial sum of ``a @ b``."""
    size_a, size_b = np.abs(a.astype(np.int32)), np.abs(b.astype(np.int32))
    by_rows = int(size_a.sum(axis=-1, dtype=np.int64).max()) * int(size_b.max())
    by_columns = int(size_b.sum(axis=-2, dtype=np.int64).max()) * int(size_a.max())
    return min(by_rows, by_columns)


def reciprocal(values: np.ndarray) -> np.ndarray:
    """``floor(0xFFFFFFFF / values)`` for ``values >= 1``, as int64."""
    quotient: np.ndarray = RECIPROCAL_ONE // values.astype(np.int64)
    return quotient


def rounded_sqrt(values: np.ndarray) -> np.ndarray:
    """The integer nearest to the square root of ``0 <= values < 2**32``, as int64."""
    root = np.floor(np.sqrt(values.astype(np.float64))).astype(np.int64)
    nearest: np.ndarray = root + (values - root * root > root)
    return nearest


def bit_length(values: np.ndarray) -> np.ndarray:
    """Number of bits of ``0 <= values < 2**63``; 0 for 0."""
    remaining = values.astype(np.int64)
    length = np.zeros(values.shape, np.int64)
    for step in (32, 16, 8, 4, 2, 1):
        large = remaining >= (1 << step)
        length += np.where(large, step, 0)
        remaining = np.where(large, remaining >> step, remaining)
    return length + (remaining > 0)


def shift_left(values: np.ndarray, amount: np.ndarray | int) -> np.ndarray:
    """``values << amount``, or an arithmetic right shift where ``amount`` is negative."""
    amount = np.asarray(amount)
    shifted: np.ndarray = (values << np.maximum(amount, 0)) >> np.maximum(-amount, 0)
    return shifted


# -- softmax ----------------------------------------------------------------------------------


def exponential_table() -> np.ndarray:
    """u8[256]: ``255 * exp(-distance)`` for distances in steps of ``EXPONENT_SPAN / 255``.

    Indices round down, so an entry holds the middle of its step; the first one holds distance 0,
    the row maximum itself.
    """
    steps = (np.arange(256) + 0.5) * (EXPONENT_SPAN / 255)
    steps[0] = 0
    table: np.ndarray = np.rint(255 * np.exp(-steps)).astype(np.uint8)
    return table


def exponential_steps(step: float) -> np.ndarray:
    """u8[256]: ``255 * exp(-distance)`` for distances ``0, step, 2 * step, ...``."""
    table: np.ndarray = np.rint(255 * np.exp(-step * np.arange(256))).astype(np.uint8)
    return table


def softmax_parameters(score_scale: float, masked: bool = False) -> tuple[int, int, int]:
    """``(limit, multiplier, shift)`` that map score distances to indices of the table.

    ``score_scale`` is the real value of one unit of score. ``limit * multiplier`` fits int32 and
    gives an index of at most 255. The limit is at most ``SCORE_LIMIT``. With ``masked`` it gives
    index 255 exactly, so that what lies so far below has weight 0, for units from 1e-8.
    """
    per_unit = score_scale * 255 / EXPONENT_SPAN
    if per_unit >= 255:
        return 1, 255, 0
    limit = min(math.ceil(255 / per_unit), MASKED_SCORE_LIMIT if masked else SCORE_LIMIT)
    shift = max(0, min(31, math.floor(math.log2(INT32_MAX / limit / per_unit))))
    multiplier = math.floor(per_unit * 2.0**shift)
    limit = min(limit, ((256 << shift) - 1) // multiplier)
    if masked and limit * multiplier >> shift < 255:
        last = -(-(255 << shift) // multiplier)
        if last * multiplier >> shift == 255:
            return last, multiplier, shift
        return limit, -(-(255 << shift) // limit), shift
    return limit, multiplier, shift


def softmax_weights(
    scores: np.ndarray, table: np.ndarray, limit: int, multiplier: int, shift: int
) -> np.ndarray:
    """Unnormalised softmax of the last axis, u8: ``table[(min(max - s, limit) * M) >> S]``."""
    wide = scores.astype(np.int64)
    distance = np.minimum(wide.max(axis=-1, keepdims=True) - wide, limit)
    weights: np.ndarray = table[(distance * multiplier) >> shift]
    return weights


# -- layer norm -------------------------------------------------------------------------------


def layer_norm_parameters(width: int, scale: float) -> tuple[int, int]:
    """``(multiplier, shift)`` of a layer norm over ``width`` values with output step ``scale``.

    ``multiplier / 2**shift = sqrt(width) / scale`` with the multiplier in [2**29, 2**30).
    """
    ratio = math.sqrt(width) / scale
    shift = 29 - math.floor(math.log2(ratio))
    multiplier = round(ratio * 2.0**shift)
    return (multiplier, shift) if multiplier < 1 << 30 else (multiplier >> 1, shift - 1)
