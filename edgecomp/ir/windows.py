"""Sliding windows over images, shared by the integer convolution and pooling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError


def windows_shape(node: Node, kernel: Sequence[int], dilations: Sequence[int]) -> tuple[int, int]:
    """Output height and width of windows over operand 0, [N, H, W, C].

    Reads ``strides`` (h, w) and ``pads`` (top, left, bottom, right); ``OperandError`` where the
    padded image is smaller than the window.
    """
    strides, pads = node.integers("strides"), node.integers("pads")
    if len(strides) != 2 or len(pads) != 4 or min(*strides, *dilations) < 1 or min(pads) < 0:
        raise OperandError(f"{node.op}: strides {strides}, pads {pads}, dilations {dilations}")
    sizes = []
    for axis in (0, 1):
        padded = node.inputs[0].shape[1 + axis] + pads[axis] + pads[axis + 2]
        room = padded - dilations[axis] * (kernel[axis] - 1) - 1
        if room < 0:
            raise OperandError(f"{node.op}: the window {tuple(kernel)} is larger than the image")
        sizes.append(room // strides[axis] + 1)
    return sizes[0], sizes[1]


def windows(
    node: Node, x: np.ndarray, kernel: Sequence[int], dilations: Sequence[int], fill: int
) -> np.ndarray:
    """The windows of x [N, H, W, C] padded with ``fill``: a view [N, OH, OW, KH, KW, C]."""
    top, left, bottom, right = node.integers("pads")
    border = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(x, border, constant_values=fill)
    height, width = windows_shape(node, kernel, dilations)
    n, h, w, c = padded.strides
    step_h, step_w = node.integers("strides")
    return np.lib.stride_tricks.as_strided(
        padded,
        (x.shape[0], height, width, kernel[0], kernel[1], x.shape[3]),
        (n, h * step_h, w * step_w, h * dilations[0], w * dilations[1], c),
        writeable=False,
    )
