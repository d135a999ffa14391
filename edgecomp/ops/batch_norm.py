"""``batch_norm(x[N,C,..], scale[C], bias[C], mean[C], variance[C]) {epsilon}``: inference form.

Ioffe and Szegedy, "Batch Normalization", arXiv:1502.03167.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import DType, TensorType


@register
class BatchNorm(Operator):
    """An affine map per channel from stored statistics."""

    name = "batch_norm"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of ``x``; ``OperandError`` where the statistics do not fit it."""
        arity(node, 5)
        x = node.inputs[0].type
        if x.dtype is not DType.F32 or x.rank < 2:
            raise OperandError(f"batch_norm of {x}")
        expected = TensorType((x.shape[1],), DType.F32)
        for value in node.inputs[1:]:
            if value.type != expected:
                raise OperandError(f"batch_norm: {value} is not {expected}")
        return [x]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``(x - mean) / sqrt(variance + epsilon) * scale + bias``."""
        x = operands[0]
        channel = (1, -1, *[1] * (x.ndim - 2))
        scale, bias, mean, variance = (v.reshape(channel) for v in operands[1:])
        gain = scale / np.sqrt(variance + np.float32(node.real("epsilon")))
        return [(x - mean) * gain + bias]
