"""Find normalisation that is spelled out as means, differences and square roots.

The dividend and the statistic (a mean square, a sum of squares, a norm) are matched; what is made
of the statistic is a function ``f`` of one number and is compared with ``k / sqrt(v + epsilon)``
numerically, so it does not matter whether that is a quotient, a power, a variance over ``n - 1``,
``max(norm, epsilon)`` or ``deviation + epsilon``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Attribute, Graph, Node, RewritePass, Value, create
from edgecomp.passes.cone import elementwise, evaluate
from edgecomp.passes.patterns import inverse, orders, producer, unary_operand, uniform

TOLERANCE = 1e-5
SMALL = 1e-6
"""An epsilon (of the variance) up to which its place does not matter: forms that differ do so by
less than 1.5 times, and only for rows whose deviation is about its root: rows without signal."""
_LARGEST_CONE = 16
_GRID = np.geomspace(1e-12, 1e12, 97)
_ANYWHERE = np.sqrt(2.0) - 1.0 + TOLERANCE


@dataclass(frozen=True)
class _Statistic:
    """``value`` is ``count`` times the mean square of ``source`` over ``axes``, or its root.

    ``centred``: it is the variance instead.
    """

    value: Value
    source: Value
    axes: tuple[int, ...]
    centred: bool
    count: int = 1
    root: bool = False

    def at(self, v: np.ndarray) -> np.ndarray:
        """The value for rows of ``source`` whose mean square is ``v``."""
        return np.sqrt(v * self.count) if self.root else v * self.count


class RecognizeLayerNorm(RewritePass):
    """``(x - mean(x)) / sqrt(var(x) + epsilon)`` or ``x / sqrt(mean(x^2) + epsilon)``, any axes."""

    name = "recognize_layer_norm"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite the division, or the product with a reciprocal, at ``node``."""
        for dividend, factor, divides in _quotients(node):
            for statistic in _statistics(factor):
                fit = _fit(factor, divides, statistic)
                for value, gain in _with_gain(dividend) if fit is not None else []:
                    source = _normalised(value, statistic)
                    if source is not None and fit is not None:
                        rms = source is value
                        result = _emit(graph, node, source, statistic.axes, rms, *fit)
                        graph.replace(node.output, _scaled(graph, node, result, gain))
                        return True
        return False


def _quotients(node: Node) -> list[tuple[Value, Value, bool]]:
    """(dividend, other operand, whether that divides) in every way that ``node`` can be read."""
    if node.op == "div":
        pairs = [(node.inputs[0], node.inputs[1], True)]
    elif node.op == "mul":
        pairs = [(dividend, factor, False) for dividend, factor in orders(node)]
    else:
        return []
    return [pair for pair in pairs if pair[0].type == node.output.type and not pair[0].is_constant]


def _with_gain(dividend: Value) -> list[tuple[Value, Value | None]]:
    """``dividend`` as it is, and as x times a constant."""
    node = producer(dividend, "mul")
    found: list[tuple[Value, Value | None]] = [(dividend, None)]
    for x, gain in orders(node) if node is not None else []:
        if gain.is_constant and x.type == dividend.type:
            found.append((x, gain))
    return found


# -- statistics -------------------------------------------------------------------------------


def _statistics(value: Value) -> list[_Statistic]:
    """The statistics that ``value`` is computed from by elementwise nodes."""
    found: list[_Statistic] = []
    pending = [value]
    for _ in range(_LARGEST_CONE):
        if not pending:
            break
        current = pending.pop()
        statistic = _norm(current) or _mean_square(current) or _difference_of_squares(current)
        if statistic is not None:
            found.append(statistic)
            continue
        node = elementwise(current) or producer(current, "expand")
        pending += [] if node is None else [v for v in node.inputs if not v.is_constant]
    return found


def _reduced(value: Value, *functions: str) -> tuple[Value, tuple[int, ...], int] | None:
    """(x, axes, elements) where ``value`` is one of ``functions`` of x, axes kept."""
    node = producer(value, "reduce")
    if node is None or not node.flag("keep") or node.text("function") not in functions:
        return None
    source, axes = node.inputs[0], node.integers("axes")
    count = math.prod(source.shape[axis] for axis in axes)
    return (source, axes, count) if count > 1 else None


def _norm(value: Value) -> _Statistic | None:
    found = _reduced(value, "l2")
    if found is None:
        return None
    source, axes, count = found
    return _Statistic(value, source, axes, False, count, root=True)


def _mean_square(value: Value) -> _Statistic | None:
    for function in ("mean", "sum"):
        found = _reduced(value, function)
        source = None if found is None else unary_operand(found[0], "square")
        if found is not None and source is not None:
            count = found[2] if function == "sum" else 1
            return _Statistic(value, source, found[1], False, count)
    return None


def _difference_of_squares(value: Value) -> _Statistic | None:
    """The mean square less the squared mean."""
    node = producer(value, "sub")
    square = None if node is None else _mean_square(node.inputs[0])
    mean = None if node is None else unary_operand(node.inputs[1], "square")
    if square is None or mean is None or _mean(mean) != (square.source, square.axes):
        return None
    return _Statistic(value, square.source, square.axes, True)


def _mean(value: Value) -> tuple[Value, tuple[int, ...]] | None:
    """(x, axes) where ``value`` is the mean of x over axes that are kept."""
    above = producer(value, "expand")
    value = value if above is None else above.inputs[0]
    count = 1.0
    scaled = producer(value, "mul")
    if scaled is not None:
        factor = uniform(scaled.inputs[1])
        if not factor:
            return None
        value, count = scaled.inputs[0], 1.0 / factor
    found = _reduced(value, "mean", "sum")
    if found is None:
        return None
    mean = producer(value, "reduce")
    expected = found[2] if mean is not None and mean.text("function") == "sum" else 1.0
    return found[:2] if math.isclose(count, expected, rel_tol=TOLERANCE) else None


# -- matching ---------------------------------------------------------------------------------


def _normalised(dividend: Value, statistic: _Statistic) -> Value | None:
    """What ``dividend`` divided by a function of ``statistic`` is a normalisation of.

    ``dividend`` itself where its mean stays.
    """
    centre = _centre(dividend, statistic.axes)
    if statistic.centred:
        return centre if centre is statistic.source else None
    if statistic.source is dividend:
        return dividend if centre is None else centre
    same = centre is not None and _centre(statistic.source, statistic.axes) is centre
    return centre if same else None


def _centre(value: Value, axes: tuple[int, ...]) -> Value | None:
    """``x`` where ``value`` is ``x - mean(x)`` over ``axes``."""
    node = producer(value, "sub")
    if node is None or _mean(node.inputs[1]) != (node.inputs[0], axes):
        return None
    return node.inputs[0]


def _fit(factor: Value, divides: bool, statistic: _Statistic) -> tuple[float, float] | None:
    """(k, epsilon) where the quotient is ``k / sqrt(v + epsilon)`` for all v, or near enough."""
    above = producer(factor, "expand")
    factor = factor if above is None else above.inputs[0]
    v = np.append(0.0, _GRID)
    with np.errstate(all="ignore"):
        f = evaluate(factor, {statistic.value: statistic.at(v)}, [_LARGEST_CONE])
        if f is None or f.shape != v.shape:
            return None
        f = 1.0 / f if divides else f
        gain = float(f[-1] * np.sqrt(v[-1]))
        epsilon = float((gain / f[0]) ** 2) if np.isfinite(f[0]) else 0.0
        error = np.abs(f[1:] * np.sqrt(_GRID + epsilon) / gain - 1.0)
    if not (gain > 0.0 and np.isfinite(error).all() and math.isfinite(epsilon)):
        return None
    near = epsilon <= SMALL and error.max() < _ANYWHERE and error[_GRID > 1.0].max() < 2e-3
    return (gain, epsilon) if near or error.max() < TOLERANCE else None


# -- writing ----------------------------------------------------------------------------------


def _emit(
    graph: Graph,
    node: Node,
    source: Value,
    axes: tuple[int, ...],
    rms: bool,
    gain: float,
    epsilon: float,
) -> Value:
    """Normalisation over the last axes, with transposes around it where ``axes`` are others."""
    rank = source.type.rank
    kept = [axis for axis in range(rank) if axis not in axes]
    order = (*kept, *axes)
    moved = order != tuple(range(rank))
    x = source
    if moved:
        x = create(graph, "transpose", [x], {"permutation": order}, before=node).output
    shape = x.shape[len(kept) :]
    unit = 1.0 if math.isclose(gain, 1.0, rel_tol=TOLERANCE) else gain
    weight = graph.constant(np.full(shape, unit, np.float32), "gain")
    bias = graph.constant(np.zeros(shape, np.float32), "bias")
    attributes: dict[str, Attribute] = {"axis": len(kept), "epsilon": epsilon}
    attributes |= {"rms": True} if rms else {}
    y = create(graph, "layer_norm", [x, weight, bias], attributes, name=node.name, before=node)
    result = y.output
    if moved:
        back = {"permutation": inverse(order)}
        result = create(graph, "transpose", [result], {**back}, before=node).output
    return result


def _scaled(graph: Graph, node: Node, x: Value, gain: Value | None) -> Value:
    return x if gain is None else create(graph, "mul", [x, gain], before=node).output
