"""``q_requantize(x)``: another scale, zero point or element type.

::

    x i8|u8|i16|i32[...]           attributes: multiplier, bias, shift, dtype, scale, zero
    y = requantize(x, multiplier, bias, shift)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import Operator, register
from edgecomp.ir.stated import require_range, require_types, stated_requantize, stated_type
from edgecomp.ir.types import DType, TensorType


@register
class QRequantize(Operator):
    """The requantization rule on a whole tensor."""

    name = "q_requantize"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of x, of the stated type."""
        require_types(node, (DType.I8, DType.U8, DType.I16, DType.I32))
        require_range(node, "shift", 0, 31)
        return [stated_type(node, node.inputs[0].shape)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``requantize(x, multiplier, bias, shift)``."""
        return [stated_requantize(node, operands[0])]
