"""Elementwise functions -> a table in the layer before, ``q_table`` or ``q_requantize``."""

from __future__ import annotations

from edgecomp.ir import Node
from edgecomp.quantize.functions import Chain, only_saturates, table
from edgecomp.quantize.lower.context import Lowering, quantization_of
from edgecomp.quantize.lower.convolution import lower_conv_chain
from edgecomp.quantize.lower.linear import lower_linear_chain
from edgecomp.quantize.lower.norm import lower_norm_chain

_FUSED = {
    "linear": lower_linear_chain,
    "conv_nhwc": lower_conv_chain,
    "reduce": lower_norm_chain,
}
"""Who applies the function behind an operation itself."""


def lower_chain(ctx: Lowering, chain: Chain) -> None:
    """A whole chain, at its last node."""
    producer = chain.source.producer
    if producer is not None and ctx.tables.get(producer) is chain:
        _FUSED[producer.op](ctx, producer, chain)
        return
    last = chain.nodes[-1]
    spec = ctx.assignment.narrow(chain.result)
    histogram = ctx.assignment.histogram(chain.source)
    if only_saturates(chain.function, histogram.low, histogram.high, spec.quantization):
        _lower_saturation(ctx, chain)
        return
    x = ctx.narrow(chain.source, chain)
    if x is not ctx.value(chain.source) or chain.owns_source(ctx.source):
        ctx.mapping.pop(x.name, None)  # its range is the function's business: it means no value
    codes = table(chain.function, quantization_of(x), spec.quantization)
    operand = ctx.tensor(codes, f"{chain.result.name}_table")
    ctx.bind(chain.result, ctx.emit("q_table", [x, operand], {}, spec, last, chain.result))


def _lower_saturation(ctx: Lowering, chain: Chain) -> None:
    spec = ctx.assignment.narrow(chain.result)
    source = ctx.value(chain.source)
    result = ctx.requantize(source, spec, chain.result)
    if source.type.dtype is spec.dtype and chain.owns_source(ctx.source):
        ctx.mapping.pop(source.name, None)  # it may be cut already where the function cuts
        if source.type == result.type:
            ctx.mapping[source.name] = chain.result.name
    ctx.bind(chain.result, result)


def is_chain_end(ctx: Lowering, node: Node) -> bool:
    """Whether a chain ends with ``node``."""
    return len(node.outputs) == 1 and node.output in ctx.assignment.chains
