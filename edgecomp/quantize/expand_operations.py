"""Operations without an integer form of their own, in terms of those that have one."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.ir import Attribute, Graph, Node, RewritePass, Value, create
from edgecomp.ops.pool import divisors

FEW = 8
"""The sum of so few squares can be small or large: 8 bits of it would be few bits of its root."""

TINY = 1e-30
"""Keeps the direction of 0 finite; the square of any signal is far above it."""


class ExpandOperations(RewritePass):
    """Quotients, maxima of two activations, norms, and averages without their border.

    ``a / b`` -> ``a * reciprocal(b)``; ``maximum(a, b)`` -> ``a + relu(b - a)``,
    ``minimum(a, b)`` -> ``a - relu(a - b)``; the l2 norm -> the root of a sum of squares,
    or ``x . (x / |x|)`` where few are summed (the magnitude of a complex number); an average in
    which the border does not count -> one in which it does, times a constant.
    """

    name = "expand_operations"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Expand ``node`` if it is one of these."""
        rules = {
            "div": _quotient,
            "maximum": _maximum,
            "minimum": _minimum,
            "reduce": _norm,
            "pool": _average,
        }
        rule = rules.get(node.op)
        result = None if rule is None else rule(graph, node)
        if result is None:
            return False
        graph.replace(node.output, result)
        node.output.name, result.name = result.name, node.output.name
        return True


def _emit(graph: Graph, node: Node, op: str, *operands: Value, **attributes: Attribute) -> Value:
    return create(graph, op, operands, attributes, name=node.name, before=node).output


def _quotient(graph: Graph, node: Node) -> Value | None:
    dividend, divisor = node.inputs
    if divisor.is_constant:
        return None
    inverse = _emit(graph, node, "unary", divisor, function="reciprocal")
    return _emit(graph, node, "mul", dividend, inverse)


def _maximum(graph: Graph, node: Node) -> Value | None:
    a, b = node.inputs
    if a.is_constant or b.is_constant:
        return None
    excess = _emit(graph, node, "sub", b, a)
    return _emit(graph, node, "add", a, _emit(graph, node, "unary", excess, function="relu"))


def _minimum(graph: Graph, node: Node) -> Value | None:
    a, b = node.inputs
    if a.is_constant or b.is_constant:
        return None
    excess = _emit(graph, node, "sub", a, b)
    return _emit(graph, node, "sub", a, _emit(graph, node, "unary", excess, function="relu"))


def _norm(graph: Graph, node: Node) -> Value | None:
    if node.text("function") != "l2":
        return None
    x, axes = node.inputs[0], node.integers("axes")
    if axes == (x.type.rank - 1,) and x.shape[-1] <= FEW:
        return _short_norm(graph, node, x.shape[-1])
    squares = _emit(graph, node, "unary", x, function="square")
    total = _emit(graph, node, "reduce", squares, **node.attributes | {"function": "sum"})
    return _emit(graph, node, "unary", total, function="sqrt")


def _short_norm(graph: Graph, node: Node, size: int) -> Value:
    """``|x|`` as the product of x with its direction."""
    x = node.inputs[0]
    gain = graph.constant(np.full(size, size**-0.5, np.float32), "gain")
    bias = graph.constant(np.zeros(size, np.float32), "bias")
    options = {"axis": x.type.rank - 1, "epsilon": TINY, "rms": True}
    direction = _emit(graph, node, "layer_norm", x, gain, bias, **options)
    product = _emit(graph, node, "mul", x, direction)
    return _emit(graph, node, "reduce", product, **node.attributes | {"function": "sum"})


def _average(graph: Graph, node: Node) -> Value | None:
    counted = node.text("function") == "max" or node.flag("count_include_pad")
    if counted or not any(node.integers("pads")):
        return None
    attributes = node.attributes | {"count_include_pad": True}
    whole = _emit(graph, node, "pool", node.inputs[0], **attributes)
    share = math.prod(node.integers("kernel")) / divisors(node)
    factor = graph.constant(share.astype(np.float32), f"{node.output.name}_share")
    return _emit(graph, node, "mul", whole, factor)
