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
