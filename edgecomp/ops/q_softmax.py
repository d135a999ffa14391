"""``q_softmax(x, exp_table)``: softmax over the last axis with normalised output.

::

    x i8|i16[..., S], exp_table u8[256]
    attributes: score_limit, score_multiplier, score_shift, multiplier, bias, shift, dtype, scale,
        zero

    p = exp_table[(min(rowmax(x) - x, score_limit) * score_multiplier) >> score_shift]
    a = (p * floor(0xFFFFFFFF / rowsum(p))) >> 16    unsigned 32-bit; a is 65536 * probability
    y = requantize(a, multiplier, bias, shift)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.fixed_point import reciprocal, softmax_weights
from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.stated import require_shape, require_types, stated_requantize, stated_type
from edgecomp.ir.types import DType, TensorType
from edgecomp.ops.q_attention import require_score_parameters

PROBABILITY_SHIFT = 16
"""Right shift behind the 32-bit reciprocal: leaves 16 fraction bits."""


@register
class QSoftmax(Operator):
    """Softmax of 8- or 16-bit scores."""

    name = "q_softmax"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of x, of the stated type."""
        require_types(node, (DType.I8, DType.I16), (DType.U8,))
        require_score_parameters(node)
        require_shape(node, 1, (256,))
        if not node.inputs[0].shape:
            raise OperandError("q_softmax needs at least one axis")
        return [stated_type(node, node.inputs[0].shape)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        keys = ("score_limit", "score_multiplier", "score_shift")
        p = softmax_weights(operands[0], operands[1], *(node.integer(key) for key in keys))
        scale = reciprocal(p.sum(axis=-1, keepdims=True, dtype=np.int64))
        probability = (p.astype(np.int64) * scale) >> PROBABILITY_SHIFT
        return [stated_requantize(node, probability)]
