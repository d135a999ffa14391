"""``pool(x[N,C,*S]) {function, kernel, strides, pads, count_include_pad}``, channels first.

``function`` is max or average; ``pads`` holds all begins, then all ends. The border never wins a
maximum; it counts in an average only with ``count_include_pad``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import DType, TensorType
from edgecomp.ops.windows import pad_axes, window_counts, windows


@register
class Pool(Operator):
    """Maximum or average over sliding windows of the spatial axes."""

    name = "pool"

    def infer(self, node: Node) -> list[TensorType]:
        """``[N,C,*P]``; max keeps element type and quantization, average takes f32."""
        arity(node, 1)
        x, function = node.inputs[0].type, node.text("function")
        if function not in ("max", "average") or x.rank < 3:
            raise OperandError(f"pool {function!r} of {x}")
        if x.dtype is not DType.F32 and function == "average":
            raise OperandError(f"pool average takes f32, got {x}")
        kernel, pads = node.integers("kernel"), node.integers("pads")
        ones = (1,) * len(kernel)
        counts = window_counts(x.shape[2:], kernel, node.integers("strides"), pads, ones)
        if any(pad >= size for pad, size in zip(pads, kernel * 2, strict=True)):
            raise OperandError(f"pool: a border of {pads} holds whole windows of {kernel}")
        return [x.with_shape((*x.shape[:2], *counts))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Maximum or average of each window."""
        x = operands[0]
        if node.text("function") == "max":
            low = -np.inf if x.dtype == np.float32 else DType.of(x).bounds[0]
            view = _windows(node, x, low)
            return [view.max(axis=tuple(range(x.ndim, view.ndim)))]
        view = _windows(node, x, 0.0)
        total = view.sum(axis=tuple(range(x.ndim, view.ndim)))
        return [np.asarray(total / divisors(node), np.float32)]


def _windows(node: Node, x: np.ndarray, border: float) -> np.ndarray:
    kernel = node.integers("kernel")
    padded = pad_axes(x, 2, node.integers("pads"), border)
    return windows(padded, 2, kernel, node.integers("strides"), (1,) * len(kernel))


def divisors(node: Node) -> np.ndarray:
    """``[1,1,*P]``: how many elements count in each window of an average."""
    ones = np.ones((1, 1, *node.inputs[0].shape[2:]), np.float32)
    view = _windows(node, ones, 1.0 if node.flag("count_include_pad") else 0.0)
    return np.asarray(view.sum(axis=tuple(range(ones.ndim, view.ndim))))
