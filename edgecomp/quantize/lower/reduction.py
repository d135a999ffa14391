"""``reduce`` -> ``q_reduce``; norms are in `norm.py`."""

from __future__ import annotations

import math

from edgecomp.ir import Attribute, Node
from edgecomp.quantize import requant
from edgecomp.quantize.assign import is_norm
from edgecomp.quantize.lower.context import Lowering, UnsupportedError, lowers, rescale_sum
from edgecomp.quantize.lower.norm import lower_norm


@lowers("reduce")
def lower_reduce(ctx: Lowering, node: Node) -> None:
    """Mean, sum, maximum or minimum over axes."""
    if is_norm(node):
        lower_norm(ctx, node)
        return
    function = node.text("function")
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
