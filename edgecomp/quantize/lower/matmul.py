"""``matmul`` of two activations -> ``q_matmul``."""

from __future__ import annotations

from edgecomp.ir import Attribute, Node
from edgecomp.quantize.lower.context import Lowering, farthest, lowers, rescale_sum


@lowers("matmul")
def lower_matmul(ctx: Lowering, node: Node) -> None:
    """Both operands int8 with zero points; a constant one as well."""
    a, b = (ctx.narrow(value) for value in node.inputs)
    spec = ctx.assignment.spec(node.output)
    reach = a.shape[-1] * farthest(a) * farthest(b)
    attributes: dict[str, Attribute] = {
        "zero_a": a.type.zero_point,
        "zero_b": b.type.zero_point,
        "transpose_b": False,
    }
    attributes |= rescale_sum(a.type.scale * b.type.scale, 0, spec, -reach, reach)
    ctx.bind(node.output, ctx.emit("q_matmul", [a, b], attributes, spec, node, node.output))
