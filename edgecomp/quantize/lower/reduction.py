"""``reduce`` -> ``q_reduce``, and the l2 norm -> ``q_norm``."""

from __future__ import annotations

import math

from edgecomp.ir import Attribute, Node
from edgecomp.ops.q_norm import MOST_FRACTION, largest_sum
from edgecomp.quantize import requant
from edgecomp.quantize.lower.context import (
    Lowering,
    UnsupportedError,
    lowers,
    rescale,
    rescale_sum,
    scalars,
)

_LARGEST = 1 << 24
"""Roots of 12 bits: more add nothing to a result of 8, and take longer."""


@lowers("reduce")
def lower_reduce(ctx: Lowering, node: Node) -> None:
    """Mean, sum, maximum or minimum over axes."""
    function = node.text("function")
    if function == "l2":
        _lower_norm(ctx, node)
        return
    if function not in ("mean", "sum", "max", "min"):
        raise UnsupportedError(f"there is no integer reduction {function}")
    x = ctx.value(node.inputs[0])
    count = math.prod(x.shape[axis] for axis in node.integers("axes"))
    if count * -x.type.dtype.bounds[0] > requant.INT32:
        x = ctx.narrow(node.inputs[0])
    terms = count if function in ("mean", "sum") else 1
    low, high = (bound * terms for bound in x.type.dtype.bounds)
    spec = ctx.assignment.spec(node.output)
    factor = 1 / count if function == "mean" else 1.0
    attributes: dict[str, Attribute] = {
        key: node.attributes[key] for key in ("function", "axes", "keep")
    }
    zero = x.type.zero_point * terms
    attributes |= rescale_sum(x.type.scale, zero, spec, low, high, factor)
    ctx.bind(node.output, ctx.emit("q_reduce", [x], attributes, spec, node, node.output))


def _lower_norm(ctx: Lowering, node: Node) -> None:
    """The root of a sum of squares, with what is behind the point where it is small."""
    x = ctx.narrow(node.inputs[0])
    count = math.prod(x.shape[axis] for axis in node.integers("axes"))
    largest = largest_sum(count, x.type.zero_point)
    fraction = max(f for f in range(MOST_FRACTION + 1) if f == 0 or largest << 2 * f < _LARGEST)
    root = math.isqrt(largest << 2 * fraction)
    spec = ctx.assignment.spec(node.output)
    attributes: dict[str, Attribute] = {key: node.attributes[key] for key in ("axes", "keep")}
    attributes |= {"zero_x": x.type.zero_point, "fraction": fraction}
    attributes |= scalars(rescale(x.type.scale, 0, spec, 0, root, 2.0**-fraction))
    ctx.bind(node.output, ctx.emit("q_norm", [x], attributes, spec, node, node.output))
