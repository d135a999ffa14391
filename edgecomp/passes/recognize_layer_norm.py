"""Find layer normalisation that is spelled out as means, differences and square roots."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, Value, create
from edgecomp.passes.patterns import orders, producer, unary_operand, uniform


class RecognizeLayerNorm(RewritePass):
    """``(x - mean(x)) / sqrt(var(x) + epsilon)`` over trailing axes becomes ``layer_norm``.

    The variance is the mean of the squared difference, or the mean square less the squared mean.
    """

    name = "recognize_layer_norm"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite the division, or the product with a reciprocal, at ``node``."""
        for centred, spread in _quotients(node):
            source = _centred(centred)
            found = None if source is None else _variance(spread, source, centred)
            if source is not None and found is not None:
                return _emit(graph, node, source, *found)
        return False


def _quotients(node: Node) -> list[tuple[Value, Value]]:
    """(dividend, variance + epsilon) in every way that ``node`` can be read."""
    if node.op == "div":
        root = unary_operand(node.inputs[1], "sqrt")
        return [] if root is None else [(node.inputs[0], root)]
    if node.op != "mul":
        return []
    found = []
    for dividend, factor in orders(node):
        inside = _under_inverse_root(factor)
        if inside is not None:
            found.append((dividend, inside))
    return found


def _under_inverse_root(value: Value) -> Value | None:
    """``v`` where ``value`` is ``v ** -0.5``."""
    power = producer(value, "pow")
    if power is not None and uniform(power.inputs[1]) == -0.5:
        return power.inputs[0]
    for outer, inner in (("reciprocal", "sqrt"), ("sqrt", "reciprocal")):
        middle = unary_operand(value, outer)
        inside = None if middle is None else unary_operand(middle, inner)
        if inside is not None:
            return inside
    return None


def _mean(value: Value) -> tuple[Value, int] | None:
    """(x, first axis) where ``value`` is the mean of x over its trailing axes, axes kept."""
    count = 1.0
    scaled = producer(value, "mul")
    if scaled is not None:
        factor = uniform(scaled.inputs[1])
        if not factor:
            return None
        value, count = scaled.inputs[0], 1.0 / factor
    node = producer(value, "reduce")
    if node is None or not node.flag("keep"):
        return None
    source, axes = node.inputs[0], node.integers("axes")
    expected = {"mean": 1.0, "sum": math.prod(source.shape[axis] for axis in axes)}
    wanted = expected.get(node.text("function"))
    trailing = axes == tuple(range(source.type.rank - len(axes), source.type.rank))
    if wanted is None or not axes or not trailing or not math.isclose(count, wanted, rel_tol=1e-5):
        return None
    return source, axes[0]


def _centred(value: Value) -> Value | None:
    """``x`` where ``value`` is ``x - mean(x)``."""
    node = producer(value, "sub")
    if node is None:
        return None
    mean = _mean(node.inputs[1])
    return node.inputs[0] if mean is not None and mean[0] is node.inputs[0] else None


def _variance(value: Value, source: Value, centred: Value) -> tuple[int, float] | None:
    """(axis, epsilon) where ``value`` is the variance of ``source`` plus epsilon."""
    node = producer(value, "add")
    if node is None:
        return None
    for variance, constant in orders(node):
        epsilon = uniform(constant)
        axis = _variance_axis(variance, source, centred)
        if epsilon is not None and axis is not None and axis == _axis_of(centred):
            return axis, epsilon
    return None


def _axis_of(centred: Value) -> int | None:
    node = producer(centred, "sub")
    mean = None if node is None else _mean(node.inputs[1])
    return None if mean is None else mean[1]


def _variance_axis(value: Value, source: Value, centred: Value) -> int | None:
    difference = producer(value, "sub")
    if difference is not None:
        mean = _mean(difference.inputs[0])
        squared_mean = unary_operand(difference.inputs[1], "square")
        inner = None if squared_mean is None else _mean(squared_mean)
        if mean is None or inner is None or inner != (source, mean[1]):
            return None
        return mean[1] if unary_operand(mean[0], "square") is source else None
    mean = _mean(value)
    squared = None if mean is None else unary_operand(mean[0], "square")
    if mean is None or squared is None:
        return None
    same = squared is centred or (_centred(squared) is source and _axis_of(squared) == mean[1])
    return mean[1] if same else None


def _emit(graph: Graph, node: Node, source: Value, axis: int, epsilon: float) -> bool:
    shape = source.shape[axis:]
    gain = graph.constant(np.ones(shape, np.float32), "gain")
    bias = graph.constant(np.zeros(shape, np.float32), "bias")
    attributes = {"axis": axis, "epsilon": epsilon}
    new = create(
        graph, "layer_norm", [source, gain, bias], {**attributes}, name=node.name, before=node
    )
    graph.replace(node.output, new.output)
    return True
