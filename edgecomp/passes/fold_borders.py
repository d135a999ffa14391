"""Borders added before a convolution, or cut off behind it, are a matter of its padding."""

from __future__ import annotations

from edgecomp.ir import Graph, Node, RewritePass, Value, create
from edgecomp.passes.patterns import producer, used_once


class FoldBorders(RewritePass):
    """``conv(pad(x))`` and ``slice(conv(x))`` -> ``conv(x)`` with other pads: causal convolutions.

    The border must be of zeros, and the slice must leave a padding that is not negative.
    """

    name = "fold_borders"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Fold the border before the convolution ``node``, or the slice ``node`` into it."""
        if node.op == "conv":
            return _fold_pad(graph, node)
        return node.op == "slice" and _fold_slice(graph, node)


def _fold_pad(graph: Graph, node: Node) -> bool:
    pad = producer(node.inputs[0], "pad")
    if pad is None or pad.real("value") != 0.0:
        return False
    border, rank = pad.integers("pads"), pad.output.type.rank
    begins, ends = border[:rank], border[rank:]
    if any((*begins[:2], *ends[:2])):
        return False
    extra = (*begins[2:], *ends[2:])
    pads = tuple(a + b for a, b in zip(node.integers("pads"), extra, strict=True))
    _replace(graph, node, node, pad.inputs[0], pads)
    return True


def _fold_slice(graph: Graph, node: Node) -> bool:
    conv = producer(node.inputs[0], "conv")
    if conv is None or not used_once(graph, conv.output) or set(node.integers("steps")) != {1}:
        return False
    starts, stops, shape = node.integers("starts"), node.integers("stops"), conv.output.shape
    if any(starts[:2]) or stops[:2] != shape[:2]:
        return False
    pads = _pads_for(conv, starts[2:], stops[2:])
    if pads is None:
        return False
    _replace(graph, node, conv, conv.inputs[0], pads)
    return True


def _pads_for(
    conv: Node, starts: tuple[int, ...], stops: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The padding with which ``conv`` computes its results ``starts`` to ``stops`` only."""
    sizes, kernel = conv.inputs[0].shape[2:], conv.inputs[1].shape[2:]
    strides, dilations, pads = (conv.integers(key) for key in ("strides", "dilations", "pads"))
    begins, ends = [], []
    for axis, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        window = (kernel[axis] - 1) * dilations[axis] + 1
        begin = pads[axis] - start * strides[axis]
        end = max(0, (stop - start - 1) * strides[axis] + window - begin - sizes[axis])
        results = (begin + sizes[axis] + end - window) // strides[axis] + 1
        if begin < 0 or results != stop - start:
            return None
        begins.append(begin)
        ends.append(end)
    return (*begins, *ends)


def _replace(graph: Graph, node: Node, conv: Node, x: Value, pads: tuple[int, ...]) -> None:
    operands, attributes = [x, *conv.inputs[1:]], conv.attributes | {"pads": pads}
    new = create(graph, "conv", operands, attributes, name=conv.name, before=node)
    graph.replace(node.output, new.output)
