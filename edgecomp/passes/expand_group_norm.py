"""Group and instance normalisation are layer normalisation of rows, then a factor per channel."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.ir import Attribute, Graph, Node, RewritePass, create


class ExpandGroupNorm(RewritePass):
    """``group_norm`` -> ``layer_norm`` of [N * groups, rest], ``mul`` and ``add`` by constants."""

    name = "expand_group_norm"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite one normalisation with constant gain and bias."""
        if node.op != "group_norm" or not all(v.is_constant for v in node.inputs[1:]):
            return False
        shape, groups = node.output.shape, node.integer("groups")
        rows = shape[0] * groups
        width = math.prod(shape) // rows
        flat = create(graph, "reshape", [node.inputs[0]], {"shape": (rows, width)}, before=node)
        unit = graph.constant(np.ones(width, np.float32), "gain")
        zero = graph.constant(np.zeros(width, np.float32), "bias")
        attributes: dict[str, Attribute] = {"axis": 1, "epsilon": node.real("epsilon")}
        operands = [flat.output, unit, zero]
        normal = create(graph, "layer_norm", operands, attributes, name=node.name, before=node)
        result = create(graph, "reshape", [normal.output], {"shape": shape}, before=node).output
        channel = (-1, *[1] * (len(shape) - 2))
        for op, value in zip(("mul", "add"), node.inputs[1:], strict=True):
            vector = graph.constant(value.array.reshape(channel), value.name)
            result = create(graph, op, [result, vector], name=node.name, before=node).output
        graph.replace(node.output, result)
        return True
