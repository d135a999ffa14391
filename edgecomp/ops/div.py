"""``div(a, b)``: elementwise quotient with numpy broadcasting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import Operator, register
from edgecomp.ir.shapes import arity, broadcast
from edgecomp.ir.types import TensorType


@register
class Div(Operator):
    """Quotient of two tensors; a division by zero gives what IEEE 754 says."""

    name = "div"

    def infer(self, node: Node) -> list[TensorType]:
        """The broadcast shape of the operands."""
        arity(node, 2)
        return [broadcast(node)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``a / b``."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            quotient = operands[0] / operands[1]
        return [np.asarray(quotient, dtype=operands[0].dtype)]
