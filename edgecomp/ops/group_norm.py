"""``group_norm(x[N,C,..], weight[C], bias[C]) {groups, epsilon}``: normalisation per group.

Wu and He, "Group Normalization", arXiv:1803.08494. With as many groups as channels this is
instance normalisation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import DType, TensorType


@register
class GroupNorm(Operator):
    """Zero mean and unit variance per group of channels, then gain and bias per channel."""

    name = "group_norm"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of ``x``; ``OperandError`` where groups, gain or bias do not fit it."""
        arity(node, 3)
        x, groups = node.inputs[0].type, node.integer("groups")
        if x.dtype is not DType.F32 or x.rank < 2 or groups < 1 or x.shape[1] % groups:
            raise OperandError(f"group_norm of {x} with {groups} groups")
        expected = TensorType((x.shape[1],), DType.F32)
        for value in node.inputs[1:]:
            if value.type != expected:
                raise OperandError(f"group_norm: {value} is not {expected}")
        return [x]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``(x - mean) / sqrt(variance + epsilon) * weight + bias``."""
        x, weight, bias = operands
        rows = x.reshape(x.shape[0], node.integer("groups"), -1)
        centred = rows - rows.mean(axis=2, keepdims=True)
        variance = np.square(centred).mean(axis=2, keepdims=True)
        normal = centred / np.sqrt(variance + np.float32(node.real("epsilon")))
        channel = (1, -1, *[1] * (x.ndim - 2))
        return [normal.reshape(x.shape) * weight.reshape(channel) + bias.reshape(channel)]
