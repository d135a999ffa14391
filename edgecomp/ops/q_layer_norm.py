"""``q_layer_norm(x[, gain, offset])``: normalisation of the last axis to zero mean, unit variance.

With ``rms`` the mean stays, and the mean square becomes one.

::

    x i8|i16[..., D], gain i16[D], offset i32[D]
    attributes: epsilon_q8, multiplier, shift, affine = false, gain_shift (if affine), rms = false,
        x_zero = 0 (with rms), dtype, scale, zero

    y = saturate(round(n / scale) + zero)                                           not affine
    y = requantize(n10, gain, offset, gain_shift), n10 = saturate16(round(n * 1024))    affine

n is the normalised value; ``multiplier / 2**shift = sqrt(D) / scale`` (scale = 1/1024 if affine)
with the multiplier in [2**29, 2**30): ``fixed_point.layer_norm_parameters`` gives both.
``epsilon_q8 = round(256 * epsilon / x.scale**2)``: units of the squared step of x, 8 fraction bits.
The zero point of x cancels, or is x_zero with rms. Exactly, for each row (D <= 2**16, or 2**17 for
i8; divisions round down):

    mean, rest = sum(x) divmod D, with rms x_zero, 0   m = max(max(x) - mean, mean - min(x))
    f = 15 - bit_length(m)                             y as for n = 0 where m is 0
    c = ((x - mean) << f) - (((rest << f) + D/2) / D)  (x - mean) >> 1 where f is -1; c fits int16
    g = the smallest with D << 2 * (15 - g) < 2**32
    e = min(shift_left(epsilon_q8 * D, 2 * (f - g) - 8), 2**62)
    t = sum(((c + (1 << g >> 1)) >> g)**2) + e
    s * 2**h = sqrt(t), s = round(sqrt(t >> 2 * h)) with t >> 2 * h in [2**30, 2**32)
    r, k = (multiplier + s / 2) / s, shift + g + h     r >>= k - 30 and k = 30 where k is larger
    n / scale = (c * r + (1 << k >> 1)) >> k           within int32: |c| <= 2**15, r <= 2**15

Inner loops need 16-bit differences, 32-bit products and no division. Relative error below 2**-13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgecomp.ir.fixed_point import (
    INT32_MAX,
    bit_length,
    requantize,
    rounded_sqrt,
    saturate,
    shift_left,
)
from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.stated import (
    flag,
    optional_integer,
    require_range,
    require_shape,
    require_types,
    stated_type,
)
from edgecomp.ir.types import DType, TensorType

_EPSILON_LIMIT = 1 << 62
_MAX_SHIFT = 30
_CONSTANT_ROW = 15
"""The value of f where all of a row is equal: c is 0 there, and so is n."""


def _centred(x: np.ndarray, centre: int | None) -> tuple[np.ndarray, np.ndarray]:
    """``c`` and ``f`` of the module's heading; all of a constant row's ``c`` is 0.

    ``centre`` takes the place of the mean.
    """
    width = x.shape[-1]
    mean, rest = np.divmod(x.sum(axis=-1, keepdims=True, dtype=np.int64), width)
    if centre is not None:
        mean, rest = np.full_like(mean, centre), np.zeros_like(rest)
    centred = x.astype(np.int64) - mean
    exponent = 15 - bit_length(np.abs(centred).max(axis=-1, keepdims=True))
    left = np.maximum(exponent, 0)
    fraction = ((rest << left) + width // 2) // width
    return np.where(exponent < 0, centred >> 1, (centred << left) - fraction), exponent


def square_shift(width: int) -> int:
    """``g`` of the module's heading: keeps the sum of ``width`` squares below 2**32."""
    return next(g for g in range(16) if width << 2 * (15 - g) < 1 << 32)


def _row_scale(
    c: np.ndarray, exponent: np.ndarray, epsilon_q8: int, multiplier: int, shift: int
) -> tuple[np.ndarray, np.ndarray]:
    """``r`` and ``k`` of the module's heading."""
    width = c.shape[-1]
    g = square_shift(width)
    squares = (((c + (1 << g >> 1)) >> g) ** 2).sum(axis=-1, keepdims=True)
    t = squares + _epsilon(epsilon_q8 * width, 2 * (exponent - g) - 8)
    t = np.where(exponent == _CONSTANT_ROW, 1 << 30, t)
    h = (bit_length(t) - 31) >> 1
    s = rounded_sqrt(shift_left(t, -2 * h))
    r, k = (multiplier + (s >> 1)) // s, shift + g + h
    return r >> np.clip(k - _MAX_SHIFT, 0, 31), np.minimum(k, _MAX_SHIFT)


def _epsilon(value: int, amount: np.ndarray) -> np.ndarray:
    """``min(shift_left(value, amount), 2**62)``; ``amount`` is in [-28, 22]."""
    shifted = [min(value << a if a >= 0 else value >> -a, _EPSILON_LIMIT) for a in range(-28, 23)]
    selected: np.ndarray = np.array(shifted, np.int64)[amount + 28]
    return selected


@dataclass(frozen=True)
class Normalization:
    """The attributes of a normalisation without gain."""

    epsilon_q8: int
    multiplier: int
    shift: int
    zero: int
    rms: bool
    x_zero: int

    @classmethod
    def of(cls, node: Node, prefix: str = "") -> Normalization:
        """Those of ``node`` whose names begin with ``prefix``."""
        return cls(
            epsilon_q8=node.integer(f"{prefix}epsilon_q8"),
            multiplier=node.integer(f"{prefix}multiplier"),
            shift=node.integer(f"{prefix}shift"),
            zero=optional_integer(node, f"{prefix}zero"),
            rms=flag(node, f"{prefix}rms"),
            x_zero=optional_integer(node, f"{prefix}x_zero"),
        )

    def apply(self, x: np.ndarray, dtype: DType) -> np.ndarray:
        """``saturate(round(n / scale) + zero)`` of the module's heading."""
        return saturate(self.rounded(x) + self.zero, dtype)

    def rounded(self, x: np.ndarray) -> np.ndarray:
        """``round(n / scale)``, int64."""
        c, exponent = _centred(x, self.x_zero if self.rms else None)
        r, k = _row_scale(c, exponent, self.epsilon_q8, self.multiplier, self.shift)
        if k.size and k.min() < 1:
            raise OverflowError(f"q_layer_norm: shift {k.min()} of a row is below 1")
        rounded: np.ndarray = (c * r + (1 << k >> 1)) >> k
        return rounded


def require_normalization(node: Node, x: TensorType, prefix: str = "") -> None:
    """``OperandError`` where attributes, or the width of x, are out of range."""
    limit = 1 << (17 if x.dtype == DType.I8 else 16)
    if not x.shape or not 1 <= x.shape[-1] <= limit:
        raise OperandError(f"{node.op}: the last axis of {x} is not in [1, {limit}]")
    require_range(node, f"{prefix}epsilon_q8", 0, INT32_MAX)
    require_range(node, f"{prefix}multiplier", 1 << 29, (1 << 30) - 1)
    require_range(node, f"{prefix}shift", 6, 60)
    low, high = x.dtype.bounds
    if not low <= optional_integer(node, f"{prefix}x_zero") <= high:
        raise OperandError(f"{node.op}: {prefix}x_zero is no {x.dtype.value}")


@register
class QLayerNorm(Operator):
    """Integer layer normalisation, with or without gain and offset."""

    name = "q_layer_norm"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of x, of the stated type."""
        affine = flag(node, "affine")
        extra = [(DType.I16,), (DType.I32,)] if affine else []
        require_types(node, (DType.I8, DType.I16), *extra)
        x = node.inputs[0].type
        require_normalization(node, x)
        if affine:
            require_shape(node, 1, x.shape[-1:])
            require_shape(node, 2, x.shape[-1:])
            require_range(node, "gain_shift", 0, 31)
        return [stated_type(node, x.shape)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        dtype = node.output.type.dtype
        normalization = Normalization.of(node)
        if not flag(node, "affine"):
            return [normalization.apply(operands[0], dtype)]
        n = normalization.rounded(operands[0])
        gain, offset = operands[1:]
        return [requantize(saturate(n, DType.I16), gain, offset, node.integer("gain_shift"), dtype)]
