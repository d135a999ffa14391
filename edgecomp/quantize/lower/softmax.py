"""``softmax`` -> ``q_softmax`` on the last axis."""

from __future__ import annotations

from edgecomp.ir import Node, Value, create
from edgecomp.ir.fixed_point import exponential_table, softmax_parameters
from edgecomp.quantize.lower.attention import LEAST_UNIT
from edgecomp.quantize.lower.context import Lowering, lowers, rescale, scalars

PROBABILITY_ONE = 1 << 16
"""Probabilities leave the kernel with 16 fraction bits."""


@lowers("softmax")
def lower_softmax(ctx: Lowering, node: Node) -> None:
    """Another axis is moved to the end and back."""
    axis, rank = node.integer("axis"), len(node.output.shape)
    order = (*(i for i in range(rank) if i != axis), axis)
    x = _transposed(ctx, ctx.value(node.inputs[0]), order, node)
    spec = ctx.assignment.spec(node.output)
    limit, multiplier, shift = softmax_parameters(max(x.type.scale, LEAST_UNIT))
    attributes = scalars(rescale(1 / PROBABILITY_ONE, 0, spec, 0, PROBABILITY_ONE))
    attributes |= {"score_limit": limit, "score_multiplier": multiplier, "score_shift": shift}
    operands = [x, ctx.tensor(exponential_table(), "exponentials")]
    direct = node.output if axis == rank - 1 else None
    result = ctx.emit("q_softmax", operands, attributes, spec, node, direct)
    back = tuple(order.index(i) for i in range(rank))
    ctx.bind(node.output, _transposed(ctx, result, back, node))


def _transposed(ctx: Lowering, x: Value, order: tuple[int, ...], node: Node) -> Value:
    if order == tuple(range(len(order))):
        return x
    return create(ctx.graph, "transpose", [x], {"permutation": order}, name=node.name).output
