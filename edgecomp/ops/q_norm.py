"""``q_norm(x[, table])``: the root of a sum of squares over axes, or a function of it.

::

    x i8|i16[...], table i8|u8[384]
    attributes: axes, keep, zero_x, drop = 0, fraction, dtype, scale, zero, and without a table
        multiplier, bias, shift

    d = (x - zero_x + (1 << drop >> 1)) >> drop
    r = floor(sqrt(sum(d^2) << 2 * fraction)), of a number below 2^32
    y = requantize(r, multiplier, bias, shift)
    y = table[(e << 5) + (r >> e)], e = max(0, position of the highest bit of r - 5)

The root has ``fraction`` bits behind the point, so that roots of small sums are told apart. An
index of the table is a small floating-point number: every octave of r has 32 entries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgecomp.ir.fixed_point import bit_length
from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import reduced_shape
from edgecomp.ir.stated import (
    optional_integer,
    require_range,
    require_shape,
    require_types,
    stated_requantize,
    stated_type,
)
from edgecomp.ir.types import DType, TensorType

MOST_FRACTION, MOST_DROP = 8, 15
LIMIT = 1 << 32
"""Of shifted sums."""

_MANTISSA = 5
ENTRIES = (16 - _MANTISSA + 1) << _MANTISSA
"""Of a table: for roots of up to 16 bits."""


def largest_sum(count: int, dtype: DType, zero: int, drop: int) -> int:
    """The largest sum of ``count`` squares of codes less ``zero``, ``drop`` bits shorter."""
    low, high = dtype.bounds
    half = 1 << drop >> 1
    return count * (max(high - zero, zero - low) + half >> drop) ** 2


def index_of(root: np.ndarray) -> np.ndarray:
    """The entry of a table for roots [0, 2^16), int64."""
    exponent = np.maximum(bit_length(root) - _MANTISSA - 1, 0)
    return np.asarray((exponent << _MANTISSA) + (root >> exponent))


def roots_of_entries() -> np.ndarray:
    """The middle of the roots that share an entry, float64 [384]."""
    roots = np.arange(1 << 16)
    entries = index_of(roots)
    middle = np.bincount(entries, roots, ENTRIES) / np.bincount(entries, minlength=ENTRIES) + 0.5
    middle[0] = 0
    return np.asarray(middle)


@register
class QNorm(Operator):
    """Euclidean norm of an integer tensor."""

    name = "q_norm"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of x without the axes (or with size 1 there), of the stated type."""
        tables = [(DType.I8, DType.U8)] * (len(node.inputs) > 1)
        require_types(node, (DType.I8, DType.I16), *tables)
        x = node.inputs[0].type
        require_range(node, "zero_x", *x.dtype.bounds)
        require_range(node, "fraction", 0, MOST_FRACTION)
        drop = optional_integer(node, "drop")
        if not 0 <= drop <= MOST_DROP:
            raise OperandError(f"q_norm: drop = {drop}")
        result = stated_type(node, reduced_shape(node))
        count = math.prod(x.shape[axis] for axis in node.integers("axes"))
        largest = largest_sum(count, x.dtype, node.integer("zero_x"), drop)
        if largest << 2 * node.integer("fraction") >= LIMIT:
            raise OperandError(f"q_norm: sums of {count} squares do not fit 32 bits")
        if tables:
            require_shape(node, 1, (ENTRIES,))
            if node.inputs[1].type.dtype is not result.dtype:
                raise OperandError("q_norm gives what its table holds")
        else:
            require_range(node, "shift", 0, 31)
        return [result]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        drop, axes = optional_integer(node, "drop"), node.integers("axes")
        distance = operands[0].astype(np.int64) - node.integer("zero_x")
        short = (distance + (1 << drop >> 1)) >> drop
        total = np.sum(short * short, axis=axes, keepdims=node.flag("keep"))
        root = np.floor(np.sqrt(np.asarray(total << 2 * node.integer("fraction"))))
        if len(operands) > 1:
            return [operands[1][index_of(root.astype(np.int64))]]
        return [stated_requantize(node, root.astype(np.int64))]
