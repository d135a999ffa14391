"""``linear`` -> ``q_linear``, with the table or the residual addition behind it."""

from __future__ import annotations

import numpy as np

from edgecomp.ir import Attribute, Node, Value
from edgecomp.quantize.assign import Spec
from edgecomp.quantize.functions import Chain, only_saturates, table
from edgecomp.quantize.lower.context import Lowering, UnsupportedError, lowers, quantization_of
from edgecomp.quantize.lower.product import quantize_weights


@lowers("linear")
def lower_linear(ctx: Lowering, node: Node) -> None:
    """A linear layer that nothing is fused with."""
    spec = ctx.assignment.spec(node.output)
    ctx.bind(node.output, _emit(ctx, node, spec, spec, node.output))


def lower_linear_residual(ctx: Lowering, add: Node, node: Node) -> None:
    """A linear layer whose result is added to the residual stream by ``add``."""
    spec = ctx.assignment.spec(add.output)
    other = add.inputs[0] if add.inputs[1] is node.output else add.inputs[1]
    residual = ctx.view(other, spec)
    result = _emit(ctx, node, spec, spec, add.output, [residual], {"residual": True})
    ctx.bind(add.output, result)


def lower_linear_chain(ctx: Lowering, node: Node, chain: Chain) -> None:
    """A linear layer with a function behind it."""
    inner, spec, codes = fused_function(ctx, chain)
    if codes is None:
        result = _emit(ctx, node, spec, spec, chain.result)
    else:
        operand = ctx.tensor(codes, f"{chain.result.name}_table")
        result = _emit(ctx, node, inner, spec, chain.result, [operand], {"table": True})
    ctx.bind(chain.result, result)


def fused_function(ctx: Lowering, chain: Chain) -> tuple[Spec, Spec, np.ndarray | None]:
    """Specifications before and behind ``chain``, and its table.

    There is no table where the function only cuts off what saturates anyway.
    """
    spec = ctx.assignment.narrow(chain.result)
    histogram = ctx.assignment.histogram(chain.source)
    if only_saturates(chain.function, histogram.low, histogram.high, spec.quantization):
        return spec, spec, None
    inner = ctx.assignment.narrow(chain.source, chain)
    return inner, spec, table(chain.function, inner.quantization, spec.quantization)


def _emit(
    ctx: Lowering,
    node: Node,
    inner: Spec,
    spec: Spec,
    meaning: Value,
    operands: list[Value] | None = None,
    attributes: dict[str, Attribute] | None = None,
) -> Value:
    """``inner`` is the type of the requantized product, ``spec`` that of the result."""
    x, weights, bias = node.inputs
    if not (weights.is_constant and bias.is_constant):
        raise UnsupportedError("its weights are computed; use a product of two activations")
    narrow = ctx.narrow(x)
    quantized = quantize_weights(
        weights.array, bias.array, quantization_of(narrow), inner.quantization, ctx.moments(x)
    )
    inputs = [
        narrow,
        ctx.tensor(quantized.weights, weights.name),
        ctx.tensor(quantized.parameters.multiplier, f"{weights.name}_multiplier"),
        ctx.tensor(quantized.parameters.bias, bias.name),
        *(operands or []),
    ]
    stated: dict[str, Attribute] = {"shift": quantized.parameters.shift}
    return ctx.emit("q_linear", inputs, stated | (attributes or {}), spec, node, meaning)
