"""``add(a, b)``: elementwise sum with numpy broadcasting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import Operator, register
from edgecomp.ir.shapes import broadcast
from edgecomp.ir.types import TensorType


@register
class Add(Operator):
    """Sum of two tensors."""

    name = "add"
    commutative = True

    def infer(self, node: Node) -> list[TensorType]:
        """The broadcast shape of the operands."""
        return [broadcast(node)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``a + b``."""
        return [operands[0] + operands[1]]
