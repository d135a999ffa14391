"""Operations without an integer form of their own, in terms of those that have one."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, Value
from edgecomp.ops.pool import divisors
from edgecomp.passes.patterns import emit, take_over
from edgecomp.quantize.assign import is_norm

LONG = 1 << 13
"""Elements that may not fit a small L1, where a norm has all of them; their sum varies little."""


class ExpandOperations(RewritePass):
    """Quotients, maxima of two activations, norms, and averages without their border.

    ``a / b`` -> ``a * reciprocal(b)``; ``maximum(a, b)`` -> ``a + relu(b - a)``,
    ``minimum(a, b)`` -> ``a - relu(a - b)``; the l2 norm of a great many elements ->
    the root of a sum of squares; an average in which the border does not count -> one in which it
    does, times a constant.
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
        take_over(graph, node.output, result)
        return True


def _quotient(graph: Graph, node: Node) -> Value | None:
    dividend, divisor = node.inputs
    if divisor.is_constant:
        return None
    inverse = emit(graph, node, "unary", divisor, function="reciprocal")
    return emit(graph, node, "mul", dividend, inverse)


def _maximum(graph: Graph, node: Node) -> Value | None:
    a, b = node.inputs
    if a.is_constant or b.is_constant:
        return None
    excess = emit(graph, node, "sub", b, a)
    return emit(graph, node, "add", a, emit(graph, node, "unary", excess, function="relu"))


def _minimum(graph: Graph, node: Node) -> Value | None:
    a, b = node.inputs
    if a.is_constant or b.is_constant:
        return None
    excess = emit(graph, node, "sub", a, b)
    return emit(graph, node, "sub", a, emit(graph, node, "unary", excess, function="relu"))


def _norm(graph: Graph, node: Node) -> Value | None:
    if not is_norm(node):
        return None
    x = node.inputs[0]
    if math.prod(x.shape[axis] for axis in node.integers("axes")) <= LONG:
        return None
    squares = emit(graph, node, "unary", x, function="square")
    total = emit(graph, node, "reduce", squares, **node.attributes | {"function": "sum"})
    return emit(graph, node, "unary", total, function="sqrt")


def _average(graph: Graph, node: Node) -> Value | None:
    counted = node.text("function") == "max" or node.flag("count_include_pad")
    if counted or not any(node.integers("pads")):
        return None
    attributes = node.attributes | {"count_include_pad": True}
    whole = emit(graph, node, "pool", node.inputs[0], **attributes)
    share = math.prod(node.integers("kernel")) / divisors(node)
    factor = graph.constant(share.astype(np.float32), f"{node.output.name}_share")
    return emit(graph, node, "mul", whole, factor)
