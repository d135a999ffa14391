"""``q_matmul(a, b)``: product of two activations.

::

    a i8[..., M, K], b i8[..., K, N], or i8[..., N, K] with transpose_b; leading axes broadcast
    attributes: zero_a, zero_b, transpose_b, multiplier, bias, shift, pre_shift = 0, dtype, scale,
        zero

    y = requantize(round_shift((a - zero_a) . (b - zero_b)), multiplier, bias, shift)
    round_shift(acc) = (acc + (1 << pre_shift >> 1)) >> pre_shift

The shift of a long sum leaves its multiplier bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.fixed_point import exact_matmul
from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.stated import (
    flag,
    pre_shifted,
    require_pre_shift,
    require_range,
    require_types,
    stated_requantize,
    stated_type,
)
from edgecomp.ir.types import DType, TensorType


@register
class QMatmul(Operator):
    """Matrix product, activation by activation, with exact zero points."""

    name = "q_matmul"

    def infer(self, node: Node) -> list[TensorType]:
        """``[..., M, N]`` of the stated type."""
        require_types(node, (DType.I8,), (DType.I8,))
        require_range(node, "shift", 0, 31)
        require_pre_shift(node)
        require_range(node, "zero_a", -128, 127)
        require_range(node, "zero_b", -128, 127)
        a, b = node.inputs[0].shape, node.inputs[1].shape
        if len(a) < 2 or len(b) < 2:
            raise OperandError(f"q_matmul takes matrices, got {a} and {b}")
        inner, columns = (b[-1], b[-2]) if flag(node, "transpose_b") else (b[-2], b[-1])
        try:
            batch = np.broadcast_shapes(a[:-2], b[:-2])
        except ValueError:
            raise OperandError(f"q_matmul: batches of {a} and {b} do not fit") from None
        if a[-1] != inner:
            raise OperandError(f"q_matmul: {a} and {b} do not fit")
        return [stated_type(node, (*(int(s) for s in batch), a[-2], columns))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        a = operands[0].astype(np.int16) - np.int16(node.integer("zero_a"))
        b = operands[1].astype(np.int16) - np.int16(node.integer("zero_b"))
        acc = exact_matmul(a, np.swapaxes(b, -1, -2) if flag(node, "transpose_b") else b)
        return [stated_requantize(node, pre_shifted(node, acc))]

    def macs(self, node: Node) -> int:
        """Batch size * M * N * K."""
        return node.output.type.size * node.inputs[0].shape[-1]
