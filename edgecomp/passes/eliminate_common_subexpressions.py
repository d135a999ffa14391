"""Compute what is computed twice only once: exporters repeat constants and index arithmetic."""

from __future__ import annotations

from collections.abc import Hashable

from edgecomp.ir import Graph, Node, Pass, Value, digest, lookup


class EliminateCommonSubexpressions(Pass):
    """One node for all nodes of equal operator, attributes and operands; equal constants too."""

    name = "eliminate_common_subexpressions"

    def run(self, graph: Graph) -> bool:
        """One forward sweep finds everything, since operands are merged before their users."""
        constants_merged = _merge_constants(graph)
        first: dict[Hashable, Node] = {}
        doomed = []
        for node in graph.nodes:
            kept = first.setdefault(_key(node), node)
            if kept is not node:
                for old, new in zip(node.outputs, kept.outputs, strict=True):
                    graph.replace(old, new)
                doomed.append(node)
        graph.remove(doomed)
        return constants_merged or bool(doomed)


def _merge_constants(graph: Graph) -> bool:
    first: dict[Hashable, Value] = {}
    changed = False
    for value in graph.constants():
        kept = first.setdefault((value.type, digest(value.array)), value)
        if kept is not value:
            graph.replace(value, kept)
            changed = True
    return changed


def _key(node: Node) -> Hashable:
    operands = [id(value) for value in node.inputs]
    if lookup(node.op).commutative:
        operands.sort()
    return node.op, tuple(operands), tuple(sorted(node.attributes.items()))
