"""``expand(x) {shape}``: ``x`` repeated along new leading axes and axes of size one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import TensorType


@register
class Expand(Operator):
    """Broadcast to a stated shape, which is the shape of the result."""

    name = "expand"

    def infer(self, node: Node) -> list[TensorType]:
        """The stated shape; ``OperandError`` where ``x`` does not broadcast to it."""
        arity(node, 1)
        x, shape = node.inputs[0].type, node.integers("shape")
        tail = shape[len(shape) - x.rank :] if len(shape) >= x.rank else ()
        if len(tail) != x.rank or any(
            have not in (1, want) for have, want in zip(x.shape, tail, strict=True)
        ):
            raise OperandError(f"expand: {x} does not broadcast to {shape}")
        return [x.with_shape(shape)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``x`` repeated."""
        return [np.asarray(np.broadcast_to(operands[0], node.integers("shape")), order="C")]
