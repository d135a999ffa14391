"""``q_add(a, b)``: weighted sum of two tensors with numpy broadcasting.

::

    a, b i8|i16[...]
    attributes: multiplier_a, multiplier_b, bias, shift, dtype, scale, zero
    y = clip((a * multiplier_a + b * multiplier_b + bias) >> shift)          the sum within int32

Multipliers may be negative: a difference is an addition. With both 1, bias 0 and shift 0 this is
the saturating addition of the residual stream.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.fixed_point import requantize
from edgecomp.ir.graph import Node
from edgecomp.ir.operator import Operator, register
from edgecomp.ir.stated import broadcast_shape, require_range, require_types, stated_type
from edgecomp.ir.types import DType, TensorType


@register
class QAdd(Operator):
    """Sum of two integer tensors of any scales."""

    name = "q_add"

    def infer(self, node: Node) -> list[TensorType]:
        """The broadcast shape, of the stated type."""
        require_types(node, (DType.I8, DType.I16), (DType.I8, DType.I16))
        require_range(node, "shift", 0, 31)
        return [stated_type(node, broadcast_shape(node))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        a = operands[0].astype(np.int64) * node.integer("multiplier_a")
        b = operands[1].astype(np.int64) * node.integer("multiplier_b")
        bias, shift = node.integer("bias"), node.integer("shift")
        return [requantize(a + b, 1, bias, shift, node.output.type.dtype)]
