"""Bring functions next to the layer that can apply them as a table."""

from __future__ import annotations

from edgecomp.ir import Graph, Node, RewritePass, create
from edgecomp.passes.patterns import emit, take_over
from edgecomp.quantize.assign import PRODUCTS
from edgecomp.quantize.functions import used_once

_ORDER_ONLY = frozenset({"reshape", "transpose"})


class HoistFunctions(RewritePass):
    """``unary(reshape(product))`` -> ``reshape(unary(product))``, and likewise for transposes.

    The function is then part of the product, whose 8-bit range suits it.
    """

    name = "hoist_functions"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Swap the function ``node`` with the movement before it, if a product is above."""
        movement = node.inputs[0].producer if node.op == "unary" else None
        if movement is None or movement.op not in _ORDER_ONLY or not _is_below(graph, movement):
            return False
        above = emit(graph, node, "unary", movement.inputs[0], **node.attributes)
        moved = create(
            graph,
            movement.op,
            [above],
            dict(movement.attributes),
            name=movement.name,
            before=node,
        )
        take_over(graph, node.output, moved.output)
        return True


def _is_below(graph: Graph, node: Node | None) -> bool:
    """Whether a product is reached upwards through movement and functions used only here."""
    while node is not None and used_once(graph, node.output):
        if node.op in PRODUCTS:
            return True
        if node.op != "unary" and node.op not in _ORDER_ONLY:
            return False
        node = node.inputs[0].producer
    return False
