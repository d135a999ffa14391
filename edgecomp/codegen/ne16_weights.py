"""Constants as NE16, the convolution engine of GAP9, reads them.

The layouts are those of the engine's model in GVSoC (``pulp/ne16/src/ne16_matrixvec.cpp``): weights
are unsigned, raised by half their range, and lie bit plane by bit plane in blocks of 16 input
channels. Activations are unsigned too: int8 values raised by 128, the same bits but the highest.
"""

from __future__ import annotations

import numpy as np

BLOCK = 16
"""Input channels of a block of weights."""

_RAISE = 128


def pack_weights(weights: np.ndarray, bits: int = 8) -> np.ndarray:
    """Weights of 1x1 jobs: signed ``[N, K]`` to u8 ``[N, ceil(K / 16), bits, 2]``.

    Bit ``k % 16`` of the 16-bit plane ``b`` is bit ``b`` of ``weights[n, k] + 2**(bits - 1)``;
    channels behind K have all bits clear. ValueError unless ``2 <= bits <= 8`` and the weights
    have ``bits`` bits.
    """
    planes = _planes(weights, bits)
    return np.packbits(planes, axis=-1, bitorder="little")


def pack_filter_weights(weights: np.ndarray, bits: int = 8) -> np.ndarray:
    """Weights of 3x3 jobs: signed ``[N, 3, 3, K]`` to u8 ``[N, ceil(K / 16), bits, 9, 2]``.

    For the depthwise mode N is 1 and K counts the channels. Bits and errors as in
    :func:`pack_weights`.
    """
    if weights.ndim != 4 or weights.shape[1:3] != (3, 3):
        raise ValueError(f"weights {weights.shape} are not [N, 3, 3, K]")
    planes = _planes(weights.reshape(len(weights), 9, -1), bits)
    ordered = np.ascontiguousarray(planes.transpose(0, 2, 3, 1, 4))
    return np.packbits(ordered, axis=-1, bitorder="little")


def _planes(weights: np.ndarray, bits: int) -> np.ndarray:
    """``[..., K]`` to 0 or 1 in ``[..., blocks, bits, 16]``."""
    half = 1 << (bits - 1)
    if not 2 <= bits <= 8:
        raise ValueError(f"weights of {bits} bits; NE16 has 2 to 8")
    if weights.size and not (-half <= weights.min() and weights.max() < half):
        raise ValueError(f"weights from {weights.min()} to {weights.max()} do not fit {bits} bits")
    *outer, depth = weights.shape
    blocks = -(-depth // BLOCK)
    raised = np.zeros((*outer, blocks * BLOCK), np.uint8)
    raised[..., :depth] = weights.astype(np.int16) + half
    values = raised.reshape(*outer, blocks, 1, BLOCK)
    return np.asarray((values >> np.arange(bits, dtype=np.uint8)[:, None]) & 1)


def raised_input_bias(bias: np.ndarray, multiplier: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The int32 ``[N]`` bias with which activations raised by 128 give the bits of ``q_linear``.

    ::

        sum_k (x + 128) w = acc + 128 W          W = sum_k w
        (acc + 128 W) M + (B - 128 W M) = acc M + B

    The engine cuts to 32 bits before it shifts, so all of it is arithmetic modulo 2**32: the bias
    and the products may wrap, as ``acc * M + B`` fits int32 in every ``q_linear``.
    """
    total = weights.reshape(len(weights), -1).sum(axis=1, dtype=np.int64)
    lowered = bias.astype(np.int64) - _RAISE * total * multiplier.astype(np.int64)
    wrapped: np.ndarray = (lowered & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return wrapped
