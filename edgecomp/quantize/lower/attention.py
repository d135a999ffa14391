"""``attention`` -> ``q_attention``."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.ir import Attribute, Node, Value
from edgecomp.ir.fixed_point import (
    RAISED,
    exponential_table,
    softmax_parameters,
)
from edgecomp.ops.q_attention import DIVISOR_SHIFT
from edgecomp.quantize import requant
from edgecomp.quantize.lower.context import Lowering, UnsupportedError, lowers

LEAST_UNIT = 1e-8
"""Scores of smaller units are all equal as far as 8-bit exponentials can tell."""

MOST_KEYS = 32767
"""So many weights of 255 with values 255 away from their zero point sum up to an int32."""


@lowers("attention")
def lower_attention(ctx: Lowering, node: Node) -> None:
    """Multi-head attention; an additive bias or mask must be constant."""
    heads = node.integer("heads")
    q, k = ctx.narrow(node.inputs[0], symmetric=True), ctx.narrow(node.inputs[1])
    v = ctx.narrow(node.inputs[2])
    if node.real("scale") < 0:
        raise UnsupportedError("its scale is negative; negate the weights of the queries")
    unit = max(q.type.scale * k.type.scale * node.real("scale"), LEAST_UNIT)
    masked = len(node.inputs) == 4
    limit, multiplier, shift = softmax_parameters(unit, masked)
    _require_int32(q.shape[2] // heads, k.shape[1], limit if masked else 0)
    attributes: dict[str, Attribute] = {
        "heads": heads,
        "head_dim": q.shape[2] // heads,
        "value_dim": v.shape[2] // heads,
        "score_limit": limit,
        "score_multiplier": multiplier,
        "score_shift": shift,
        "v_zero": v.type.zero_point,
    }
    operands = [q, k, v, ctx.tensor(exponential_table(), "exponentials")]
    if masked:
        operands.append(_score_bias(ctx, node, unit, limit, q.shape[2] // heads))
    spec = ctx.assignment.spec(node.output)
    attributes |= _average(v.type.scale / spec.quantization.scale, spec.quantization.zero_point)
    ctx.bind(node.output, ctx.emit("q_attention", operands, attributes, spec, node, node.output))


def _average(ratio: float, zero: int) -> dict[str, Attribute]:
    """Multiplier, bias and shift for ``round(average * ratio + zero)`` with ``|average| <= 255``.

    The largest shift under which ``|a * r| + |bias|`` is an int32: with a and r rounded, the
    product is below ``multiplier * 2**-1 + 2**17``.
    """
    for shift in range(requant.MAX_SHIFT, -1, -1):
        multiplier = round(ratio * 2.0 ** (shift + DIVISOR_SHIFT))
        bias = math.floor((zero + 0.5) * 2.0**shift)
        product = multiplier // 2 + (1 << 17)
        room = requant.INT32 - (RAISED << shift)
        if multiplier <= requant.INT32 and product + abs(bias) <= room:
            break
    return {"multiplier": min(multiplier, requant.INT32), "bias": bias, "shift": shift}


def _distance(depth: int) -> int:
    """How far two products of ``depth`` int8 elements can be apart."""
    return 2 * depth * 128 * 128


def _require_int32(depth: int, keys: int, limit: int) -> None:
    """``UnsupportedError`` unless scores, their distances and weighted sums are int32.

    ``limit`` is the least bias that masks a key, or 0 without bias.
    """
    if keys > MOST_KEYS:
        raise UnsupportedError(
            f"its sums over {keys} keys do not fit 32 bits; attend to at most {MOST_KEYS}"
        )
    most = (requant.INT32 - limit) // (2 * _distance(1))
    if depth > most:
        raise UnsupportedError(
            f"its scores over {depth} elements a head do not fit 32 bits; at most {most} do"
        )


def _score_bias(ctx: Lowering, node: Node, unit: float, limit: int, depth: int) -> Value:
    """The bias in units of the score.

    Adding a number to a whole row changes nothing, so every row gets 0 as its largest; what no
    score can make up for is cut off.
    """
    bias = node.inputs[3]
    if not bias.is_constant:
        raise UnsupportedError("its bias or mask is computed; only constants are supported")
    batch, tokens, _ = node.inputs[0].shape
    shape = (batch, node.integer("heads"), tokens, node.inputs[1].shape[1])
    full = np.broadcast_to(bias.array.astype(np.float64), shape)
    if not (full == full[:1]).all():
        raise UnsupportedError("its bias differs within the batch; use batch size 1")
    rows = full[0] - full[0].max(axis=-1, keepdims=True)
    lowest = -float(limit + _distance(depth))
    return ctx.tensor(np.rint(np.maximum(rows / unit, lowest)).astype(np.int32), bias.name)
