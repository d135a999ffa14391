"""``q_pool(x)``: maximum or average over windows, channels last.

::

    x i8[N, H, W, C]
    attributes: function = max|average, kernel (h, w), strides (h, w), pads (top, left, bottom,
        right), zero_x, multiplier, bias, shift, pre_shift = 0, dtype, scale, zero

    acc = maximum of the window, in which padding never wins, or int32 sum; there padding is zero_x
    y   = requantize((acc + (1 << pre_shift >> 1)) >> pre_shift, multiplier, bias, shift)

1 / (KH * KW) of an average is part of the multiplier.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.stated import (
    pre_shifted,
    require_pre_shift,
    require_range,
    require_types,
    stated_requantize,
    stated_type,
)
from edgecomp.ir.types import DType, TensorType
from edgecomp.ir.windows import windows, windows_shape


@register
class QPool(Operator):
    """Two-dimensional pooling on int8."""

    name = "q_pool"

    def infer(self, node: Node) -> list[TensorType]:
        """``[N, OH, OW, C]`` of the stated type."""
        require_types(node, (DType.I8,))
        require_range(node, "shift", 0, 31)
        require_pre_shift(node)
        require_range(node, "zero_x", -128, 127)
        x = node.inputs[0].shape
        if node.text("function") not in ("max", "average"):
            raise OperandError(f"q_pool cannot compute {node.text('function')}")
        if len(x) != 4:
            raise OperandError(f"q_pool takes [N, H, W, C], got {x}")
        height, width = windows_shape(node, node.integers("kernel"), (1, 1))
        return [stated_type(node, (x[0], height, width, x[3]))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        is_max = node.text("function") == "max"
        fill = -128 if is_max else node.integer("zero_x")
        taps = windows(node, operands[0], node.integers("kernel"), (1, 1), fill).astype(np.int64)
        acc = taps.max(axis=(3, 4)) if is_max else taps.sum(axis=(3, 4))
        return [stated_requantize(node, pre_shifted(node, acc))]
