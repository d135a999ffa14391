"""``linear(x[..., K], w[N, K], b[N])``: a matrix product with a bias, on the last axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import DType, TensorType


@register
class Linear(Operator):
    """``y[..., n] = sum_k x[..., k] * w[n, k] + b[n]``; the bias is always there."""

    name = "linear"

    def infer(self, node: Node) -> list[TensorType]:
        """``[..., N]``."""
        arity(node, 3)
        x, w, b = (value.shape for value in node.inputs)
        if any(value.type.dtype is not DType.F32 for value in node.inputs):
            raise OperandError("linear takes f32 operands")
        if not x or len(w) != 2 or x[-1] != w[1] or b != (w[0],):
            raise OperandError(f"linear: x {x}, w {w} and b {b} do not fit together")
        return [TensorType((*x[:-1], w[0]), DType.F32)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``x @ w.T + b``."""
        x, w, b = operands
        return [np.asarray(x @ w.T + b, np.float32)]

    def macs(self, node: Node) -> int:
        """Rows x N x K."""
        return node.output.type.size * node.inputs[1].shape[1]
