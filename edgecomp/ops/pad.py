"""``pad(x) {pads, value}``: a constant border; ``pads`` holds all begins, then all ends.

``value`` is a real number: on a quantized tensor its integer is written, so 0.0 is the zero
point.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import TensorType


@register
class Pad(Operator):
    """Border of a constant value on any axes."""

    name = "pad"

    def infer(self, node: Node) -> list[TensorType]:
        """The enlarged shape; ``OperandError`` for negative or missing pads."""
        arity(node, 1)
        x, pads = node.inputs[0].type, node.integers("pads")
        if len(pads) != 2 * x.rank or min(pads, default=0) < 0:
            raise OperandError(f"pad: {pads} does not fit {x}")
        widths = zip(x.shape, pads[: x.rank], pads[x.rank :], strict=True)
        return [x.with_shape(tuple(sum(width) for width in widths))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``x`` inside of a border."""
        pads, rank = node.integers("pads"), operands[0].ndim
        widths = list(zip(pads[:rank], pads[rank:], strict=True))
        return [np.pad(operands[0], widths, constant_values=_stored(node))]


def _stored(node: Node) -> np.generic:
    """What a border element holds in memory."""
    x, value = node.inputs[0].type, np.array(node.real("value"))
    if x.quantization is None:
        return x.dtype.numpy.type(value)
    return x.dtype.numpy.type(x.quantization.quantize(value, x.dtype))
