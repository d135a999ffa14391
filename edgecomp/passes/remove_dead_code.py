"""Delete nodes that no network output depends on."""

from __future__ import annotations

from edgecomp.ir import Graph, Pass


class RemoveDeadCode(Pass):
    """What nobody reads is not computed."""

    name = "remove_dead_code"

    def run(self, graph: Graph) -> bool:
        """Delete dead nodes."""
        return graph.remove_dead() > 0
