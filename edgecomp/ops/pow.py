"""``pow(a, b)``: elementwise power with numpy broadcasting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import Operator, register
from edgecomp.ir.shapes import arity, broadcast
from edgecomp.ir.types import TensorType


@register
class Pow(Operator):
    """First tensor to the power of the second; NaN where the real power does not exist."""

    name = "pow"

    def infer(self, node: Node) -> list[TensorType]:
        """The broadcast shape of the operands."""
        arity(node, 2)
        return [broadcast(node)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``a ** b``."""
        with np.errstate(all="ignore"):
            return [np.asarray(np.power(operands[0], operands[1]))]
