"""``layer_norm(x, weight, bias) {axis, epsilon, rms = false}``: over the axes from ``axis`` on.

``weight`` and ``bias`` have the shape of the normalised axes. Ba et al., "Layer Normalization",
arXiv:1607.06450. With ``rms`` the mean stays: Zhang and Sennrich, "Root Mean Square Layer
Normalization", arXiv:1910.07467.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.stated import flag
from edgecomp.ir.types import DType, TensorType


@register
class LayerNorm(Operator):
    """Zero mean and unit (population) variance per row, then gain and bias."""

    name = "layer_norm"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of ``x``; ``OperandError`` where gain and bias do not fit it."""
        arity(node, 3)
        x, axis = node.inputs[0].type, node.integer("axis")
        if x.dtype is not DType.F32 or not 0 <= axis < x.rank:
            raise OperandError(f"layer_norm from axis {axis} of {x}")
        expected = TensorType(x.shape[axis:], DType.F32)
        for value in node.inputs[1:]:
            if value.type != expected:
                raise OperandError(f"layer_norm: {value} is not {expected}")
        return [x]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``(x - mean) / sqrt(variance + epsilon) * weight + bias``; with ``rms`` for mean 0."""
        x, weight, bias = operands
        axes = tuple(range(node.integer("axis"), x.ndim))
        centred = x if flag(node, "rms") else x - x.mean(axis=axes, keepdims=True)
        variance = np.square(centred).mean(axis=axes, keepdims=True)
        spread = np.sqrt(variance + np.float32(node.real("epsilon")))
        return [centred / spread * weight + bias]
