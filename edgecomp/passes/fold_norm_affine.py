"""The gain and bias of a layer normalisation move into the linear layers that read it.

Between them there may be data movement and means: each element is followed by the channel it
comes from, and a mean over elements of one channel commutes with that channel's gain and bias.
"""

from __future__ import annotations

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, Value, create, lookup
from edgecomp.passes.linear_form import MOVEMENT


class FoldNormAffine(RewritePass):
    """``layer_norm`` becomes pure normalisation where ``linear`` layers are all it reaches."""

    name = "fold_norm_affine"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Fold one normalisation over the last axis."""
        if node.op != "layer_norm" or not all(v.is_constant for v in node.inputs[1:]):
            return False
        gain, bias = (value.array for value in node.inputs[1:])
        if gain.ndim != 1 or ((gain == 1.0).all() and not bias.any()):
            return False
        channels = np.broadcast_to(np.arange(gain.size), node.output.shape)
        readers = _readers(graph, node.output, channels)
        if not readers:
            return False
        for reader, features in readers:
            _fold(graph, reader, gain[features], bias[features])
        ones = graph.constant(np.ones_like(gain), "gain")
        zeros = graph.constant(np.zeros_like(bias), "bias")
        operands = [node.inputs[0], ones, zeros]
        pure = create(graph, "layer_norm", operands, node.attributes, name=node.name, before=node)
        graph.replace(node.output, pure.output)
        return True


def _readers(
    graph: Graph, value: Value, channels: np.ndarray
) -> list[tuple[Node, np.ndarray]] | None:
    """The linear layers that read ``value``, with the channel of each of their input features.

    channels: the channel of each element of ``value``. None where anything else reads it.
    """
    if value in graph.outputs:
        return None
    found: list[tuple[Node, np.ndarray]] = []
    for user in value.users:
        if user.op == "linear" and all(v.is_constant for v in user.inputs[1:]):
            rows = channels.reshape(-1, channels.shape[-1])
            inner = [(user, rows[0])] if (rows == rows[0]).all() else None
        else:
            moved = _moved(user, channels)
            inner = None if moved is None else _readers(graph, user.output, moved)
        if inner is None:
            return None
        found += inner
    return found


def _moved(node: Node, channels: np.ndarray) -> np.ndarray | None:
    """The channel of each element of a node's result; None where channels mix."""
    if node.op in MOVEMENT:
        rest = [value.array for value in node.inputs[1:]]
        return lookup(node.op).evaluate(node, [channels, *rest])[0]
    if node.op != "reduce" or node.text("function") != "mean":
        return None
    axes, keep = node.integers("axes"), node.flag("keep")
    low = channels.min(axis=axes, keepdims=keep)
    return low if (low == channels.max(axis=axes, keepdims=keep)).all() else None


def _fold(graph: Graph, user: Node, gain: np.ndarray, bias: np.ndarray) -> None:
    weight, offset = (value.array.astype(np.float64) for value in user.inputs[1:])
    new_offset = (offset + weight @ bias).astype(np.float32)
    new_weight = (weight * gain).astype(np.float32)
    w = graph.constant(new_weight, user.inputs[1].name)
    b = graph.constant(new_offset, user.inputs[2].name)
    new = create(graph, "linear", [user.inputs[0], w, b], name=user.name, before=user)
    graph.replace(user.output, new.output)
    graph.remove([user])
