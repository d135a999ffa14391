"""``slice(x) {starts, stops, steps}``: every ``step``-th index of ``[start, stop)`` on each axis.

One entry per axis, normalised: ``0 <= start <= stop <= size`` and ``step >= 1``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import TensorType


@register
class Slice(Operator):
    """Regular part of a tensor."""

    name = "slice"

    def infer(self, node: Node) -> list[TensorType]:
        """The sizes of the ranges; ``OperandError`` where they leave the tensor."""
        arity(node, 1)
        x = node.inputs[0].type
        starts, stops, steps = (node.integers(key) for key in ("starts", "stops", "steps"))
        if not len(starts) == len(stops) == len(steps) == x.rank:
            raise OperandError(f"slice of {x} needs one start, stop and step per axis")
        for size, start, stop, step in zip(x.shape, starts, stops, steps, strict=True):
            if not (0 <= start <= stop <= size and step >= 1):
                raise OperandError(f"slice {start}:{stop}:{step} of an axis of {size} in {x}")
        return [x.with_shape(tuple(len(range(*r)) for r in zip(starts, stops, steps, strict=True)))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``x[start:stop:step, ...]``."""
        ranges = zip(*(node.integers(key) for key in ("starts", "stops", "steps")), strict=True)
        return [np.asarray(operands[0][tuple(slice(*r) for r in ranges)], order="C")]
