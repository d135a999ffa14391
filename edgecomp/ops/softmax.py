"""``softmax(x) {axis}``: exponentials along one axis, divided by their sum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import DType, TensorType


@register
class Softmax(Operator):
    """Normalised exponentials; the maximum is subtracted first."""

    name = "softmax"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of the operand."""
        arity(node, 1)
        x, axis = node.inputs[0].type, node.integer("axis")
        if x.dtype is not DType.F32 or not 0 <= axis < x.rank:
            raise OperandError(f"softmax along axis {axis} of {x}")
        return [x]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``exp(x - max) / sum(exp(x - max))``."""
        x, axis = operands[0], node.integer("axis")
        powers = np.exp(x - x.max(axis=axis, keepdims=True))
        return [powers / powers.sum(axis=axis, keepdims=True)]
