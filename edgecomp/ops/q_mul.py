"""``q_mul(a, b)``: elementwise product with numpy broadcasting.

::

    a, b i8|i16[...]
    attributes: zero_a, zero_b, multiplier, bias, shift, dtype, scale, zero
    y = requantize((a - zero_a) * (b - zero_b), multiplier, bias, shift)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import Operator, register
from edgecomp.ir.stated import (
    broadcast_shape,
    require_range,
    require_types,
    stated_requantize,
    stated_type,
)
from edgecomp.ir.types import DType, TensorType


@register
class QMul(Operator):
    """Product of two integer tensors."""

    name = "q_mul"

    def infer(self, node: Node) -> list[TensorType]:
        """The broadcast shape, of the stated type."""
        require_types(node, (DType.I8, DType.I16), (DType.I8, DType.I16))
        require_range(node, "shift", 0, 31)
        return [stated_type(node, broadcast_shape(node))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        a = operands[0].astype(np.int64) - node.integer("zero_a")
        b = operands[1].astype(np.int64) - node.integer("zero_b")
        return [stated_requantize(node, a * b)]
