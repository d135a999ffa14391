"""Values that need no layer: tensors that lie inside another tensor.

A reshape, a slice that is contiguous in its source, and a transpose or an expand that only moves
or adds axes of size one, is the source's memory at an offset. Everything else is a layer and a
tensor of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Graph, Node, Value


@dataclass(frozen=True)
class View:
    """``value`` is ``base``'s memory from byte ``offset`` on."""

    base: Value
    offset: int


def is_view(node: Node) -> bool:
    """Whether the node's result lies in its operand's memory."""
    if node.inputs[0].is_constant:
        return False
    match node.op:
        case "reshape":
            return True
        case "slice":
            return _is_contiguous_slice(node)
        case "transpose":
            return _moves_unit_axes_only(node)
        case "expand":
            return node.inputs[0].type.size == node.output.type.size
    return False


def _is_contiguous_slice(node: Node) -> bool:
    shape = node.inputs[0].shape
    taken = node.output.shape
    spans = zip(node.integers("steps"), taken, strict=True)
    if any(step != 1 and size > 1 for step, size in spans):
        return False
    cut = [axis for axis, (full, part) in enumerate(zip(shape, taken, strict=True)) if full != part]
    return not cut or all(size == 1 for size in taken[: cut[-1]])


def _moves_unit_axes_only(node: Node) -> bool:
    shape = node.inputs[0].shape
    kept = [axis for axis in node.integers("permutation") if shape[axis] != 1]
    return kept == sorted(kept)


def resolve(value: Value) -> View:
    """The tensor that holds ``value``, and where in it."""
    offset = 0
    while value.producer is not None and is_view(value.producer):
        node = value.producer
        if node.op == "slice":
            source = node.inputs[0].type
            first = np.ravel_multi_index(node.integers("starts"), source.shape)
            offset += int(first) * source.dtype.bytes
        value = node.inputs[0]
    return View(value, offset)


def layers(graph: Graph) -> list[Node]:
    """The nodes that compute something, in execution order."""
    return [node for node in graph.nodes if not is_view(node)]
