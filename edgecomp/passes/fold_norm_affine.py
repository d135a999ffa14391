"""The gain and bias of a layer normalisation move into the linear layers that read it."""

from __future__ import annotations

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, create


class FoldNormAffine(RewritePass):
    """``layer_norm`` becomes pure normalisation where every user is a ``linear``."""

    name = "fold_norm_affine"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Fold one normalisation."""
        if node.op != "layer_norm" or not _foldable(graph, node):
            return False
        gain, bias = (value.array for value in node.inputs[1:])
        for user in node.output.users:
            _fold(graph, user, gain, bias)
        ones = graph.constant(np.ones_like(gain), "gain")
        zeros = graph.constant(np.zeros_like(bias), "bias")
        operands = [node.inputs[0], ones, zeros]
        pure = create(graph, "layer_norm", operands, node.attributes, name=node.name, before=node)
        graph.replace(node.output, pure.output)
        return True


def _foldable(graph: Graph, node: Node) -> bool:
    if node.output in graph.outputs or not all(v.is_constant for v in node.inputs[1:]):
        return False
    gain, bias = (value.array for value in node.inputs[1:])
    if gain.ndim != 1 or ((gain == 1.0).all() and not bias.any()):
        return False
    return all(
        user.op == "linear" and all(v.is_constant for v in user.inputs[1:])
        for user in node.output.users
    )


def _fold(graph: Graph, user: Node, gain: np.ndarray, bias: np.ndarray) -> None:
    weight, offset = (value.array.astype(np.float64) for value in user.inputs[1:])
    new_offset = (offset + weight @ bias).astype(np.float32)
    new_weight = (weight * gain).astype(np.float32)
    w = graph.constant(new_weight, user.inputs[1].name)
    b = graph.constant(new_offset, user.inputs[2].name)
    new = create(graph, "linear", [user.inputs[0], w, b], name=user.name, before=user)
    graph.replace(user.output, new.output)
    graph.remove([user])
