"""``q_conv(x, w, multiplier, bias[, table])``: convolution, channels last.

::

    x i8|u8[N, H, W, C], w i8[O, KH, KW, C / groups], multiplier i32[O], bias i32[O],
    table i8|u8[256]
    attributes: strides (h, w), pads (top, left, bottom, right), dilations (h, w), groups, zero_x,
        shift, table = false, dtype, scale, zero

    y = requantize(conv(x padded with zero_x, w), multiplier, bias, shift)        [N, OH, OW, O]
                                                                  (dtype; i8 with table)
    y = table[y + 128]                                            (with table, of its type)

Output channel o reads the input channels of its group. The zero point of x is part of ``bias`` and
padding holds it, so that borders are exact. A u8 operand x is an int8 one raised by 128: x - 128
takes its place, and ``zero_x`` is that of the int8 values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.fixed_point import exact_matmul, lowered, requantize
from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.stated import (
    flag,
    require_range,
    require_shape,
    require_types,
    stated_type,
)
from edgecomp.ir.types import DType, TensorType
from edgecomp.ir.windows import windows, windows_shape


@register
class QConv(Operator):
    """Two-dimensional convolution on int8, grouped and depthwise included."""

    name = "q_conv"

    def infer(self, node: Node) -> list[TensorType]:
        """``[N, OH, OW, O]`` of the stated type."""
        i8, i32, table = (DType.I8,), (DType.I32,), flag(node, "table")
        raised = (DType.I8, DType.U8)
        require_types(node, raised, i8, i32, i32, *[raised] * table)
        require_range(node, "shift", 0, 31)
        require_range(node, "zero_x", -128, 127)
        x, w, groups = node.inputs[0].shape, node.inputs[1].shape, node.integer("groups")
        fits = len(x) == len(w) == 4 and groups >= 1 and w[3] * groups == x[3]
        if not fits or w[0] % groups:
            raise OperandError(f"q_conv: x {x} and w {w} in {groups} groups do not fit")
        require_shape(node, 2, w[:1])
        require_shape(node, 3, w[:1])
        height, width = windows_shape(node, w[1:3], node.integers("dilations"))
        result = stated_type(node, (x[0], height, width, w[0]))
        if table:
            require_shape(node, 4, (256,))
            if result.dtype != node.inputs[4].type.dtype:
                raise OperandError("q_conv gives what its table holds")
        return [result]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        x, w, multiplier, bias = operands[:4]
        dilations, zero_x = node.integers("dilations"), node.integer("zero_x")
        taps = windows(node, lowered(x), w.shape[1:3], dilations, zero_x)
        acc = _grouped_product(taps, w, node.integer("groups"))
        table = flag(node, "table")
        product = DType.I8 if table else node.output.type.dtype
        y = requantize(acc, multiplier, bias, node.integer("shift"), product)
        if table:
            y = operands[4][y.astype(np.int64) + 128]
        return [y]

    def macs(self, node: Node) -> int:
        """Output elements * KH * KW * C / groups; padding counts."""
        w = node.inputs[1].type
        return node.output.type.size * (w.size // w.shape[0])


def _grouped_product(taps: np.ndarray, w: np.ndarray, groups: int) -> np.ndarray:
    """``taps`` [N, OH, OW, KH, KW, C] times ``w`` [O, KH, KW, C / groups]: [N, OH, OW, O]."""
    *batch, kernel_h, kernel_w, channels = taps.shape
    depth = channels // groups
    split = taps.reshape(-1, kernel_h * kernel_w, groups, depth)
    rows = split.transpose(2, 0, 1, 3).reshape(groups, -1, kernel_h * kernel_w * depth)
    columns = w.reshape(groups, w.shape[0] // groups, -1).swapaxes(1, 2)
    acc = exact_matmul(rows, columns)
    return acc.swapaxes(0, 1).reshape(*batch, w.shape[0])
