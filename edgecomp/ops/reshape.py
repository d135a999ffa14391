"""``reshape(x) {shape}``: the same elements in row-major order under another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import TensorType


@register
class Reshape(Operator):
    """Change of shape; moves no data."""

    name = "reshape"

    def infer(self, node: Node) -> list[TensorType]:
        """The stated shape; ``OperandError`` where the number of elements differs."""
        arity(node, 1)
        x, shape = node.inputs[0].type, node.integers("shape")
        if min(shape, default=0) < 0 or math.prod(shape) != x.size:
            raise OperandError(f"reshape of {x} to {shape}")
        return [x.with_shape(shape)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``x`` in the new shape."""
        return [operands[0].reshape(node.integers("shape"))]
