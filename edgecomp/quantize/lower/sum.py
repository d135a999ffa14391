"""``add`` and ``sub`` -> ``q_add``, or the residual addition of the linear layer before."""

from __future__ import annotations

import numpy as np

from edgecomp.ir import DType, Node, Quantization, Value
from edgecomp.quantize import requant
from edgecomp.quantize.assign import Spec
from edgecomp.quantize.lower.context import Lowering, farthest, lowers
from edgecomp.quantize.lower.linear import lower_linear_residual


@lowers("add", "sub")
def lower_sum(ctx: Lowering, node: Node) -> None:
    """``y = a + b`` or ``a - b``; operands keep the types they have."""
    if node in ctx.residuals:
        lower_linear_residual(ctx, node, ctx.residuals[node])
        return
    spec = ctx.assignment.spec(node.output)
    a, b = (
        _operand(ctx, value, other, spec)
        for value, other in zip(node.inputs, reversed(node.inputs), strict=True)
    )
    sign = -1 if node.op == "sub" else 1
    scale = spec.quantization.scale
    ratios = (a.type.scale / scale, sign * b.type.scale / scale)
    zeros = (a.type.zero_point, b.type.zero_point)
    offset = spec.quantization.zero_point - sum(r * z for r, z in zip(ratios, zeros, strict=True))
    multipliers, bias, shift = _parameters(ratios, offset, (a, b))
    attributes = {
        "multiplier_a": multipliers[0],
        "multiplier_b": multipliers[1],
        "bias": bias,
        "shift": shift,
    }
    ctx.bind(node.output, ctx.emit("q_add", [a, b], dict(attributes), spec, node, node.output))


def _operand(ctx: Lowering, value: Value, other: Value, spec: Spec) -> Value:
    """Activations as they are; constants in 16 bits, at the scale of the result if they fit.

    What saturates the result whatever ``other`` holds, a mask, is cut to what still does.
    """
    if not value.is_constant:
        return ctx.value(value)
    scale = spec.quantization.scale
    reach = 2 * scale * (spec.dtype.bounds[1] + 1) + _reach(ctx, other)
    largest = min(float(np.abs(value.array).max(initial=0.0)), reach)
    if spec.dtype is DType.I8 or largest > scale * 32767:
        scale = max(largest / 32767, scale * 2.0**-12)
    return ctx.constant(value, Spec(DType.I16, Quantization(scale)))


def _reach(ctx: Lowering, value: Value) -> float:
    """The largest magnitude that the codes of an activation stand for."""
    if value.is_constant:
        return 0.0
    integer = ctx.value(value)
    return farthest(integer) * integer.type.scale


def _parameters(
    ratios: tuple[float, float], offset: float, operands: tuple[Value, Value]
) -> tuple[tuple[int, int], int, int]:
    """Multipliers, bias and shift; the sum stays within int32 for all codes."""
    bounds = [float(max(-low, high)) for low, high in (v.type.dtype.bounds for v in operands)]
    if offset == 0 and all(abs(ratio) == 1.0 for ratio in ratios):
        return (round(ratios[0]), round(ratios[1])), 0, 0
    for shift in range(requant.MAX_SHIFT, -1, -1):
        first, second = (round(ratio * 2.0**shift) for ratio in ratios)
        bias = int(np.floor((offset + 0.5) * 2.0**shift))
        largest = bounds[0] * abs(first) + bounds[1] * abs(second) + abs(bias)
        if largest <= requant.INT32:
            return (first, second), bias, shift
    room = requant.INT32 // 4 / max(bounds)  # a sum that all but cancels: everything saturates
    first, second = (round(min(max(ratio, -room), room)) for ratio in ratios)
    return (first, second), round(min(max(offset, -requant.INT32 / 4), requant.INT32 / 4)), 0
