"""``conv_nhwc`` -> ``q_conv``, with the table behind it."""

from __future__ import annotations

import numpy as np

from edgecomp.ir import Attribute, Node, Value
from edgecomp.quantize.assign import Spec
from edgecomp.quantize.functions import Chain
from edgecomp.quantize.lower.context import Lowering, UnsupportedError, lowers, quantization_of
from edgecomp.quantize.lower.linear import fused_function
from edgecomp.quantize.lower.product import quantize_weights


@lowers("conv_nhwc")
def lower_conv(ctx: Lowering, node: Node) -> None:
    """A convolution that nothing is fused with."""
    spec = ctx.assignment.spec(node.output)
    ctx.bind(node.output, _emit(ctx, node, spec, spec, node.output, None))


def lower_conv_chain(ctx: Lowering, node: Node, chain: Chain) -> None:
    """A convolution with a function behind it."""
    inner, spec, codes = fused_function(ctx, chain)
    ctx.bind(chain.result, _emit(ctx, node, inner, spec, chain.result, codes))


def _emit(
    ctx: Lowering, node: Node, inner: Spec, spec: Spec, meaning: Value, codes: np.ndarray | None
) -> Value:
    x, weights, bias = node.inputs
    if not (weights.is_constant and bias.is_constant):
        raise UnsupportedError("its filters are computed; only constant filters are supported")
    narrow = ctx.narrow(x)
    rows = weights.array.reshape(weights.shape[0], -1)
    quantized = quantize_weights(
        rows, bias.array, quantization_of(narrow), inner.quantization, means=_means(ctx, node)
    )
    inputs = [
        narrow,
        ctx.tensor(quantized.weights.reshape(weights.shape), weights.name),
        ctx.tensor(quantized.parameters.multiplier, f"{weights.name}_multiplier"),
        ctx.tensor(quantized.parameters.bias, bias.name),
    ]
    attributes: dict[str, Attribute] = {
        key: node.attributes[key] for key in ("strides", "pads", "dilations", "groups")
    }
    attributes |= {"zero_x": narrow.type.zero_point, "shift": quantized.parameters.shift}
    if codes is not None:
        inputs.append(ctx.tensor(codes, f"{meaning.name}_table"))
        attributes["table"] = True
    return ctx.emit("q_conv", inputs, attributes, spec, node, meaning)


def _means(ctx: Lowering, node: Node) -> np.ndarray | None:
    """What each weight ``[O, KH * KW * C / groups]`` is multiplied with on average.

    The border is left out of account.
    """
    means = ctx.channel_means(node.inputs[0])
    if means is None:
        return None
    shape, groups = node.inputs[1].shape, node.integer("groups")
    by_row = np.repeat(means.reshape(groups, -1), shape[0] // groups, axis=0)
    return np.tile(by_row, (1, shape[1] * shape[2]))
