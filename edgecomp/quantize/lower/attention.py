"""``attention`` -> ``q_attention``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Attribute, Node, Value
from edgecomp.ir.fixed_point import (
    EXPONENT_SPAN,
    RAISED,
    exponential_steps,
    exponential_table,
    softmax_parameters,
)
from edgecomp.ops.q_attention import DIVISOR_SHIFT
from edgecomp.quantize import requant
from edgecomp.quantize.calibrate import Scores
from edgecomp.quantize.lower.context import Lowering, UnsupportedError, lowers

LEAST_UNIT = 1e-8
"""Scores of smaller units are all equal as far as 8-bit exponentials can tell."""

MOST_SCORE_STEP = 0.08
"""Scores whose 8-bit step would be larger (in nats) keep 32 bits: weights would be 4 % off."""

SCORE_HEADROOM = 1.3
"""8-bit scores cover this many times the range expected: a clipped maximum evens out a row."""

LEAST_SCORE_MULTIPLIER = 64
"""A smaller multiplier misses the range of 8-bit scores by more than 1 %."""

MOST_KEYS = 32767
"""So many weights of 255 with values 255 away from their zero point sum up to an int32."""


@lowers("attention")
def lower_attention(ctx: Lowering, node: Node) -> None:
    """Multi-head attention; an additive bias or mask must be constant."""
    heads = node.integer("heads")
    masked = len(node.inputs) == 4
    q = ctx.narrow(node.inputs[0], symmetric=True)
    k = ctx.narrow(node.inputs[1], symmetric=not masked)
    v = ctx.narrow(node.inputs[2])
    if node.real("scale") < 0:
        raise UnsupportedError("its scale is negative; negate the weights of the queries")
    unit = max(q.type.scale * k.type.scale * node.real("scale"), LEAST_UNIT)
    depth = q.shape[2] // heads
    wide = _wide_scores(unit, masked)
    _require_int32(depth, k.shape[1], wide.limit if masked else 0)
    softmax = _narrow_scores(ctx.assignment.statistics.scores.get(node.output), unit, depth) or wide
    attributes: dict[str, Attribute] = {
        "heads": heads,
        "head_dim": depth,
        "value_dim": v.shape[2] // heads,
        "v_zero": v.type.zero_point,
    }
    attributes |= softmax.attributes
    operands = [q, k, v, ctx.tensor(softmax.table, "exponentials")]
    if masked:
        operands.append(_score_bias(ctx, node, unit, wide.limit, depth))
    spec = ctx.assignment.spec(node.output)
    attributes |= _average(v.type.scale / spec.quantization.scale, spec.quantization.zero_point)
    ctx.bind(node.output, ctx.emit("q_attention", operands, attributes, spec, node, node.output))


@dataclass(frozen=True)
class _Softmax:
    """How scores become weights: attributes and table; ``limit`` only of scores in 32 bits."""

    attributes: dict[str, Attribute]
    table: np.ndarray
    limit: int = 0


def _wide_scores(unit: float, masked: bool) -> _Softmax:
    limit, multiplier, shift = softmax_parameters(unit, masked)
    attributes: dict[str, Attribute] = {
        "score_dtype": "i32",
        "score_limit": limit,
        "score_multiplier": multiplier,
        "score_shift": shift,
    }
    return _Softmax(attributes, exponential_table(), limit)


def _narrow_scores(scores: Scores | None, unit: float, depth: int) -> _Softmax | None:
    """Scores in 8 bits; None where their range or their multiplier is too coarse for it.

    What lies ``EXPONENT_SPAN`` below the least row maximum has no weight in any row and may be
    clipped. The table has the step that the rounded multiplier makes.
    """
    if scores is None:
        return None
    high = scores.largest.expected_high
    least = scores.largest.expected_low - EXPONENT_SPAN
    low = max(scores.every.expected_low, least)
    step = max(SCORE_HEADROOM * (high - low) / 255, unit)
    if step > MOST_SCORE_STEP:
        return None
    bound = np.array([depth * 128.0 * 128.0])
    ratio, offset = np.array([unit / step]), np.array([-0.5 - (low + high) / 2 / step])
    found = requant.choose(ratio, offset, -bound, bound)
    multiplier = int(found.multiplier[0])
    if multiplier < LEAST_SCORE_MULTIPLIER:
        return None
    attributes: dict[str, Attribute] = {
        "score_dtype": "i8",
        "score_multiplier": multiplier,
        "score_offset": int(found.bias[0]),
        "score_shift": found.shift,
    }
    return _Softmax(attributes, exponential_steps(unit * 2.0**found.shift / multiplier))


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
    """The bias in units of the score, once where it is the same for the whole batch.

    Adding a number to a whole row changes nothing, so every row gets 0 as its largest; what no
    score can make up for is cut off.
    """
    bias = node.inputs[3]
    if not bias.is_constant:
        raise UnsupportedError("its bias or mask is computed; only constants are supported")
    batch, tokens, _ = node.inputs[0].shape
    shape = (batch, node.integer("heads"), tokens, node.inputs[1].shape[1])
    full = np.broadcast_to(bias.array.astype(np.float64), shape)
    if (full == full[:1]).all():
        full = full[0]
    rows = full - full.max(axis=-1, keepdims=True)
    lowest = -float(limit + _distance(depth))
    return ctx.tensor(np.rint(np.maximum(rows / unit, lowest)).astype(np.int32), bias.name)
