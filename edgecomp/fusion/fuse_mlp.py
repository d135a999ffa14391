"""``q_linear`` of type i8, then ``q_linear`` -> ``q_mlp``.

The hidden tensor, often the largest of a network, then never exists as a whole. A first layer
without a table (a ReLU needs none) gets one that changes nothing.
"""

from __future__ import annotations

import numpy as np

from edgecomp.fusion.replacement import supersede, used_once
from edgecomp.fusion.stored import constant_bytes
from edgecomp.ir import Attribute, Graph, Node, RewritePass, Value, create


class FuseMlp(RewritePass):
    """Fuse two linear layers where nothing else reads the tensor between them.

    Not where operands and constants of the fused layer take more than ``capacity`` bytes: the
    weights of both layers would have to be there at once.
    """

    name = "fuse_mlp"

    def __init__(self, capacity: int | None = None, accelerated: bool = False) -> None:
        self.capacity = capacity
        self.accelerated = accelerated

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Fuse ``node``, the second layer, with the first."""
        first = node.inputs[0].producer if node.op == "q_linear" else None
        if first is None or first.op != "q_linear" or not used_once(graph, first):
            return False
        if node.attributes.get("table") or not self._fits(first, node):
            return False
        attributes: dict[str, Attribute] = {
            key: node.attributes[key]
            for key in ("residual", "dtype", "scale", "zero")
            if key in node.attributes
        }
        attributes["shift1"], attributes["shift2"] = first.integer("shift"), node.integer("shift")
        operands = first.inputs[:4]
        table = first.inputs[4] if first.attributes.get("table") else _identity(graph)
        inputs = [*operands, table, *node.inputs[1:]]
        supersede(
            graph, node, create(graph, "q_mlp", inputs, attributes, name=node.name, before=node)
        )
        return True

    def _fits(self, first: Node, second: Node) -> bool:
        hidden = first.output
        tensors = {*first.inputs, *second.inputs, second.output} - {hidden}
        constants = sum(constant_bytes(node, self.accelerated) for node in (first, second))
        others = sum(value.type.bytes for value in tensors if not value.is_constant)
        return self.capacity is None or constants + others <= self.capacity


def _identity(graph: Graph) -> Value:
    return graph.constant(np.arange(-128, 128).astype(np.int8), "identity_table")
