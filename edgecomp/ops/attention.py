"""``attention(q[B,T,H*D], k[B,S,H*D], v[B,S,H*E][, bias]) {heads, scale}``: multi-head attention.

Head ``h`` owns the channels ``h * D .. (h + 1) * D`` of q and k and ``h * E .. (h + 1) * E`` of v.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.types import DType, TensorType


@register
class Attention(Operator):
    """``softmax(q k^T * scale + bias) v`` in every head; bias broadcasts to ``[B, H, T, S]``."""

    name = "attention"

    def infer(self, node: Node) -> list[TensorType]:
        """``[B, T, H*E]``."""
        if len(node.inputs) not in (3, 4):
            raise OperandError(f"attention takes 3 or 4 operands, got {len(node.inputs)}")
        if any(value.type.dtype is not DType.F32 for value in node.inputs):
            raise OperandError("attention takes f32 operands")
        q, k, v = (value.shape for value in node.inputs[:3])
        heads = node.integer("heads")
        node.real("scale")
        fits = len(q) == len(k) == len(v) == 3 and q[0] == k[0] == v[0]
        if not fits or q[2] != k[2] or k[1] != v[1]:
            raise OperandError(f"attention: q {q}, k {k} and v {v} do not fit together")
        if heads < 1 or q[2] % heads or v[2] % heads:
            raise OperandError(f"attention: {heads} heads do not divide {q[2]} and {v[2]} channels")
        if len(node.inputs) == 4:
            _check_bias(node.inputs[3].shape, (q[0], heads, q[1], k[1]))
        return [TensorType((q[0], q[1], v[2]), DType.F32)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The definition, with the row maximum subtracted before the exponential."""
        scores = attention_scores(node, *operands[:2])
        v = split_heads(operands[2], node.integer("heads"))
        if len(operands) == 4:
            scores = scores + operands[3]
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (weights / weights.sum(axis=-1, keepdims=True)) @ v
        return [np.asarray(mixed.swapaxes(1, 2).reshape(node.output.shape), np.float32)]

    def macs(self, node: Node) -> int:
        """``B * T * S * (H*D + H*E)``: the two products."""
        q, k, v = (value.shape for value in node.inputs[:3])
        return q[0] * q[1] * k[1] * (q[2] + v[2])


def attention_scores(node: Node, q: np.ndarray, k: np.ndarray) -> np.ndarray:
    """``[B, H, T, S]``: ``q k^T * scale`` in every head."""
    q, k = (split_heads(x, node.integer("heads")) for x in (q, k))
    return np.asarray(q @ k.swapaxes(-1, -2) * np.float32(node.real("scale")))


def split_heads(x: np.ndarray, heads: int) -> np.ndarray:
    """``[B, T, H*D]`` -> ``[B, H, T, D]``."""
    batch, tokens, width = x.shape
    return x.reshape(batch, tokens, heads, width // heads).swapaxes(1, 2)


def _check_bias(shape: tuple[int, ...], scores: tuple[int, ...]) -> None:
    try:
        fits = np.broadcast_shapes(shape, scores) == scores
    except ValueError:
        fits = False
    if not fits:
        raise OperandError(f"attention: bias {shape} does not broadcast to scores {scores}")
