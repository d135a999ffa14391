"""``conv_nhwc(x[N,H,W,C], w[O,KH,KW,C/g], b[O]) -> [N,P,Q,O]``: 2-D convolution, channels last.

Attributes: ``strides`` and ``dilations`` (vertical, horizontal), ``pads`` (top, left, bottom,
right) and ``groups``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import DType, TensorType
from edgecomp.ops.windows import pad_axes, window_counts, windows


@register
class ConvNhwc(Operator):
    """Grouped convolution over two spatial axes, channels innermost."""

    name = "conv_nhwc"

    def infer(self, node: Node) -> list[TensorType]:
        """``[N,P,Q,O]``; ``OperandError`` where channels, groups or windows do not fit."""
        arity(node, 3)
        x, w, b = (value.type for value in node.inputs)
        groups = node.integer("groups")
        if {x.dtype, w.dtype, b.dtype} != {DType.F32} or x.rank != 4 or w.rank != 4:
            raise OperandError(f"conv_nhwc takes f32 of rank 4, got {x} and {w}")
        if groups < 1 or x.shape[3] != groups * w.shape[3] or w.shape[0] % groups:
            raise OperandError(f"conv_nhwc: {groups} groups do not fit {x} and {w}")
        if b.shape != (w.shape[0],):
            raise OperandError(f"conv_nhwc: bias {b} does not fit {w.shape[0]} output channels")
        strides, dilations = node.integers("strides"), node.integers("dilations")
        positions = window_counts(
            x.shape[1:3], w.shape[1:3], strides, node.integers("pads"), dilations
        )
        return [TensorType((x.shape[0], *positions, w.shape[0]), DType.F32)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """im2col and one matrix product per group."""
        x, w, b = operands
        padded = pad_axes(x, 1, node.integers("pads"))
        view = windows(
            padded, 1, w.shape[1:3], node.integers("strides"), node.integers("dilations")
        )
        return [_products(view, w, node.integer("groups")) + b]

    def macs(self, node: Node) -> int:
        """One per element of the result and of one filter."""
        return node.output.type.size * math.prod(node.inputs[1].shape[1:])


def _products(view: np.ndarray, w: np.ndarray, groups: int) -> np.ndarray:
    """Windows ``[N,P,Q,C,KH,KW]`` times filters ``[O,KH,KW,C/g]``: ``[N,P,Q,O]``."""
    batch, rows, columns, channels = view.shape[:4]
    if w.shape[3] == 1 and groups > 1:
        return _depthwise(view, w)
    shape = (batch, rows, columns, groups, channels // groups, *w.shape[1:3])
    grouped = view.reshape(shape).transpose(3, 0, 1, 2, 5, 6, 4)
    matrix = grouped.reshape(groups, batch * rows * columns, -1)
    filters = w.reshape(groups, w.shape[0] // groups, -1).transpose(0, 2, 1)
    products: np.ndarray = np.matmul(matrix, filters)
    return products.transpose(1, 0, 2).reshape(batch, rows, columns, w.shape[0])


def _depthwise(view: np.ndarray, w: np.ndarray) -> np.ndarray:
    """One input channel per group: a sum over the taps of the kernel, elementwise."""
    batch, rows, columns, channels = view.shape[:4]
    filters = w.reshape(channels, -1, *w.shape[1:3])
    total = np.zeros((batch, rows, columns, channels, w.shape[0] // channels), np.float32)
    for row, column in np.ndindex(*w.shape[1:3]):
        total += view[..., None, row, column] * filters[..., row, column]
    return total.reshape(batch, rows, columns, w.shape[0])
