"""Convolutions whose windows do not overlap are linear layers on patches (or on pixels)."""

from __future__ import annotations

import math

from edgecomp.ir import Attribute, Graph, Node, RewritePass, Value, create


class ConvToLinear(RewritePass):
    """Patch embeddings and pointwise convolutions become slice, reshape, transpose and linear."""

    name = "conv_to_linear"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite one ungrouped convolution without padding."""
        if node.op != "conv" or not _applies(node):
            return False
        patches = _patches(graph, node)
        weight = node.inputs[1].array
        w = graph.constant(weight.reshape(weight.shape[0], -1), node.inputs[1].name)
        operands = [patches, w, node.inputs[2]]
        y = create(graph, "linear", operands, name=node.name, before=node).output
        rank = y.type.rank
        first = _put(graph, node, "transpose", y, permutation=(0, rank - 1, *range(1, rank - 1)))
        graph.replace(node.output, first)
        return True


def _applies(node: Node) -> bool:
    if not node.inputs[1].is_constant or node.integer("groups") != 1 or any(node.integers("pads")):
        return False
    sizes = zip(
        node.inputs[1].shape[2:],
        node.integers("strides"),
        node.integers("dilations"),
        node.output.shape[2:],
        strict=True,
    )
    return all(
        kernel == 1 or (dilation == 1 and (kernel == stride or count == 1))
        for kernel, stride, dilation, count in sizes
    )


def _patches(graph: Graph, node: Node) -> Value:
    """``[N, *P, C * prod(K)]``: the window of every position, in the order of the weights."""
    x, kernel, counts = node.inputs[0], node.inputs[1].shape[2:], node.output.shape[2:]
    batch, channels = x.shape[:2]
    x = _windows(graph, node, x)
    split = [size for pair in zip(counts, kernel, strict=True) for size in pair]
    x = _put(graph, node, "reshape", x, shape=(batch, channels, *split))
    positions = range(2, 2 + len(split), 2)
    taps = range(3, 3 + len(split), 2)
    x = _put(graph, node, "transpose", x, permutation=(0, *positions, 1, *taps))
    return _put(graph, node, "reshape", x, shape=(batch, *counts, channels * math.prod(kernel)))


def _windows(graph: Graph, node: Node, x: Value) -> Value:
    """Only the samples that some window covers."""
    kernel, counts = node.inputs[1].shape[2:], node.output.shape[2:]
    steps = tuple(
        stride if size == 1 and count > 1 else 1
        for stride, size, count in zip(node.integers("strides"), kernel, counts, strict=True)
    )
    stops = tuple(
        (count - 1) * step + 1 if size == 1 else count * size
        for count, step, size in zip(counts, steps, kernel, strict=True)
    )
    if stops == x.shape[2:] and all(step == 1 for step in steps):
        return x
    return _put(
        graph,
        node,
        "slice",
        x,
        starts=(0,) * x.type.rank,
        stops=(*x.shape[:2], *stops),
        steps=(1, 1, *steps),
    )


def _put(graph: Graph, node: Node, op: str, x: Value, **attributes: Attribute) -> Value:
    return create(graph, op, [x], attributes, before=node).output
