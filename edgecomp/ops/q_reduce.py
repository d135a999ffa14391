"""``q_reduce(x)``: mean, sum, maximum or minimum over axes.

::

    x i8|i16[...]
    attributes: function = mean|sum|max|min, axes, keep, multiplier, bias, shift,
        pre_shift = 0, dtype, scale, zero

    y = requantize(round_shift(reduced), multiplier, bias, shift)
    round_shift(a) = (a + (1 << pre_shift >> 1)) >> pre_shift

Sums are in int32; max and min are of x itself. The shift of a large sum leaves its multiplier bits.

A mean is the sum with 1 / count as part of the multiplier: mean and sum give the same bits.
``keep`` leaves the reduced axes with size 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.fixed_point import require_int32
from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import reduced_shape
from edgecomp.ir.stated import (
    pre_shifted,
    require_pre_shift,
    require_range,
    require_types,
    stated_requantize,
    stated_type,
)
from edgecomp.ir.types import DType, TensorType


@register
class QReduce(Operator):
    """Reduction of an integer tensor."""

    name = "q_reduce"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of x without the axes (or with size 1 there), of the stated type."""
        require_types(node, (DType.I8, DType.I16))
        require_range(node, "shift", 0, 31)
        require_pre_shift(node)
        if node.text("function") not in ("mean", "sum", "max", "min"):
            raise OperandError(f"q_reduce cannot compute {node.text('function')}")
        return [stated_type(node, reduced_shape(node))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        wide, axes, keep = operands[0].astype(np.int64), node.integers("axes"), node.flag("keep")
        functions = {"max": np.max, "min": np.min}
        function = functions.get(node.text("function"), np.sum)
        reduced = require_int32(np.asarray(function(wide, axis=axes, keepdims=keep)), "sum")
        return [stated_requantize(node, pre_shifted(node, reduced))]
