"""Batch normalisation with stored statistics is one product and one sum per channel."""

from __future__ import annotations

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, create


class ExpandBatchNorm(RewritePass):
    """``batch_norm`` -> ``mul`` and ``add`` by constants, which neighbours then absorb."""

    name = "expand_batch_norm"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite one normalisation with constant statistics."""
        if node.op != "batch_norm" or not all(v.is_constant for v in node.inputs[1:]):
            return False
        scale, bias, mean, variance = (v.array.astype(np.float64) for v in node.inputs[1:])
        gain = scale / np.sqrt(variance + node.real("epsilon"))
        channel = (-1, *[1] * (node.output.type.rank - 2))
        factor = graph.constant(gain.reshape(channel).astype(np.float32), "gain")
        offset = graph.constant((bias - mean * gain).reshape(channel).astype(np.float32), "bias")
        product = create(graph, "mul", [node.inputs[0], factor], name=node.name, before=node)
        total = create(graph, "add", [product.output, offset], name=node.name, before=node)
        graph.replace(node.output, total.output)
        return True
