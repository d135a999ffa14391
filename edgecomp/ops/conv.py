"""``conv(x[N,C,*S], w[O,C/g,*K], b[O]) -> [N,O,*P]``: 1-D or 2-D convolution, channels first.

Attributes: ``strides``, ``dilations`` (one per spatial axis), ``pads`` (all begins, then all
ends) and ``groups``. As in every deep learning framework the kernel is not mirrored.
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
class Conv(Operator):
    """Grouped convolution over one or two spatial axes."""

    name = "conv"

    def infer(self, node: Node) -> list[TensorType]:
        """``[N,O,*P]``; ``OperandError`` where channels, groups or windows do not fit."""
        arity(node, 3)
        x, w, b = (value.type for value in node.inputs)
        groups = node.integer("groups")
        if {x.dtype, w.dtype, b.dtype} != {DType.F32} or x.rank not in (3, 4) or w.rank != x.rank:
            raise OperandError(f"conv takes f32 of rank 3 or 4, got {x} and {w}")
        if groups < 1 or x.shape[1] != groups * w.shape[1] or w.shape[0] % groups:
            raise OperandError(f"conv: {groups} groups do not fit {x} and {w}")
        if b.shape != (w.shape[0],):
            raise OperandError(f"conv: bias {b} does not fit {w.shape[0]} output channels")
        strides, dilations = node.integers("strides"), node.integers("dilations")
        positions = window_counts(
            x.shape[2:], w.shape[2:], strides, node.integers("pads"), dilations
        )
        return [TensorType((x.shape[0], w.shape[0], *positions), DType.F32)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """im2col and one matrix product per group."""
        x, w, b = operands
        padded = pad_axes(x, 2, node.integers("pads"))
        view = windows(padded, 2, w.shape[2:], node.integers("strides"), node.integers("dilations"))
        products = _products(view, w, node.integer("groups"))
        return [products + b.reshape(1, -1, *[1] * (x.ndim - 2))]

    def macs(self, node: Node) -> int:
        """One per element of the result and of one filter."""
        return node.output.type.size * math.prod(node.inputs[1].shape[1:])


def _products(view: np.ndarray, w: np.ndarray, groups: int) -> np.ndarray:
    """Windows ``[N,C,*P,*K]`` times filters ``[O,C/g,*K]``: ``[N,O,*P]``."""
    spatial = w.ndim - 2
    batch, positions = view.shape[0], view.shape[2 : 2 + spatial]
    if w.shape[1] == 1 and groups > 1:
        return _depthwise(view, w, groups)
    grouped = view.reshape(batch, groups, w.shape[1], *positions, *w.shape[2:])
    kernel_axes = range(3 + spatial, 3 + 2 * spatial)
    columns = grouped.transpose(0, 1, 2, *kernel_axes, *range(3, 3 + spatial))
    columns = columns.reshape(batch, groups, -1, math.prod(positions))
    filters = w.reshape(groups, w.shape[0] // groups, -1)
    products: np.ndarray = np.matmul(filters, columns)
    return products.reshape(batch, w.shape[0], *positions)


def _depthwise(view: np.ndarray, w: np.ndarray, channels: int) -> np.ndarray:
    """One input channel per group: a sum over the taps of the kernel, elementwise."""
    spatial = w.ndim - 2
    batch, positions = view.shape[0], view.shape[2 : 2 + spatial]
    filters = w.reshape(channels, -1, *[1] * spatial, *w.shape[2:])
    total = np.zeros((batch, channels, w.shape[0] // channels, *positions), np.float32)
    for tap in np.ndindex(*w.shape[2:]):
        total += view[(slice(None), slice(None), None, ..., *tap)] * filters[(..., *tap)]
    return total.reshape(batch, w.shape[0], *positions)
