"""``mul(a, b)``: elementwise product with numpy broadcasting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import Operator, register
from edgecomp.ir.shapes import arity, broadcast
from edgecomp.ir.types import TensorType


@register
class Mul(Operator):
    """Product of two tensors."""

    name = "mul"
    commutative = True

    def infer(self, node: Node) -> list[TensorType]:
        """The broadcast shape of the operands."""
        arity(node, 2)
        return [broadcast(node)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``a * b``."""
        return [np.asarray(operands[0] * operands[1])]
