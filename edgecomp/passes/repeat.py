"""Passes that enable each other, run until none of them changes anything."""

from __future__ import annotations

from collections.abc import Sequence

from edgecomp.ir import Graph, Pass

LIMIT = 64


class Repeat(Pass):
    """A group of passes, repeated.

    ``RuntimeError`` after ``LIMIT`` rounds, which would mean that two passes undo each other.
    """

    def __init__(self, name: str, passes: Sequence[Pass]) -> None:
        self.name = name
        self.passes = tuple(passes)

    def run(self, graph: Graph) -> bool:
        """Run to the fixed point."""
        changed = False
        for _ in range(LIMIT):
            if not any([item.run(graph) for item in self.passes]):
                return changed
            changed = True
        raise RuntimeError(f"{self.name} did not settle in {LIMIT} rounds")
