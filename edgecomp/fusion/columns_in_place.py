"""Columns that lie in the whole tensor: of a concatenation that joins them, or cut from it.

A ``q_linear`` stores and reads blocks of rows, so its result may be columns of a wider tensor, and
its residual too. Without this pass each concatenation or slice of columns is a layer that copies.
"""

from __future__ import annotations

from edgecomp.ir import Graph, Node, RewritePass, Value
from edgecomp.ir.stated import flag
from edgecomp.tiling.views import IN_PLACE, is_view, resolve, row_bytes

_RESIDUAL = 4
_WORD = 4
"""Rows begin at multiples of it: checksums go by words."""


class ColumnsInPlace(RewritePass):
    """Mark concatenations and slices along the last axis that need no layer."""

    name = "columns_in_place"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """As :func:`mark`."""
        return mark(graph, node)


def mark(graph: Graph, node: Node) -> bool:
    """Mark ``node`` where all that writes or reads its columns does so in blocks of rows."""
    if is_view(node):
        return False
    joins = node.op == "concat" and _joins(graph, node)
    if joins or (node.op == "slice" and _is_read_in_place(graph, node)):
        node.attributes[IN_PLACE] = True
        return True
    return False


def _joins(graph: Graph, node: Node) -> bool:
    if node.integer("axis") != node.output.type.rank - 1:
        return False
    if any(user.op == "concat" for user in node.output.users):
        return False  # it may lie in what that one makes, which a view of parts cannot
    return all(_is_written_in_place(graph, node, value) for value in node.inputs)


def _is_written_in_place(graph: Graph, node: Node, value: Value) -> bool:
    used_here = [user for user, _ in value.uses] == [node] and value not in graph.outputs
    written = value.producer is not None and value.producer.op == "q_linear"
    return used_here and written and row_bytes(value) % _WORD == 0


def _is_read_in_place(graph: Graph, node: Node) -> bool:
    source, part = node.inputs[0], node.output
    if source.is_constant or part in graph.outputs or resolve(source).pitch:
        return False
    columns = source.shape[:-1] == part.shape[:-1] and node.integers("steps")[-1] == 1
    return columns and all(
        user.op == "q_linear" and flag(user, "residual") and place == _RESIDUAL
        for user, place in part.uses
    )
