"""``q_linear(x, w, multiplier, bias[, table][, residual])``: int8 product with requantization.

::

    x i8|u8[..., K], w i8[N, K], multiplier i32[N], bias i32[N], table i8|u8[256],
    residual i16[..., N]
    attributes: shift, table = false, residual = false, dtype, scale, zero

    y = requantize(x . w^T, multiplier, bias, shift)                   (dtype; i8 with table)
    y = table[y + 128]                                                 (with table, of its type)
    y = saturate16(residual + y)                                       (with residual; dtype i16)

The zero points of x and y and half a step are part of ``bias``. The residual has the scale of y.
A u8 operand x is an int8 one raised by 128: x - 128 takes its place. With attribute norm x is
normalised first (`ops/normalized.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.fixed_point import exact_matmul, lowered, requantize, saturate
from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.stated import flag, require_range, require_shape, require_types, stated_type
from edgecomp.ir.types import DType, TensorType
from edgecomp.ops.normalized import normalized, operand_types, require_norm


def quantized_linear(
    x: np.ndarray,
    w: np.ndarray,
    multiplier: np.ndarray,
    bias: np.ndarray,
    shift: int,
    dtype: DType,
    table: np.ndarray | None = None,
    residual: np.ndarray | None = None,
) -> np.ndarray:
    """The bits of ``q_linear``: shapes and meaning as in the module's heading."""
    acc = exact_matmul(lowered(x).reshape(-1, x.shape[-1]), w.T)
    product = DType.I8 if table is not None else dtype
    y = requantize(acc, multiplier, bias, shift, product).reshape(*x.shape[:-1], w.shape[0])
    if table is not None:
        y = table[y.astype(np.int64) + 128]
    if residual is not None:
        y = saturate(residual.astype(np.int64) + y, dtype)
    return y


@register
class QLinear(Operator):
    """Linear layer on int8 activations, with optional table or residual addition."""

    name = "q_linear"

    def infer(self, node: Node) -> list[TensorType]:
        """``x.shape[:-1] + [N]`` of the stated type."""
        table, residual = flag(node, "table"), flag(node, "residual")
        x8, i32 = operand_types(node), (DType.I32,)
        extra = [(DType.I8, DType.U8)] * table + [(DType.I16,)] * residual
        require_types(node, x8, (DType.I8,), i32, i32, *extra)
        require_range(node, "shift", 0, 31)
        require_norm(node)
        x, w = node.inputs[0].shape, node.inputs[1].shape
        if table and residual:
            raise OperandError("q_linear takes a table or a residual, not both")
        if len(x) < 1 or len(w) != 2 or x[-1] != w[1]:
            raise OperandError(f"q_linear: x {x} and w {w} do not fit")
        require_shape(node, 2, w[:1])
        require_shape(node, 3, w[:1])
        result = stated_type(node, (*x[:-1], w[0]))
        if table:
            require_shape(node, 4, (256,))
        if residual:
            require_shape(node, 4, result.shape)
        if table and result.dtype != node.inputs[4].type.dtype:
            raise OperandError("q_linear gives what its table holds")
        if residual and result.dtype != DType.I16:
            raise OperandError("q_linear gives i16 with a residual")
        return [result]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        x, w, multiplier, bias = operands[:4]
        table = operands[4] if flag(node, "table") else None
        residual = operands[4] if flag(node, "residual") else None
        dtype = node.output.type.dtype
        shift = node.integer("shift")
        x = normalized(node, x)
        return [quantized_linear(x, w, multiplier, bias, shift, dtype, table, residual)]

    def macs(self, node: Node) -> int:
        """Count of rows * N * K."""
        return node.inputs[0].type.size * node.inputs[1].shape[0]
