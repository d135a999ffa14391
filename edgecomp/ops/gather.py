"""``gather(x, indices) {axis}``: ``x`` taken at constant ``indices`` along one axis.

``indices`` is a constant i64 tensor of any rank with values in ``[0, size)``; its axes take the
place of ``axis`` in the result.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import DType, TensorType


@register
class Gather(Operator):
    """Selection of slices known at compile time."""

    name = "gather"

    def infer(self, node: Node) -> list[TensorType]:
        """``axis`` replaced by the axes of the indices; ``OperandError`` where they do not fit."""
        arity(node, 2)
        x, indices, axis = node.inputs[0].type, node.inputs[1], node.integer("axis")
        if not indices.is_constant or indices.type.dtype is not DType.I64:
            raise OperandError(f"gather needs constant i64 indices, got {indices}")
        if not 0 <= axis < x.rank:
            raise OperandError(f"gather along axis {axis} of {x}")
        if (
            indices.array.size
            and not 0 <= indices.array.min() <= indices.array.max() < x.shape[axis]
        ):
            raise OperandError(f"gather: indices leave axis {axis} of {x}")
        return [x.with_shape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``take(x, indices, axis)``."""
        return [np.take(operands[0], operands[1], axis=node.integer("axis"))]
