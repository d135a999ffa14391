"""``concat(x0, x1, ...) {axis}``: tensors joined along one axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.types import TensorType


@register
class Concat(Operator):
    """Concatenation of one or more tensors of one element type and quantization."""

    name = "concat"

    def infer(self, node: Node) -> list[TensorType]:
        """The joined shape; ``OperandError`` where types or other sizes differ."""
        axis = node.integer("axis")
        types = [value.type for value in node.inputs]
        if not types or not 0 <= axis < types[0].rank:
            raise OperandError(f"concat of {types} along axis {axis}")
        first = types[0]
        for other in types:
            if other.rank != first.rank or _at(other, axis, 0) != _at(first, axis, 0):
                raise OperandError(f"concat along axis {axis}: {first} and {other} do not fit")
        return [_at(first, axis, sum(t.shape[axis] for t in types))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The operands one after another along ``axis``."""
        return [np.concatenate(operands, axis=node.integer("axis"))]


def _at(type: TensorType, axis: int, size: int) -> TensorType:
    """``type`` with ``size`` along ``axis``."""
    return type.with_shape((*type.shape[:axis], size, *type.shape[axis + 1 :]))
