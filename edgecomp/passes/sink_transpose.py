"""Move transposes behind elementwise work and reductions, so that inverse pairs meet."""

from __future__ import annotations

import numpy as np

from edgecomp.ir import Attribute, Graph, Node, RewritePass, Value, create
from edgecomp.passes.patterns import inverse, producer, used_once

_ELEMENTWISE = frozenset({"add", "sub", "mul", "div", "pow", "maximum", "minimum"})

_PER_AXIS = {"slice": ("starts", "stops", "steps"), "pad": ("pads",)}
"""Attributes with one number per axis, or one for its begin and one for its end."""


class SinkTranspose(RewritePass):
    """``f(transpose(x))`` -> ``transpose(f(x))``, never increasing the number of transposes."""

    name = "sink_transpose"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Sink the transposes that ``node`` reads."""
        if node.op in _ELEMENTWISE:
            return _sink_elementwise(graph, node)
        if node.op == "concat":
            return _sink_concat(graph, node)
        above = producer(node.inputs[0], "transpose") if node.inputs else None
        if above is None or not used_once(graph, node.inputs[0]):
            return False
        permutation = above.integers("permutation")
        if node.op == "unary":
            return _finish(graph, node, [above.inputs[0]], node.attributes, permutation)
        if node.op == "softmax":
            axis = permutation[node.integer("axis")]
            return _finish(graph, node, [above.inputs[0]], {"axis": axis}, permutation)
        if node.op == "reduce":
            return _sink_reduction(graph, node, above.inputs[0], permutation)
        if node.op == "gather" and node.inputs[1].type.rank == 1:
            operands = [above.inputs[0], node.inputs[1]]
            axis = permutation[node.integer("axis")]
            return _finish(graph, node, operands, {"axis": axis}, permutation)
        if node.op in _PER_AXIS:
            attributes = {key: _aligned(node, key, permutation) for key in _PER_AXIS[node.op]}
            moved = node.attributes | attributes
            return _finish(graph, node, [above.inputs[0]], moved, permutation)
        return False


def _finish(
    graph: Graph,
    node: Node,
    operands: list[Value],
    attributes: dict[str, Attribute],
    permutation: tuple[int, ...],
) -> bool:
    new = create(graph, node.op, operands, attributes, name=node.name, before=node)
    back = create(graph, "transpose", [new.output], {"permutation": permutation}, before=node)
    graph.replace(node.output, back.output)
    return True


def _sink_elementwise(graph: Graph, node: Node) -> bool:
    permutation = _shared_permutation(graph, node)
    if permutation is None:
        return False
    operands = [_untransposed(graph, value, permutation) for value in node.inputs]
    return _finish(graph, node, operands, node.attributes, permutation)


def _shared_permutation(graph: Graph, node: Node) -> tuple[int, ...] | None:
    """The permutation of every operand that is not constant, if there is just one.

    At least one of the transposes must not be needed elsewhere.
    """
    found: set[tuple[int, ...]] = set()
    saved = False
    for value in node.inputs:
        above = producer(value, "transpose")
        if value.is_constant:
            continue
        if above is None or (node.op != "concat" and value.shape != node.output.shape):
            return None
        saved |= value not in graph.outputs and all(user is node for user in value.users)
        found.add(above.integers("permutation"))
    return found.pop() if saved and len(found) == 1 else None


def _untransposed(graph: Graph, value: Value, permutation: tuple[int, ...]) -> Value:
    above = producer(value, "transpose")
    if above is not None:
        return above.inputs[0]
    array = value.array
    aligned = array.reshape((1,) * (len(permutation) - array.ndim) + array.shape)
    return graph.constant(np.transpose(aligned, inverse(permutation)), value.name)


def _sink_concat(graph: Graph, node: Node) -> bool:
    permutation = _shared_permutation(graph, node)
    if permutation is None:
        return False
    operands = [_untransposed(graph, value, permutation) for value in node.inputs]
    axis = permutation[node.integer("axis")]
    return _finish(graph, node, operands, {"axis": axis}, permutation)


def _aligned(node: Node, key: str, permutation: tuple[int, ...]) -> tuple[int, ...]:
    """The attribute ``key`` in the order of the axes before the transpose."""
    numbers, rank = node.integers(key), len(permutation)
    order = inverse(permutation)
    return tuple(numbers[part + axis] for part in range(0, len(numbers), rank) for axis in order)


def _sink_reduction(graph: Graph, node: Node, source: Value, permutation: tuple[int, ...]) -> bool:
    axes = node.integers("axes")
    moved = tuple(sorted(permutation[axis] for axis in axes))
    keep = node.flag("keep")
    attributes: dict[str, Attribute] = {
        "function": node.text("function"),
        "axes": moved,
        "keep": keep,
    }
    if keep:
        return _finish(graph, node, [source], attributes, permutation)
    left = [axis for axis in permutation if axis not in moved]
    order = tuple(sorted(left).index(axis) for axis in left)
    return _finish(graph, node, [source], attributes, order)
