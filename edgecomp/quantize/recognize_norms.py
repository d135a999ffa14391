"""Sums of few squares as norms, whose 8-bit codes tell small values apart.

The square of a signal has twice its range in decibels, which 8 bits do not hold: the power of a
spectrum, a^2 + b^2, would be 0 in most of its bins. Of its root they hold what they hold of a and
b, and the functions behind it (root, logarithm) are tables of that.
"""

from __future__ import annotations

import math

from edgecomp.ir import Graph, Node, RewritePass, Value
from edgecomp.passes.patterns import emit, producer, take_over, unary_operand, used_once
from edgecomp.quantize.functions import varying_operands

FEW = 8
"""Sums of more squares vary less than the squares."""


class RecognizeNorms(RewritePass):
    """``a^2 + b^2`` and ``sum(x^2)`` over few elements -> the square of an l2 norm.

    Where only functions read it: others are better served with a sum in 16 bits.
    """

    name = "recognize_norms"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite the sum ``node``."""
        if not _is_sum(node) or not _read_by_functions(graph, node.output):
            return False
        norm = _of_two(graph, node) if node.op == "add" else _of_axes(graph, node)
        if norm is None:
            return False
        take_over(graph, node.output, emit(graph, node, "unary", norm, function="square"))
        return True


def _is_sum(node: Node) -> bool:
    return node.op == "add" or (node.op == "reduce" and node.text("function") == "sum")


def _read_by_functions(graph: Graph, value: Value) -> bool:
    """Whether functions, behind arithmetic with numbers, are all that reads ``value``."""
    if value in graph.outputs or not value.uses:
        return False
    return all(
        user.op == "unary"
        or (len(varying_operands(user)) == 1 and _read_by_functions(graph, user.output))
        for user, _ in value.uses
    )


def _of_axes(graph: Graph, node: Node) -> Value | None:
    x = _squared(graph, node.inputs[0])
    if x is None or math.prod(x.shape[axis] for axis in node.integers("axes")) > FEW:
        return None
    return emit(graph, node, "reduce", x, **node.attributes | {"function": "l2"})


def _of_two(graph: Graph, node: Node) -> Value | None:
    a, b = (_squared(graph, value) for value in node.inputs)
    if a is None or b is None or a.shape != b.shape:
        return None
    norm = _of_halves(graph, node, a, b)
    if norm is None:
        if not (_only_squared(graph, a) and _only_squared(graph, b)) or a is b:
            return None  # they would share a scale, which suits other readers of one of them less
        rows = [_reshaped(graph, node, value, (1, *a.shape)) for value in (a, b)]
        both = emit(graph, node, "concat", *rows, axis=0)
        norm = emit(graph, node, "reduce", both, function="l2", axes=(0,), keep=False)
    return _reshaped(graph, node, norm, node.output.shape)


def _only_squared(graph: Graph, value: Value) -> bool:
    """Whether one node is all that reads ``value``, which is no function of something else.

    A sum of functions of one value is a single table.
    """
    readers = {user for user, _ in value.uses}
    return len(readers) == 1 and value not in graph.outputs and producer(value, "unary") is None


def _squared(graph: Graph, value: Value) -> Value | None:
    """``x`` where ``value`` is ``x * x`` and nothing else needs it."""
    if not used_once(graph, value):
        return None
    product = producer(value, "mul")
    if product is not None and product.inputs[0] is product.inputs[1]:
        return product.inputs[0]
    return unary_operand(value, "square")


def _of_halves(graph: Graph, node: Node, a: Value, b: Value) -> Value | None:
    """The norm where ``a`` and ``b`` are the two halves of a tensor along an axis."""
    first, second = (producer(_unshaped(value), "slice") for value in (a, b))
    if first is None or second is None or first.inputs[0] is not second.inputs[0]:
        return None
    whole, shape = first.inputs[0], first.output.shape
    cut = [axis for axis, size in enumerate(shape) if size != whole.shape[axis]]
    if len(cut) != 1 or second.output.shape != shape:
        return None
    [axis] = cut
    half = shape[axis]
    starts = {each.integers("starts")[axis] for each in (first, second)}
    steps = {each.integers("steps")[axis] for each in (first, second)}
    if whole.shape[axis] != 2 * half or starts != {0, half} or (half > 1 and steps != {1}):
        return None
    result, outer = node.output.shape, math.prod(shape[:axis])
    at = next((i for i in range(len(result) + 1) if math.prod(result[:i]) == outer), None)
    if at is None:
        at, result = axis, shape
    pairs = _reshaped(graph, node, whole, (*result[:at], 2, *result[at:]))
    return emit(graph, node, "reduce", pairs, function="l2", axes=(at,), keep=False)


def _unshaped(value: Value) -> Value:
    while (node := producer(value, "reshape")) is not None:
        value = node.inputs[0]
    return value


def _reshaped(graph: Graph, node: Node, value: Value, shape: tuple[int, ...]) -> Value:
    if value.shape == shape:
        return value
    return emit(graph, node, "reshape", value, shape=shape)
