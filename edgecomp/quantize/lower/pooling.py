"""``pool`` -> ``q_pool``: the float operator is channels first, the integer one channels last."""

from __future__ import annotations

import math

from edgecomp.ir import Attribute, Node, create
from edgecomp.quantize.lower.context import Lowering, UnsupportedError, lowers, rescale_sum


@lowers("pool")
def lower_pool(ctx: Lowering, node: Node) -> None:
    """Transposed, pooled, transposed back; one spatial axis is pooled as a row."""
    kernel, strides, pads = (_plane(node, key) for key in ("kernel", "strides", "pads"))
    average = node.text("function") == "average"
    value = node.inputs[0]
    x = ctx.narrow(value)
    flat = len(value.shape) == 3
    image = (*value.shape[:2], 1, value.shape[2]) if flat else value.shape
    first = create(ctx.graph, "reshape", [x], {"shape": image}).output if flat else x
    moved = create(ctx.graph, "transpose", [first], {"permutation": (0, 2, 3, 1)}, name=node.name)
    terms = math.prod(kernel) if average else 1
    low, high = (bound * terms for bound in x.type.dtype.bounds)
    spec = ctx.assignment.spec(node.output)
    attributes: dict[str, Attribute] = {
        "function": node.text("function"),
        "kernel": kernel,
        "strides": strides,
        "pads": pads,
        "zero_x": x.type.zero_point,
    }
    zero = x.type.zero_point * terms
    attributes |= rescale_sum(x.type.scale, zero, spec, low, high, 1 / terms)
    pooled = ctx.emit("q_pool", [moved.output], attributes, spec, node)
    back = create(ctx.graph, "transpose", [pooled], {"permutation": (0, 3, 1, 2)}, name=node.name)
    shape: dict[str, Attribute] = {"shape": node.output.shape}
    result = create(ctx.graph, "reshape", [back.output], shape).output if flat else back.output
    ctx.bind(node.output, result)


def _plane(node: Node, key: str) -> tuple[int, ...]:
    """The attribute ``key`` for two axes, in the order of ``q_pool``."""
    numbers = node.integers(key)
    neutral = 0 if key == "pads" else 1
    if len(node.inputs[0].shape) == 3:
        half = len(numbers) // 2
        if key == "pads":
            return (neutral, numbers[0], neutral, numbers[half])
        return (neutral, *numbers)
    if len(node.inputs[0].shape) != 4:
        raise UnsupportedError("only pooling over one or two axes is supported")
    return numbers
