"""``q_mlp(x, w1, multiplier1, bias1, table, w2, multiplier2, bias2[, residual])``: two products.

::

    x i8|u8[..., K], w1 i8[H, K], w2 i8[N, H], table i8[256], residual i16[..., N]
    attributes: shift1, shift2, residual = false, dtype, scale, zero

    hidden = q_linear(x, w1, multiplier1, bias1, table) {shift1, dtype i8}
    y      = q_linear(hidden, w2, multiplier2, bias2[, residual]) {shift2, dtype}

By definition the bits of the two ``q_linear``; the hidden tensor never exists as a whole. With
attribute norm x is normalised first (`ops/normalized.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.stated import flag, require_range, require_shape, require_types, stated_type
from edgecomp.ir.types import DType, TensorType
from edgecomp.ops.normalized import normalized, operand_types, require_norm
from edgecomp.ops.q_linear import quantized_linear


@register
class QMlp(Operator):
    """Linear, table, linear, with an optional residual addition."""

    name = "q_mlp"

    def infer(self, node: Node) -> list[TensorType]:
        """``x.shape[:-1] + [N]`` of the stated type."""
        i8, i32, residual = (DType.I8,), (DType.I32,), flag(node, "residual")
        require_types(
            node, operand_types(node), i8, i32, i32, i8, i8, i32, i32, *[(DType.I16,)] * residual
        )
        require_range(node, "shift1", 0, 31)
        require_norm(node)
        require_range(node, "shift2", 0, 31)
        x, w1, w2 = (node.inputs[i].shape for i in (0, 1, 5))
        if len(x) < 1 or len(w1) != 2 or len(w2) != 2 or x[-1] != w1[1] or w1[0] != w2[1]:
            raise OperandError(f"q_mlp: x {x}, w1 {w1} and w2 {w2} do not fit")
        for index, size in ((2, w1[0]), (3, w1[0]), (4, 256), (6, w2[0]), (7, w2[0])):
            require_shape(node, index, (size,))
        result = stated_type(node, (*x[:-1], w2[0]))
        if residual:
            require_shape(node, 8, result.shape)
            if result.dtype != DType.I16:
                raise OperandError("q_mlp gives i16 with a residual")
        return [result]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        x, w1, multiplier1, bias1, table, w2, multiplier2, bias2 = operands[:8]
        x = normalized(node, x)
        residual = operands[8] if flag(node, "residual") else None
        shift1, shift2 = node.integer("shift1"), node.integer("shift2")
        hidden = quantized_linear(x, w1, multiplier1, bias1, shift1, DType.I8, table)
        dtype = node.output.type.dtype
        y = quantized_linear(hidden, w2, multiplier2, bias2, shift2, dtype, residual=residual)
        return [y]

    def macs(self, node: Node) -> int:
        """Count of rows * (K * H + H * N)."""
        x, w1, w2 = (node.inputs[i].type for i in (0, 1, 5))
        return x.size // x.shape[-1] * (w1.size + w2.size)
