"""Data movement: the same operator on integers; operands of a concatenation share one type."""

from __future__ import annotations

from edgecomp.ir import Node, Value, create
from edgecomp.quantize.lower.context import Lowering, lowers


@lowers("reshape", "transpose", "slice", "gather", "expand", "pad")
def lower_movement(ctx: Lowering, node: Node) -> None:
    """One operand moves; indices stay as they are."""
    operands = [ctx.value(node.inputs[0]), *node.inputs[1:]]
    inputs = [operands[0], *(ctx.tensor(v.array, v.name) for v in operands[1:])]
    _emit(ctx, node, inputs)


@lowers("concat")
def lower_concat(ctx: Lowering, node: Node) -> None:
    """All operands in the type of the result."""
    spec = ctx.assignment.spec(node.output)
    _emit(ctx, node, [ctx.view(value, spec) for value in node.inputs])


def _emit(ctx: Lowering, node: Node, inputs: list[Value]) -> None:
    made = create(
        ctx.graph, node.op, inputs, dict(node.attributes), name=node.name, result=node.output.name
    )
    ctx.bind(node.output, made.output)
