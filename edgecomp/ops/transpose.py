"""``transpose(x) {permutation}``: axis ``i`` of the result is axis ``permutation[i]`` of x."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import TensorType


@register
class Transpose(Operator):
    """Permutation of the axes."""

    name = "transpose"

    def infer(self, node: Node) -> list[TensorType]:
        """The permuted shape; ``OperandError`` where the attribute is no permutation."""
        arity(node, 1)
        x, permutation = node.inputs[0].type, node.integers("permutation")
        if sorted(permutation) != list(range(x.rank)):
            raise OperandError(f"transpose: {permutation} does not permute the axes of {x}")
        return [x.with_shape(tuple(x.shape[axis] for axis in permutation))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``x`` with its axes permuted."""
        return [np.asarray(operands[0].transpose(node.integers("permutation")), order="C")]
