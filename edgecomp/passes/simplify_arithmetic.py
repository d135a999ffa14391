"""Bring elementwise arithmetic with constants into one form and drop what does nothing.

Afterwards constants are second operands, differences with a constant are sums, quotients by a
constant are products, and ``x * x``, ``x ** 2``, ``x ** 0.5`` are unary functions, so that the
passes behind need to know one spelling only.
"""

from __future__ import annotations

import numpy as np

from edgecomp.ir import DType, Graph, Node, RewritePass, Value, create
from edgecomp.passes.patterns import producer, uniform, used_once, with_constant

_NEUTRAL = {"add": 0.0, "mul": 1.0}
_POWERS = {2.0: "square", 0.5: "sqrt", -1.0: "reciprocal"}


class SimplifyArithmetic(RewritePass):
    """Normal forms of arithmetic with constants."""

    name = "simplify_arithmetic"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite one elementwise node."""
        rules = {
            "add": _simplify_commutative,
            "mul": _simplify_product,
            "sub": _difference_to_sum,
            "div": _quotient_to_product,
            "pow": _power_to_function,
            "unary": _negation_to_product,
        }
        rule = rules.get(node.op)
        return rule is not None and rule(graph, node)


def _put(graph: Graph, node: Node, op: str, *operands: Value) -> bool:
    new = create(graph, op, operands, name=node.name, before=node)
    graph.replace(node.output, new.output)
    return True


def _function(graph: Graph, node: Node, function: str, operand: Value) -> bool:
    attributes = {"function": function}
    new = create(graph, "unary", [operand], {**attributes}, name=node.name, before=node)
    graph.replace(node.output, new.output)
    return True


def _simplify_product(graph: Graph, node: Node) -> bool:
    if node.inputs[0] is node.inputs[1] and node.output.type.dtype is DType.F32:
        return _function(graph, node, "square", node.inputs[0])
    return _simplify_commutative(graph, node)


def _simplify_commutative(graph: Graph, node: Node) -> bool:
    """X + 0, x * 1; constants second; (x + a) + b = x + (a + b), same for products."""
    pair = with_constant(node)
    if pair is None or pair[1].array.dtype != np.float32:
        return False
    variable, constant = pair
    if uniform(constant) == _NEUTRAL[node.op] and variable.type == node.output.type:
        graph.replace(node.output, variable)
        return True
    if constant is node.inputs[0]:
        return _put(graph, node, node.op, variable, constant)
    inner = producer(variable, node.op)
    if inner is None or not used_once(graph, variable):
        return False
    return _merge_constants(graph, node, inner, constant)


def _merge_constants(graph: Graph, node: Node, inner: Node, constant: Value) -> bool:
    pair = with_constant(inner)
    if pair is None or not pair[1].is_constant:
        return False
    combine = np.add if node.op == "add" else np.multiply
    merged = combine(pair[1].array, constant.array)
    if merged.size > max(pair[1].array.size, constant.array.size):
        return False
    if not np.isfinite(merged).all():
        return False
    return _put(graph, node, node.op, pair[0], graph.constant(merged, constant.name))


def _difference_to_sum(graph: Graph, node: Node) -> bool:
    variable, constant = node.inputs
    if not constant.is_constant or constant.array.dtype != np.float32:
        return False
    return _put(graph, node, "add", variable, graph.constant(-constant.array, constant.name))


def _quotient_to_product(graph: Graph, node: Node) -> bool:
    dividend, divisor = node.inputs
    if uniform(dividend) == 1.0 and divisor.type == node.output.type:
        return _function(graph, node, "reciprocal", divisor)
    if not divisor.is_constant or divisor.array.dtype != np.float32:
        return False
    with np.errstate(all="ignore"):
        factor = (1.0 / divisor.array.astype(np.float64)).astype(np.float32)
    if not np.isfinite(factor).all():
        return False
    return _put(graph, node, "mul", dividend, graph.constant(factor, divisor.name))


def _power_to_function(graph: Graph, node: Node) -> bool:
    base, exponent = node.inputs
    power = uniform(exponent)
    if power is None or base.type != node.output.type or base.is_constant:
        return False
    if power == 1.0:
        graph.replace(node.output, base)
        return True
    function = _POWERS.get(power)
    return function is not None and _function(graph, node, function, base)


def _negation_to_product(graph: Graph, node: Node) -> bool:
    if node.text("function") != "neg":
        return False
    minus_one = graph.constant(np.array(-1.0, np.float32), "minus_one")
    return _put(graph, node, "mul", node.inputs[0], minus_one)
