"""Tilers, one operator family a file; importing the package registers them."""

from edgecomp.tiling.layers import (
    attention,
    concat,
    convolution,
    copy,
    elementwise,
    gather,
    layer_norm,
    linear,
    matmul,
    mlp,
    pad,
    pool,
    reduce,
    rows,
    softmax,
)

__all__ = [
    "attention",
    "concat",
    "convolution",
    "copy",
    "elementwise",
    "gather",
    "layer_norm",
    "linear",
    "matmul",
    "mlp",
    "pad",
    "pool",
    "reduce",
    "rows",
    "softmax",
]
