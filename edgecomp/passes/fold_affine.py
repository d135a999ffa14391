"""Products and sums with constants per channel vanish into the weights next to them.

After a ``linear``, ``conv``, ``conv_nhwc`` or ``layer_norm``, and before one, where that is exact:
a sum before a convolution needs a convolution without padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, Value, create
from edgecomp.passes.patterns import along_axis, producer, used_once, with_constant


@dataclass(frozen=True)
class _Layer:
    """Where a layer has its channels.

    input_axis: of the operand, counted from the front or (negative) from the end; None where
    nothing can be folded from before. weight_axis: of the input channels in the weights.
    """

    output_axis: int
    input_axis: int | None
    weight_axis: int


_LAYERS = {
    "linear": _Layer(-1, -1, 1),
    "conv": _Layer(1, 1, 1),
    "conv_nhwc": _Layer(-1, -1, 3),
    "layer_norm": _Layer(-1, None, 0),
}


class FoldAffine(RewritePass):
    """Fold ``mul`` and ``add`` by constants into weights and biases."""

    name = "fold_affine"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Fold ``node`` into the layer before it, or what precedes the layer ``node`` into it."""
        if node.op in ("mul", "add"):
            return _fold_after(graph, node)
        layer = _LAYERS.get(node.op)
        if layer is None or layer.input_axis is None:
            return False
        return _fold_before(graph, node, layer, layer.input_axis)


def _fold_after(graph: Graph, node: Node) -> bool:
    pair = with_constant(node)
    inner = None if pair is None else producer(pair[0], *_LAYERS)
    if pair is None or inner is None or not _has_constant_weights(inner):
        return False
    if not used_once(graph, pair[0]) or pair[0].type != node.output.type:
        return False
    if inner.op == "layer_norm" and inner.integer("axis") != pair[0].type.rank - 1:
        return False
    axis = _LAYERS[inner.op].output_axis
    vector = along_axis(pair[1].array, pair[0].shape, axis)
    if vector is None:
        return False
    weight, bias = inner.inputs[1].array, inner.inputs[2].array
    if node.op == "mul":
        weight = weight * vector.reshape(-1, *[1] * (weight.ndim - 1))
        bias = bias * vector
    else:
        bias = bias + vector
    _rebuild(graph, node, inner, inner.inputs[0], weight, bias)
    return True


def _fold_before(graph: Graph, node: Node, layer: _Layer, axis: int) -> bool:
    inner = producer(node.inputs[0], "mul", "add")
    pair = None if inner is None else with_constant(inner)
    if inner is None or pair is None or not _has_constant_weights(node):
        return False
    if not used_once(graph, inner.output) or pair[0].type != inner.output.type:
        return False
    if inner.op == "add" and node.op != "linear" and any(node.integers("pads")):
        return False
    vector = along_axis(pair[1].array, pair[0].shape, axis)
    if vector is None:
        return False
    weight, bias = node.inputs[1].array, node.inputs[2].array
    factors = _per_input_channel(node, vector, weight, layer.weight_axis)
    if inner.op == "mul":
        weight = weight * factors
    else:
        products = weight.astype(np.float64) * factors
        bias = bias + products.reshape(len(bias), -1).sum(axis=1).astype(np.float32)
    _rebuild(graph, node, node, pair[0], weight, bias)
    return True


def _per_input_channel(node: Node, vector: np.ndarray, weight: np.ndarray, axis: int) -> np.ndarray:
    """``vector`` (one per input channel) broadcastable to ``weight``, groups considered."""
    groups = 1 if node.op == "linear" else node.integer("groups")
    per_output = np.repeat(vector.reshape(groups, -1), weight.shape[0] // groups, axis=0)
    shape = [1] * weight.ndim
    shape[0], shape[axis] = per_output.shape
    return per_output.reshape(shape)


def _has_constant_weights(node: Node) -> bool:
    return all(value.is_constant for value in node.inputs[1:])


def _rebuild(
    graph: Graph, old: Node, layer: Node, x: Value, weight: np.ndarray, bias: np.ndarray
) -> None:
    w = graph.constant(weight.astype(np.float32), layer.inputs[1].name)
    b = graph.constant(bias.astype(np.float32), layer.inputs[2].name)
    new = create(graph, layer.op, [x, w, b], layer.attributes, name=layer.name, before=old)
    graph.replace(old.output, new.output)
