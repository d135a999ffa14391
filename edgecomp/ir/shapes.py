"""Shape rules that several operators share."""

from __future__ import annotations

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError
from edgecomp.ir.types import TensorType


def arity(node: Node, count: int) -> None:
    """``OperandError`` unless ``node`` has ``count`` operands."""
    if len(node.inputs) != count:
        raise OperandError(f"{node.op} takes {count} operands, got {len(node.inputs)}")


def broadcast(node: Node) -> TensorType:
    """The type of an elementwise result over all operands, which share one element type."""
    dtypes = {value.type.dtype for value in node.inputs}
    if len(dtypes) != 1:
        raise OperandError(f"{node.op} mixes element types {sorted(d.value for d in dtypes)}")
    try:
        shape = np.broadcast_shapes(*(value.shape for value in node.inputs))
    except ValueError:
        shapes = [value.shape for value in node.inputs]
        raise OperandError(f"{node.op}: shapes {shapes} do not broadcast") from None
    return TensorType(tuple(int(s) for s in shape), dtypes.pop())


def reduced_shape(node: Node) -> tuple[int, ...]:
    """The first operand's shape without the ``axes``, or with ``keep`` with size 1 there."""
    shape = node.inputs[0].shape
    if any(not -len(shape) <= axis < len(shape) for axis in node.integers("axes")):
        raise OperandError(f"{node.op}: axes {node.integers('axes')} of a tensor {shape}")
    axes = {axis % len(shape) for axis in node.integers("axes")}
    if node.flag("keep"):
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)
