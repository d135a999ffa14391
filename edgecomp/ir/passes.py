"""The pass contract and the manager that verifies around every pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgecomp.ir.graph import Graph, Node
from edgecomp.ir.verify import VerificationError, verify

SWEEPS = 1000
"""Sweeps, and one more per node, after which a rewrite is taken to undo itself."""


class Pass(ABC):
    """One transformation of a graph; ``name`` says what it does."""

    name: str

    @abstractmethod
    def run(self, graph: Graph) -> bool:
        """Transform in place; true if anything changed."""


class RewritePass(Pass):
    """A pass made of one local rewrite, tried on every node until nothing changes."""

    @abstractmethod
    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Try to rewrite at ``node``; true if the graph changed (``node`` may then be dead)."""

    def run(self, graph: Graph) -> bool:
        """Sweep until a sweep changes nothing; ``VerificationError`` where that never happens."""
        for sweep in range(SWEEPS + len(graph.nodes)):
            if not self._sweep(graph):
                return sweep > 0
        raise VerificationError(f"pass {self.name} does not come to an end")

    def _sweep(self, graph: Graph) -> bool:
        changed = False
        for node in list(graph.nodes):
            if node.outputs and any(v.uses or v in graph.outputs for v in node.outputs):
                changed |= self.rewrite(graph, node)
        if changed:
            graph.remove_dead()
            graph.sort()
        return changed


@dataclass(frozen=True)
class PassResult:
    """What one pass did."""

    name: str
    modified: bool
    nodes_before: int
    nodes_after: int


def run_passes(
    graph: Graph,
    passes: Sequence[Pass],
    after_each: Callable[[Pass, Graph], None] | None = None,
) -> list[PassResult]:
    """Run ``passes`` in order with the verifier before and after each.

    ``after_each`` is called after every pass that changed the graph (equivalence checks in
    tests, dumps under ``--debug``).
    """
    verify(graph)
    results = []
    for item in passes:
        before = len(graph.nodes)
        modified = item.run(graph)
        verify(graph)
        if modified and after_each is not None:
            after_each(item, graph)
        results.append(PassResult(item.name, modified, before, len(graph.nodes)))
    return results
