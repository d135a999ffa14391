"""The l2 norm -> ``q_norm``, with the function behind it as a table of the root."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.ir import Attribute, DType, Node, Value
from edgecomp.ops.q_norm import (
    LIMIT,
    MOST_DROP,
    MOST_FRACTION,
    largest_sum,
    roots_of_entries,
)
from edgecomp.quantize.functions import Chain
from edgecomp.quantize.lower.context import Lowering, rescale, scalars

_ENOUGH = 1 << 24
"""Roots of 12 bits, of few elements: more add nothing to a result of 8, and take longer."""

_SPARE = 4
"""Bits of an operand of 16 that 12 bits of the root can do without."""


def lower_norm(ctx: Lowering, node: Node) -> None:
    """The root of a sum of squares, with what is behind the point where it is small."""
    x, attributes, unit = _root(ctx, node, _ENOUGH)
    spec = ctx.assignment.spec(node.output)
    bound = math.isqrt(LIMIT - 1)
    attributes |= scalars(rescale(unit, 0, spec, 0, bound))
    ctx.bind(node.output, ctx.emit("q_norm", [x], attributes, spec, node, node.output))


def lower_norm_chain(ctx: Lowering, node: Node, chain: Chain) -> None:
    """A norm with a function behind it."""
    x, attributes, unit = _root(ctx, node, LIMIT)
    spec = ctx.assignment.narrow(chain.result)
    values = chain.function(roots_of_entries() * unit)
    codes = spec.quantization.quantize(values.astype(np.float32), DType.I8)
    operand = ctx.tensor(codes, f"{chain.result.name}_table")
    ctx.bind(chain.result, ctx.emit("q_norm", [x, operand], attributes, spec, node, chain.result))


def _root(ctx: Lowering, node: Node, enough: int) -> tuple[Value, dict[str, Attribute], float]:
    """The operand, the attributes of its root, and the unit of that.

    The sums are below ``enough`` where no bits of the operand must be dropped for that.
    """
    x = ctx.value(node.inputs[0])
    zero = x.type.zero_point
    count = math.prod(x.shape[axis] for axis in node.integers("axes"))

    def largest(drop: int) -> int:
        return largest_sum(count, x.type.dtype, zero, drop)

    drop = next(bits for bits in range(MOST_DROP + 1) if largest(bits) < LIMIT)
    spare = _SPARE if x.type.dtype is DType.I16 else 0
    drop = next((bits for bits in range(drop, spare) if largest(bits) < enough), max(drop, spare))
    fits = [bits for bits in range(MOST_FRACTION + 1) if largest(drop) << 2 * bits < enough]
    fraction = max(fits, default=0)
    attributes: dict[str, Attribute] = {key: node.attributes[key] for key in ("axes", "keep")}
    attributes |= {"zero_x": zero, "drop": drop, "fraction": fraction}
    return x, attributes, x.type.scale * 2.0 ** (drop - fraction)
