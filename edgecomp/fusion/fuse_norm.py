"""``q_layer_norm``, then ``q_linear`` or ``q_mlp`` -> one of these with attribute ``norm``.

The normalised tensor stays in L1: what crosses L2 is the residual stream alone.
"""

from __future__ import annotations

from edgecomp.fusion.replacement import supersede, used_once
from edgecomp.ir import DType, Graph, Node, RewritePass, create
from edgecomp.ir.stated import flag
from edgecomp.ops.normalized import taken_over

_PRODUCTS = ("q_linear", "q_mlp")


class FuseNorm(RewritePass):
    """Fuse a normalisation without gain with the product that alone reads it."""

    name = "fuse_norm"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Fuse ``node``, the product, with the normalisation before it."""
        norm = node.inputs[0].producer if node.op in _PRODUCTS else None
        if norm is None or norm.op != "q_layer_norm" or not used_once(graph, norm):
            return False
        if flag(norm, "affine") or norm.output.type.dtype is not DType.I8:
            return False
        inputs = [norm.inputs[0], *node.inputs[1:]]
        attributes = node.attributes | taken_over(norm)
        fused = create(graph, node.op, inputs, attributes, name=node.name, before=node)
        supersede(graph, node, fused)
        return True
