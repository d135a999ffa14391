"""``q_attention(q, k, v, exp_table[, score_bias])``: multi-head attention, int8.

::

    q, k, v i8|u8[..., T or S, >= offset + heads * D or E], exp_table u8[256],
    score_bias i32[heads, T, S], the same for the whole batch, or i32[..., heads, T, S]
    attributes: heads, head_dim (D), value_dim (E), q_offset = 0, k_offset = 0, v_offset = 0,
        score_dtype = i32, score_multiplier, score_shift, v_zero,
        score_limit (for scores i32), score_offset (for scores i8),
        multiplier, bias, shift, dtype, scale, zero

    acc = q . k^T                                                   i32[..., heads, T, S]

    scores i32:
    s   = acc [+ score_bias]                                        i32[..., heads, T, S]
    p   = exp_table[(min(rowmax(s) - s, score_limit) * score_multiplier) >> score_shift]

    scores i8, without score_bias:
    s   = requantize(acc, score_multiplier, score_offset, score_shift)  i8[..., heads, T, S]
    p   = exp_table[rowmax(s) - s]

    sum = rowsum(p)                                                          int32
    o   = p . v - v_zero * sum                                               int32
    k   = max(bit_length(sum) - 10, 0)     d = (sum << 9) >> k               d < 2**19
    a   = (o + (1 << k >> 1)) >> k         r = (multiplier + d / 2) / d      divisions round down
    y   = requantize(a, r, bias, shift)                                      [..., T, heads * E]

``a * r`` is the average ``o / sum`` times ``multiplier / 2**9``: ``multiplier / 2**(shift + 9)`` is
the ratio of the scales of v and y. The multiplier is in [0, 2**31).

Head h reads columns ``offset + h * D`` (``h * E`` for v) and writes columns ``h * E``. q, k and v
may be one packed tensor. A u8 operand is an int8 one raised by 128. The zero point of q is 0; that
of k shifts whole rows of scores and cancels, except in scores i8, where it must be 0 too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    bit_length,
    exact_matmul,
    lowered,
    requantize,
    require_int32,
    softmax_weights,
)
from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.stated import (
    optional_integer,
    require_range,
    require_shape,
    require_types,
    stated_dtype,
    stated_type,
)
from edgecomp.ir.types import DType, TensorType

SUM_BITS = 10
"""Bits of the sum of weights by which a weighted sum is divided with a shift."""

DIVISOR_SHIFT = 9
"""More bits of the sum of weights, for what remains to be divided."""


def require_score_parameters(node: Node) -> None:
    """``OperandError`` unless every distance gives an index of the 256-entry table."""
    limit = require_range(node, "score_limit", 0, INT32_MAX)
    multiplier = require_range(node, "score_multiplier", 0, INT32_MAX)
    shift = require_range(node, "score_shift", 0, 31)
    if limit * multiplier > INT32_MAX or (limit * multiplier) >> shift > 255:
        raise OperandError(f"{node.op}: ({limit} * {multiplier}) >> {shift} is no table index")


def narrow_scores(node: Node) -> bool:
    """Whether the scores are kept in 8 bits; ``OperandError`` for any type but i8 and i32."""
    dtype = node.attributes.get("score_dtype", "i32")
    if dtype not in ("i8", "i32"):
        raise OperandError(f"{node.op}: score_dtype must be i8 or i32, got {dtype}")
    return dtype == "i8"


def row_scales(total: np.ndarray, multiplier: int) -> tuple[np.ndarray, np.ndarray]:
    """``k`` and ``r`` of the module's heading for sums of weights > 0, as int64."""
    k = np.maximum(bit_length(total) - SUM_BITS, 0)
    divisor = (total << DIVISOR_SHIFT) >> k
    return k, (multiplier + (divisor >> 1)) // divisor


def _heads(packed: np.ndarray, offset: int, heads: int, width: int) -> np.ndarray:
    """Columns ``offset ...`` of [..., T, C] as [..., heads, T, width]."""
    columns = packed[..., offset : offset + heads * width]
    return np.swapaxes(columns.reshape(*columns.shape[:-1], heads, width), -2, -3)


@register
class QAttention(Operator):
    """Softmax attention with 8-bit unnormalised weights."""

    name = "q_attention"

    def infer(self, node: Node) -> list[TensorType]:
        """``[..., T, heads * E]`` of the stated type."""
        x8 = (DType.I8, DType.U8)
        bias = [(DType.I32,)] * (len(node.inputs) == 5)
        require_types(node, x8, x8, x8, (DType.U8,), *bias)
        self._require_scores(node)
        require_range(node, "multiplier", 0, INT32_MAX)
        require_range(node, "shift", 0, 31)
        require_shape(node, 3, (256,))
        heads, value_dim = node.integer("heads"), node.integer("value_dim")
        q, k, v = (value.shape for value in node.inputs[:3])
        if not (len(q) == len(k) == len(v) >= 2 and q[:-2] == k[:-2] == v[:-2] and k[-2] == v[-2]):
            raise OperandError(f"q_attention: q {q}, k {k} and v {v} do not fit")
        self._require_columns(node)
        if bias:
            batch = q[:-2] if node.inputs[4].type.rank > 3 else ()
            require_shape(node, 4, (*batch, heads, q[-2], k[-2]))
        return [stated_type(node, (*q[:-1], heads * value_dim))]

    def _require_scores(self, node: Node) -> None:
        if not narrow_scores(node):
            require_score_parameters(node)
            return
        if len(node.inputs) == 5:
            raise OperandError("q_attention: scores i8 take no score_bias")
        require_range(node, "score_multiplier", 0, INT32_MAX)
        require_range(node, "score_offset", INT32_MIN, INT32_MAX)
        require_range(node, "score_shift", 0, 31)

    def _require_columns(self, node: Node) -> None:
        heads = node.integer("heads")
        for index, name in enumerate("qkv"):
            offset = optional_integer(node, f"{name}_offset")
            end = offset + heads * node.integer("value_dim" if name == "v" else "head_dim")
            if offset < 0 or end > node.inputs[index].shape[-1]:
                raise OperandError(f"q_attention: {name} has no columns {offset} to {end}")

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See the module's heading."""
        heads, depth, value_dim = (node.integer(k) for k in ("heads", "head_dim", "value_dim"))
        q = _heads(lowered(operands[0]), optional_integer(node, "q_offset"), heads, depth)
        k = _heads(lowered(operands[1]), optional_integer(node, "k_offset"), heads, depth)
        v = _heads(lowered(operands[2]), optional_integer(node, "v_offset"), heads, value_dim)
        scores = exact_matmul(q, np.swapaxes(k, -1, -2))
        if len(operands) == 5:
            scores = require_int32(scores + operands[4], "score + score_bias")
        p = self._weights(node, scores, operands[3])
        total = p.sum(axis=-1, keepdims=True, dtype=np.int64)
        o = require_int32(exact_matmul(p, v) - node.integer("v_zero") * total, "weighted sum")
        k, r = row_scales(total, node.integer("multiplier"))
        a = require_int32(o + (1 << k >> 1), "weighted sum and half a step") >> k
        y = requantize(a, r, node.integer("bias"), node.integer("shift"), stated_dtype(node))
        return [np.swapaxes(y, -2, -3).reshape(node.output.shape)]

    def _weights(self, node: Node, scores: np.ndarray, table: np.ndarray) -> np.ndarray:
        multiplier, shift = node.integer("score_multiplier"), node.integer("score_shift")
        if not narrow_scores(node):
            limit = node.integer("score_limit")
            return softmax_weights(scores, table, limit, multiplier, shift)
        offset = node.integer("score_offset")
        narrow = requantize(scores, multiplier, offset, shift, DType.I8).astype(np.int64)
        weights: np.ndarray = table[narrow.max(axis=-1, keepdims=True) - narrow]
        return weights

    def macs(self, node: Node) -> int:
        """Batch size * heads * T * S * (D + E)."""
        q, k = node.inputs[0].type, node.inputs[1].type
        depth = node.integer("head_dim") + node.integer("value_dim")
        return q.size // q.shape[-1] * k.shape[-2] * node.integer("heads") * depth
