"""``q_linear`` with a table, then ``q_linear`` -> ``q_mlp``.

The hidden tensor, often the largest of a network, then never exists as a whole.
"""

from __future__ import annotations

from edgecomp.fusion.replacement import supersede, used_once
from edgecomp.ir import Attribute, Graph, Node, RewritePass, create


class FuseMlp(RewritePass):
    """Fuse two linear layers where nothing else reads the tensor between them."""

    name = "fuse_mlp"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Fuse ``node``, the second layer, with the first."""
        first = node.inputs[0].producer if node.op == "q_linear" else None
        if first is None or first.op != "q_linear" or not used_once(graph, first):
            return False
        if not first.attributes.get("table") or node.attributes.get("table"):
            return False
        attributes: dict[str, Attribute] = {
            key: node.attributes[key]
            for key in ("residual", "dtype", "scale", "zero")
            if key in node.attributes
        }
        attributes["shift1"], attributes["shift2"] = first.integer("shift"), node.integer("shift")
        inputs = [*first.inputs, *node.inputs[1:]]
        supersede(
            graph, node, create(graph, "q_mlp", inputs, attributes, name=node.name, before=node)
        )
        return True
