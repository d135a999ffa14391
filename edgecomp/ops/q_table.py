"""``q_table(x, table)``: a unary function of an 8-bit value as a table.

::

    x i8[...], table i8|u8[256]        attributes: dtype (that of the table), scale, zero
    y = table[x + 128]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.stated import require_shape, require_types, stated_type
from edgecomp.ir.types import DType, TensorType


@register
class QTable(Operator):
    """Any function of one int8 value."""

    name = "q_table"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of x, in the type of the table."""
        require_types(node, (DType.I8,), (DType.I8, DType.U8))
        require_shape(node, 1, (256,))
        result = stated_type(node, node.inputs[0].shape)
        if result.dtype != node.inputs[1].type.dtype:
            raise OperandError("q_table gives what its table holds")
        return [result]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``table[x + 128]``."""
        return [operands[1][operands[0].astype(np.int64) + 128]]
