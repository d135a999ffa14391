"""The edits that fusion passes share."""

from __future__ import annotations

from edgecomp.ir import Graph, Node, Value
from edgecomp.passes.patterns import take_over


def supersede(graph: Graph, old: Node, new: Node) -> None:
    """Let ``new`` (already placed) take over the users and the result's name of ``old``.

    Names of results tie integer values to the float ones they stand for, so they outlive fusion.
    """
    take_over(graph, old.output, new.output)


def used_once(graph: Graph, node: Node) -> bool:
    """Whether one operand of one node is all that reads the result of ``node``."""
    return len(node.output.uses) == 1 and node.output not in graph.outputs


def part_of(graph: Graph, constant: Value, part: range) -> Value:
    """The slices ``part`` of a constant's outermost axis, such as the rows of output channels."""
    return graph.constant(constant.array[part.start : part.stop], constant.name)
