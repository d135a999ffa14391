"""``reduce(x) {function, axes, keep}``: mean, sum, max, min or l2 norm over some axes.

``keep`` leaves the reduced axes in the result with size one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import DType, TensorType


def _l2(x: np.ndarray, axis: tuple[int, ...], keepdims: bool) -> np.ndarray:
    return np.asarray(np.sqrt(np.square(x).sum(axis=axis, keepdims=keepdims)))


FUNCTIONS: Mapping[str, Callable[..., np.ndarray]] = MappingProxyType(
    {"mean": np.mean, "sum": np.sum, "max": np.max, "min": np.min, "l2": _l2}
)
_ORDER_ONLY = frozenset({"max", "min"})


@register
class Reduce(Operator):
    """Reduction over ``axes`` (sorted, not negative)."""

    name = "reduce"

    def infer(self, node: Node) -> list[TensorType]:
        """The remaining axes; max and min keep element type and quantization."""
        arity(node, 1)
        x, axes, function = node.inputs[0].type, node.integers("axes"), node.text("function")
        if function not in FUNCTIONS:
            raise OperandError(f"reduce has no function {function!r}")
        if list(axes) != sorted(set(axes)) or any(not 0 <= axis < x.rank for axis in axes):
            raise OperandError(f"reduce over axes {axes} of {x}")
        if x.dtype is not DType.F32 and function not in _ORDER_ONLY:
            raise OperandError(f"reduce {function} takes f32, got {x}")
        if any(x.shape[axis] == 0 for axis in axes):
            raise OperandError(f"reduce {function} over an empty axis of {x}")
        keep = node.flag("keep")
        sizes = [
            1 if axis in axes else s for axis, s in enumerate(x.shape) if keep or axis not in axes
        ]
        return [x.with_shape(tuple(sizes))]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The reduction."""
        function = FUNCTIONS[node.text("function")]
        axes, keep = node.integers("axes"), node.flag("keep")
        return [np.asarray(function(operands[0], axis=axes, keepdims=keep), operands[0].dtype)]
