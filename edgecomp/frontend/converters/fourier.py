"""The discrete Fourier transform: a product with a constant matrix."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.fourier import complex_matrix
from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.limits import excessive
from edgecomp.frontend.registry import converts

_AXIS_OPERAND = 20
"""The opset in which the axis became an operand, and another one its default."""


@converts("DFT")
def dft(call: Call) -> Operand:
    """DFT of a real or complex signal ``[..., n, ..., 1 or 2]``, forwards or inverse."""
    x = call.operand(0)
    rank, parts = len(x.shape), x.shape[-1]
    axis = call.axis(_axis(call), rank)
    if axis == rank - 1 or parts not in (1, 2):
        raise EdgecompError(f"a tensor of shape {tuple(x.shape)} is no signal along axis {axis}")
    matrix = _matrix(call, x.shape[axis], parts)
    order = [*(a for a in range(rank - 1) if a != axis), axis, rank - 1]
    turned = call.transpose(x, order)
    outer = tuple(turned.shape[:-2])
    rows = call.reshape(turned, (math.prod(outer), matrix.shape[0]))
    product = call.emit("matmul", rows, matrix)
    spread = call.reshape(product, (*outer, matrix.shape[1] // 2, 2))
    return call.transpose(spread, [order.index(a) for a in range(rank)])


def _axis(call: Call) -> int:
    if call.opset < _AXIS_OPERAND:
        return call.integer("axis", 1)
    return call.numbers(2, "axis")[0] if call.has(2) else -2


def _matrix(call: Call, samples: int, parts: int) -> np.ndarray:
    """``M[samples * parts, bins * 2]``; the signal is cut or filled with zeros to its length."""
    length = call.numbers(1, "length")[0] if call.has(1) else samples
    inverse, one_sided = call.integer("inverse", 0), call.integer("onesided", 0)
    if inverse and one_sided:
        raise Unsupported("it is inverse and one-sided", "give it the whole spectrum")
    if length < 1 or excessive((samples, parts, length, 2)):
        raise EdgecompError(f"a transform of length {length} is not possible")
    bins = length // 2 + 1 if one_sided else length
    whole = complex_matrix(length, inverse=bool(inverse)) / (length if inverse else 1)
    used = min(samples, length)
    matrix = np.zeros((samples, parts, bins, 2), np.float32)
    matrix[:used] = whole[:bins, :, :used, :parts].transpose(2, 3, 0, 1)
    return matrix.reshape(samples * parts, bins * 2)
