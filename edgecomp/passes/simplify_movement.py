"""Shorten chains of data movement to the cheapest view of the value they start from.

Covers, whatever the spelling: no-op and merged reshapes, transposes that cancel or only move
axes of size one, slices of slices, gathers of neighbouring elements, expands that repeat nothing,
concatenations that put a tensor together again.
"""

from __future__ import annotations

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, Value, lookup
from edgecomp.passes.linear_form import MOVEMENT
from edgecomp.passes.views import COST, emit_view, plan_cost, plan_view

LARGEST = 1 << 24
"""Elements of the largest source that is followed element by element."""


class SimplifyMovement(RewritePass):
    """Replace a chain where a strictly cheaper one reads the same elements."""

    name = "simplify_movement"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite the chain that ends in ``node``."""
        chain = _chain(node)
        if chain is None:
            return False
        source, nodes = chain
        if node.op == "concat":
            return _shorten(graph, source, nodes)
        return any(
            _shorten(graph, nodes[first].inputs[0], nodes[first:]) for first in range(len(nodes))
        )


def _shorten(graph: Graph, source: Value, nodes: list[Node]) -> bool:
    """Replace the end of ``nodes``, which read ``source``, if that is cheaper."""
    end = nodes[-1]
    price = sum(COST[member.op] for member in nodes)
    if source.type.size > LARGEST or (price <= COST["reshape"] and not _idle(end)):
        return False
    plan = plan_view(source.shape, _index(source, nodes))
    if plan is None or plan_cost(plan) >= price:
        return False
    graph.replace(end.output, emit_view(graph, source, plan, end))
    return True


def _idle(node: Node) -> bool:
    return node.output.type == node.inputs[0].type


def _chain(node: Node) -> tuple[Value, list[Node]] | None:
    """The value that movement up to ``node`` starts from, and the nodes of the longest path."""
    if node.op == "concat":
        return _joining_chain(node)
    if node.op not in MOVEMENT:
        return None
    nodes = [node]
    while (above := nodes[-1].inputs[0].producer) is not None and above.op in MOVEMENT:
        nodes.append(above)
    source = nodes[-1].inputs[0]
    return None if source.is_constant else (source, nodes[::-1])


def _joining_chain(node: Node) -> tuple[Value, list[Node]] | None:
    """A concatenation of slices of one value (or of that value alone)."""
    sources = set()
    parts = []
    for value in node.inputs:
        part = value.producer if value.producer and value.producer.op == "slice" else None
        sources.add(value if part is None else part.inputs[0])
        parts += [] if part is None else [part]
    source = sources.pop()
    return None if sources or source.is_constant else (source, [*parts[:1], node])


def _index(source: Value, nodes: list[Node]) -> np.ndarray:
    identity = np.arange(source.type.size, dtype=np.int64).reshape(source.shape)
    known = {source: identity}
    for node in nodes:
        if node.op == "concat":
            parts = [_part(value, source, identity) for value in node.inputs]
            return lookup(node.op).evaluate(node, parts)[0]
        rest = [value.array for value in node.inputs[1:]]
        known[node.output] = lookup(node.op).evaluate(node, [known[node.inputs[0]], *rest])[0]
    return known[nodes[-1].output]


def _part(value: Value, source: Value, identity: np.ndarray) -> np.ndarray:
    if value is source or value.producer is None:
        return identity
    return lookup("slice").evaluate(value.producer, [identity])[0]
