"""``mul`` and ``div`` by constants -> ``q_mul``."""

from __future__ import annotations

import numpy as np

from edgecomp.ir import DType, Node, Quantization, Value
from edgecomp.quantize.lower.context import (
    Lowering,
    UnsupportedError,
    farthest,
    lowers,
    rescale,
    scalars,
)


@lowers("mul")
def lower_mul(ctx: Lowering, node: Node) -> None:
    """A product of two activations, or of one with a constant."""
    first, second = node.inputs
    if first.is_constant:
        _emit(ctx, node, _factor(ctx, second, first.array, first.name), ctx.value(second))
    elif second.is_constant:
        _emit(ctx, node, ctx.value(first), _factor(ctx, first, second.array, second.name))
    else:
        _emit(ctx, node, ctx.narrow(first), ctx.narrow(second))


@lowers("div")
def lower_div(ctx: Lowering, node: Node) -> None:
    """A quotient by a constant."""
    dividend, divisor = node.inputs
    if not divisor.is_constant or dividend.is_constant:
        raise UnsupportedError("write a / b with computed b as a * reciprocal(b)")
    factor = _factor(ctx, dividend, 1.0 / divisor.array, divisor.name)
    _emit(ctx, node, ctx.value(dividend), factor)


def _factor(ctx: Lowering, operand: Value, data: np.ndarray, name: str) -> Value:
    """A constant factor: int16 beside an int8 operand, int8 beside an int16 one.

    So the product leaves the multiplier 8 bits or more.
    """
    wide = ctx.assignment.spec(operand).dtype is DType.I16
    dtype = DType.I8 if wide else DType.I16
    largest = float(np.abs(data).max(initial=0.0))
    quantization = Quantization(largest / dtype.bounds[1] if largest > 0 else 1.0)
    return ctx.graph.constant(quantization.quantize(data, dtype), name, quantization)


def _emit(ctx: Lowering, node: Node, a: Value, b: Value) -> None:
    spec = ctx.assignment.spec(node.output)
    bound = farthest(a) * farthest(b)
    parameters = rescale(a.type.scale * b.type.scale, 0, spec, -bound, bound)
    zeros = {"zero_a": a.type.zero_point, "zero_b": b.type.zero_point}
    attributes = scalars(parameters) | zeros
    ctx.bind(node.output, ctx.emit("q_mul", [a, b], attributes, spec, node, node.output))
