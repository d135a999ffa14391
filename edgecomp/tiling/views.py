"""Values that need no layer: tensors that lie inside another tensor.

A reshape, a slice that is contiguous in its source, and a transpose or an expand that only moves
or adds axes of size one, is the source's memory at an offset. The operands of a concatenation
along its outermost axis lie in the result's memory, if layers write all of them. Columns of a
tensor lie in it with a pitch, where `in_place` marks the slice that reads them or the concatenation
that joins them (`fusion/columns_in_place.py`). Everything else is a layer and a tensor of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Graph, Node, Value

IN_PLACE = "in_place"
"""Attribute of a slice or a concatenation of columns: a view, by a pass that saw all its users."""


@dataclass(frozen=True)
class View:
    """``value`` is ``base``'s memory from byte ``offset`` on.

    ``pitch``: bytes from a row of ``value`` (its last axis) to the next; 0 where they touch.
    """

    base: Value
    offset: int
    pitch: int = 0


def is_view(node: Node) -> bool:
    """Whether the node's result lies in its operand's memory."""
    if node.inputs[0].is_constant:
        return False
    match node.op:
        case "reshape":
            return True
        case "slice":
            return _is_contiguous_slice(node) or IN_PLACE in node.attributes
        case "transpose":
            return _moves_unit_axes_only(node)
        case "expand":
            return node.inputs[0].type.size == node.output.type.size
        case "concat":
            return _is_written_in_place(node)
    return False


def _is_written_in_place(node: Node) -> bool:
    """Whether layers write the operands of a concatenation where its result needs them."""
    outer = node.output.shape[: node.integer("axis")]
    touching = all(size == 1 for size in outer) or IN_PLACE in node.attributes
    return touching and all(_whole(v) is node for v in node.inputs)


def _whole(value: Value) -> Node | None:
    """The concatenation that may hold ``value``: the first that reads it, and once only."""
    if value.producer is None or is_view(value.producer):
        return None
    readers = [user for user in value.users if user.op == "concat"]
    uses = [use for use in value.uses if readers and use[0] is readers[0]]
    return readers[0] if len(uses) == 1 else None


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
    offset = pitch = 0
    while value.producer is not None and is_view(value.producer):
        node = value.producer
        if node.op == "concat":
            return View(value, offset, pitch)
        if node.op == "slice":
            source = node.inputs[0].type
            if not _is_contiguous_slice(node):
                pitch = row_bytes(node.inputs[0])
            first = np.ravel_multi_index(node.integers("starts"), source.shape)
            offset += int(first) * source.dtype.bytes
        value = node.inputs[0]
    whole = _whole(value)
    if whole is not None and is_view(whole):
        before = whole.inputs[: whole.inputs.index(value)]
        if IN_PLACE in whole.attributes:
            columns = sum(row_bytes(v) for v in before)
            return View(whole.output, columns, row_bytes(whole.output))
        return View(whole.output, offset + sum(v.type.bytes for v in before), pitch)
    return View(value, offset, pitch)


def row_bytes(value: Value) -> int:
    """Bytes of a row: of all elements along the last axis."""
    return value.shape[-1] * value.type.dtype.bytes


def layers(graph: Graph) -> list[Node]:
    """The nodes that compute something, in execution order."""
    return [node for node in graph.nodes if not is_view(node)]
