"""Questions that passes ask about values, and the few edits they share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgecomp.ir import Attribute, Graph, Node, Value, create


def producer(value: Value, *ops: str) -> Node | None:
    """The node that computes ``value`` if its operator is one of ``ops``."""
    node = value.producer
    return node if node is not None and node.op in ops else None


def unary_operand(value: Value, function: str) -> Value | None:
    """``x`` where ``value`` is ``function(x)``."""
    node = producer(value, "unary")
    if node is None or node.text("function") != function:
        return None
    return node.inputs[0]


def uniform(value: Value) -> float | None:
    """The number that fills a float constant; None for anything else."""
    if not value.is_constant or value.array.dtype != np.float32 or value.array.size == 0:
        return None
    first = value.array.flat[0]
    return float(first) if bool((value.array == first).all()) else None


def emit(graph: Graph, node: Node, op: str, *operands: Value, **attributes: Attribute) -> Value:
    """The result of a new operation before ``node``, whose name it takes."""
    return create(graph, op, operands, attributes, name=node.name, before=node).output


def take_over(graph: Graph, old: Value, new: Value) -> None:
    """Let ``new`` have the users and the name of ``old``: names tie figures to the user's model."""
    graph.replace(old, new)
    old.name, new.name = new.name, old.name


def orders(node: Node) -> Iterator[tuple[Value, Value]]:
    """Both orders of the two operands of a commutative node."""
    first, second = node.inputs
    yield first, second
    yield second, first


def with_constant(node: Node) -> tuple[Value, Value] | None:
    """(variable, constant) where a two-operand node has one of each, in either order."""
    for variable, constant in orders(node):
        if constant.is_constant and not variable.is_constant:
            return variable, constant
    return None


def used_once(graph: Graph, value: Value) -> bool:
    """Whether one operand of one node is all that reads ``value``."""
    return len(value.uses) == 1 and value not in graph.outputs


def along_axis(constant: np.ndarray, shape: tuple[int, ...], axis: int) -> np.ndarray | None:
    """``constant`` as a vector of ``shape[axis]`` elements if it varies along that axis only.

    None where it varies elsewhere when broadcast to ``shape``, or would enlarge the result.
    """
    if constant.ndim > len(shape):
        return None
    aligned = constant.reshape((1,) * (len(shape) - constant.ndim) + constant.shape)
    size = aligned.shape[axis]
    if aligned.size != size or size not in (1, shape[axis]):
        return None
    return np.broadcast_to(aligned.reshape(-1), (shape[axis],))


def inverse(permutation: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes ``permutation``."""
    return tuple(permutation.index(axis) for axis in range(len(permutation)))
