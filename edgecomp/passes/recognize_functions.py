"""Find functions of one variable (GELU, SiLU, ...) that exporters spell out as arithmetic.

A cone of elementwise nodes that depends on a single value and on uniform constants is a function
of one real variable. It is evaluated in double precision on a dense grid and compared with the
functions the IR knows, so the order of factors and the spelling of constants do not matter.
"""

from __future__ import annotations

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, Value, create
from edgecomp.ops.unary import FUNCTIONS
from edgecomp.passes.cone import BINARY, elementwise, evaluate

LARGEST_CONE = 24
TOLERANCE = 2e-6
"""Relative to max(1, |f|): constants are stored in single precision, and the closest pair of
known functions, the two GELUs, differs by 5e-4."""
_CANDIDATES = ("gelu", "gelu_tanh", "silu", "hard_swish", "mish", "sigmoid", "softplus")
_FAR = np.geomspace(10.0, 500.0, 40)
_GRID = np.concatenate([-_FAR[::-1], np.linspace(-10.0, 10.0, 801) + 1e-3, _FAR])
_KNOWN = {name: FUNCTIONS[name](_GRID) for name in _CANDIDATES}


class RecognizeFunctions(RewritePass):
    """An elementwise cone that equals a known function becomes one ``unary`` node."""

    name = "recognize_functions"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite the cone that ends in ``node``."""
        if node.op not in BINARY and node.op != "unary":
            return False
        for source in _cone(node):
            if source.type != node.output.type:
                continue
            function = _function(node, source)
            if function is not None:
                attributes = {"function": function}
                new = create(graph, "unary", [source], {**attributes}, name=node.name, before=node)
                graph.replace(node.output, new.output)
                return True
        return False


def _cone(node: Node) -> list[Value]:
    """Values behind ``node`` through elementwise nodes, farthest first."""
    found: dict[Value, None] = {}
    pending = list(node.inputs)
    while pending and len(found) < LARGEST_CONE:
        value = pending.pop(0)
        if value.is_constant or value in found:
            continue
        found[value] = None
        inner = elementwise(value)
        pending += [] if inner is None else inner.inputs
    return list(found)[::-1]


def _function(node: Node, source: Value) -> str | None:
    """The known function that ``node`` and at least one node above make of ``source``."""
    budget = [LARGEST_CONE]
    with np.errstate(all="ignore"):
        actual = evaluate(node.output, {source: _GRID}, budget)
    if actual is None or LARGEST_CONE - budget[0] < 2:
        return None
    if actual.shape != _GRID.shape or not np.isfinite(actual).all():
        return None
    for name, expected in _KNOWN.items():
        error = np.abs(actual - expected) / np.maximum(1.0, np.abs(expected))
        if error.max() < TOLERANCE:
            return name
    return None
