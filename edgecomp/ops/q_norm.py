"""``q_norm(x)``: the root of a sum of squares over axes.

::

    x i8[...]
    attributes: axes, keep, zero_x, fraction, multiplier, bias, shift, dtype, scale, zero

    s = sum((x - zero_x)^2) << 2 * fraction, below 2^32
    y = requantize(floor(sqrt(s)), multiplier, bias, shift)

The root has ``fraction`` bits behind the point, so that roots of small sums are told apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import reduced_shape
from edgecomp.ir.stated import require_range, require_types, stated_requantize, stated_type
from edgecomp.ir.types import DType, TensorType

MOST_FRACTION = 8


def largest_sum(count: int, zero: int) -> int:
    """The largest sum of ``count`` squares of int8 codes less ``zero``."""
    low, high = DType.I8.bounds
    return count * max(high - zero, zero - low) ** 2


@register
class QNorm(Operator):
    """Euclidean norm of an int8 tensor."""

    name = "q_norm"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of x without the axes (or with size 1 there), of the stated type."""
        require_types(node, (DType.I8,))
        require_range(node, "shift", 0, 31)
        require_range(node, "zero_x", *DType.I8.bounds)
        require_range(node, "fraction", 0, MOST_FRACTION)
        result, shape = reduced_shape(node), node.inputs[0].shape
        count = math.prod(shape[axis] for axis in node.integers("axes"))
        if largest_sum(count, node.integer("zero_x")) << 2 * node.integer("fraction") >= 1 << 32:
            raise OperandError(f"q_norm: sums of {count} squares do not fit 32 bits")
        return [stated_type(node, result)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        x = operands[0].astype(np.int64) - node.integer("zero_x")
        total = np.sum(x * x, axis=node.integers("axes"), keepdims=node.flag("keep"))
        lifted = np.asarray(total << 2 * node.integer("fraction"))
        return [stated_requantize(node, np.floor(np.sqrt(lifted)).astype(np.int64))]
