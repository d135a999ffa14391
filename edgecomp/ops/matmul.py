"""``matmul(a[..,M,K], b[..,K,N]) -> [..,M,N]``: matrix product, leading axes broadcast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import DType, TensorType


@register
class MatMul(Operator):
    """Product of two stacks of matrices, both of rank 2 or more."""

    name = "matmul"

    def infer(self, node: Node) -> list[TensorType]:
        """``[..,M,N]``; ``OperandError`` where the inner or leading sizes do not fit."""
        arity(node, 2)
        a, b = (value.type for value in node.inputs)
        if a.dtype is not DType.F32 or b.dtype is not DType.F32:
            raise OperandError(f"matmul takes f32, got {a} and {b}")
        if a.rank < 2 or b.rank < 2 or a.shape[-1] != b.shape[-2]:
            raise OperandError(f"matmul cannot multiply {a} by {b}")
        try:
            stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            raise OperandError(f"matmul: leading axes of {a} and {b} do not broadcast") from None
        return [TensorType((*(int(s) for s in stack), a.shape[-2], b.shape[-1]), DType.F32)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``a @ b``."""
        return [np.matmul(operands[0], operands[1])]

    def macs(self, node: Node) -> int:
        """One per element of the result and of the inner axis."""
        return node.output.type.size * node.inputs[0].shape[-1]
