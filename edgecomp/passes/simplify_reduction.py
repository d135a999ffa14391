"""Bring reductions closer to what they reduce."""

from __future__ import annotations

import math

from edgecomp.ir import Graph, Node, RewritePass, Value, create
from edgecomp.passes.cone import elementwise
from edgecomp.passes.patterns import producer, used_once


class SimplifyReduction(RewritePass):
    """Reshapes around a reduction: kept axes instead of a reshape behind it or a function of it.

    A reshape before it that leaves the reduced axis alone goes behind it: less to move.
    """

    name = "simplify_reduction"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite a reduction, or the reshape of one."""
        if node.op == "reshape":
            return _keep_axes(graph, node)
        return node.op == "reduce" and _reduce_before_reshape(graph, node)


def _keep_axes(graph: Graph, node: Node) -> bool:
    """reshape(f(reduce(x))) that brings back the axes: f of a reduction that keeps them."""
    between: list[Node] = []
    value = node.inputs[0]
    while (inner := _function_of_one(value)) is not None and used_once(graph, value):
        between.insert(0, inner)
        value = next(v for v in inner.inputs if not v.is_constant)
    inner = producer(value, "reduce")
    if inner is None or inner.flag("keep") or not used_once(graph, inner.output):
        return False
    axes = inner.integers("axes")
    kept = tuple(1 if a in axes else n for a, n in enumerate(inner.inputs[0].shape))
    if node.output.shape != kept:
        return False
    attributes = inner.attributes | {"keep": True}
    new = create(graph, "reduce", [inner.inputs[0]], attributes, name=inner.name, before=node)
    for step in between:
        operands = [v if v.is_constant else new.output for v in step.inputs]
        new = create(graph, step.op, operands, step.attributes, name=step.name, before=node)
    graph.replace(node.output, new.output)
    return True


def _function_of_one(value: Value) -> Node | None:
    """The node that applies one function, with constants that are one number, to one value."""
    node = elementwise(value)
    if node is None:
        return None
    varying = [v for v in node.inputs if not v.is_constant]
    numbers = all(v.type.size == 1 for v in node.inputs if v.is_constant)
    same = len(varying) == 1 and varying[0].type == value.type
    return node if numbers and same else None


def _reduce_before_reshape(graph: Graph, node: Node) -> bool:
    """reduce(reshape(transpose(x))): the transpose is what becomes smaller."""
    reshape = producer(node.inputs[0], "reshape")
    if reshape is None or producer(reshape.inputs[0], "transpose") is None:
        return False
    axes, source = node.integers("axes"), reshape.inputs[0]
    if len(axes) != 1 or not used_once(graph, reshape.output):
        return False
    axis = _same_axis(source.shape, reshape.output.shape, axes[0])
    if axis is None:
        return False
    attributes = node.attributes | {"axes": (axis,), "keep": False}
    new = create(graph, "reduce", [source], attributes, name=node.name, before=node)
    shape = {"shape": node.output.shape}
    back = create(graph, "reshape", [new.output], {**shape}, before=node)
    graph.replace(node.output, back.output)
    return True


def _same_axis(before: tuple[int, ...], after: tuple[int, ...], axis: int) -> int | None:
    """The axis of ``before`` that is axis ``axis`` of ``after`` in a reshape between them."""
    outer = math.prod(after[:axis])
    for candidate, size in enumerate(before):
        if size == after[axis] and size > 1 and math.prod(before[:candidate]) == outer:
            return candidate
    return None
