"""Sums of few squares as norms, whose 8-bit codes tell small values apart.

The square of a signal has twice its range in decibels, which 8 bits do not hold: the power of a
spectrum, a^2 + b^2, would be 0 in most of its bins. Of its root they hold what they hold of a and
b, and the functions behind it (root, logarithm) are tables of that.
"""

from __future__ import annotations

import math

from edgecomp.ir import Graph, Node, RewritePass, Value
from edgecomp.passes.patterns import emit, producer, unary_operand, used_once

FEW = 8
"""Sums of more squares vary less than the squares."""


class RecognizeNorms(RewritePass):
    """``a^2 + b^2`` and ``sum(x^2)`` over few elements -> the square of an l2 norm."""

    name = "recognize_norms"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite the sum ``node``."""
        if node.op == "add":
            norm = _of_two(graph, node)
        elif node.op == "reduce" and node.text("function") == "sum":
            norm = _of_axes(graph, node)
        else:
            return False
        if norm is None:
            return False
        square = emit(graph, node, "unary", norm, function="square")
        graph.replace(node.output, square)
        node.output.name, square.name = square.name, node.output.name
        return True


def _of_axes(graph: Graph, node: Node) -> Value | None:
    x = _squared(graph, node.inputs[0])
    if x is None or math.prod(x.shape[axis] for axis in node.integers("axes")) > FEW:
        return None
    return emit(graph, node, "reduce", x, **node.attributes | {"function": "l2"})


def _of_two(graph: Graph, node: Node) -> Value | None:
    a, b = (_squared(graph, value) for value in node.inputs)
    if a is None or b is None or a.shape != b.shape or a is b:
        return None
    both = _halves_of(a, b)
    if both is None:
        shape = (1, *a.shape)
        rows = [_reshaped(graph, node, value, shape) for value in (a, b)]
        both = emit(graph, node, "concat", *rows, axis=0), 0
    whole, axis = both
    norm = emit(graph, node, "reduce", whole, function="l2", axes=(axis,), keep=False)
    return _reshaped(graph, node, norm, node.output.shape)


def _squared(graph: Graph, value: Value) -> Value | None:
    """``x`` where ``value`` is ``x * x`` and nothing else needs it."""
    if not used_once(graph, value):
        return None
    product = producer(value, "mul")
    if product is not None and product.inputs[0] is product.inputs[1]:
        return product.inputs[0]
    return unary_operand(value, "square")


def _halves_of(a: Value, b: Value) -> tuple[Value, int] | None:
    """(z, axis) where ``a`` and ``b`` are all of z: its two elements along an axis."""
    first, second = (producer(_unshaped(value), "slice") for value in (a, b))
    if first is None or second is None or first.inputs[0] is not second.inputs[0]:
        return None
    z = first.inputs[0]
    cut = [i for i, size in enumerate(first.output.shape) if size != z.shape[i]]
    if len(cut) != 1 or second.output.shape != first.output.shape or z.shape[cut[0]] != 2:
        return None
    starts = {node.integers("starts")[cut[0]] for node in (first, second)}
    return (z, cut[0]) if starts == {0, 1} else None


def _unshaped(value: Value) -> Value:
    while (node := producer(value, "reshape")) is not None:
        value = node.inputs[0]
    return value


def _reshaped(graph: Graph, node: Node, value: Value, shape: tuple[int, ...]) -> Value:
    if value.shape == shape:
        return value
    return emit(graph, node, "reshape", value, shape=shape)
