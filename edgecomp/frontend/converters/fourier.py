"""The discrete Fourier transform: a product with a constant matrix."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.fourier import complex_matrix, inverse_half_spectrum_matrix
from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.limits import excessive
from edgecomp.frontend.registry import converts

_AXIS_OPERAND = 20
"""The opset in which the axis became an operand, and another one its default."""


@converts("DFT")
def dft(call: Call) -> Operand:
    """DFT of ``[..., n, ..., 1 or 2]``; inverse and one-sided, it gives the real signal alone."""
    x = call.operand(0)
    rank, parts = len(x.shape), x.shape[-1]
    axis = call.axis(_axis(call), rank)
    if axis == rank - 1 or parts not in (1, 2):
        raise EdgecompError(f"a tensor of shape {tuple(x.shape)} is no signal along axis {axis}")
    matrix = _matrix(call, x.shape[axis], parts)
    order = [*(a for a in range(rank - 1) if a != axis), axis, rank - 1]
    turned = call.transpose(x, order)
    outer = tuple(turned.shape[:-2])
    rows = call.reshape(turned, (math.prod(outer), x.shape[axis] * parts))
    product = call.emit("matmul", rows, matrix.reshape(rows.shape[1], -1))
    spread = call.reshape(product, (*outer, *matrix.shape[2:]))
    return call.transpose(spread, [order.index(a) for a in range(rank)])


def _axis(call: Call) -> int:
    if call.opset < _AXIS_OPERAND:
        return call.integer("axis", 1)
    return call.numbers(2, "axis")[0] if call.has(2) else -2


def _matrix(call: Call, samples: int, parts: int) -> np.ndarray:
    """``M[samples, parts, results, parts of a result]``.

    The signal, or its half spectrum, is cut or filled with zeros to the length of the transform.
    """
    inverse, one_sided = call.integer("inverse", 0), call.integer("onesided", 0)
    length = call.numbers(1, "length")[0] if call.has(1) else None
    if length is None:
        length = 2 * (samples - 1) if inverse and one_sided else samples
    if length < 1 or excessive((max(samples, length), 2, length, 2)):
        raise EdgecompError(f"a transform of length {length} is not possible")
    whole = _whole(length, bool(inverse), bool(one_sided))
    matrix = np.zeros((samples, parts, *whole.shape[2:]), np.float32)
    used = min(samples, whole.shape[0])
    matrix[:used] = whole[:used, :parts]
    return matrix


def _whole(length: int, inverse: bool, one_sided: bool) -> np.ndarray:
    """The matrix for a complex signal, or half spectrum, of the right length."""
    if inverse and one_sided:
        return inverse_half_spectrum_matrix(length).transpose(2, 1, 0)[..., None]
    bins = length // 2 + 1 if one_sided else length
    matrix = complex_matrix(length, inverse=inverse)[:bins].transpose(2, 3, 0, 1)
    return matrix / length if inverse else matrix


@converts("STFT")
def stft(call: Call) -> Operand:
    """STFT of real signals ``[batch, samples, 1]`` as a convolution with windowed waves."""
    x = call.operand(0)
    if len(x.shape) == 3 and x.shape[2] == 2:
        raise Unsupported("its signal is complex", "transform real and imaginary part on their own")
    [step] = call.numbers(1, "frame step")
    window = call.array(2, "window").reshape(-1) if call.has(2) else None
    length = call.numbers(3, "frame length")[0] if call.has(3) else len(_given(window))
    if window is None:
        window = np.ones(length, np.float32)
    if len(window) != length or not 1 <= length <= x.shape[1] or excessive((length, length)):
        raise EdgecompError(f"{x.shape[1]} samples have no frames of {length} under this window")
    bins = length // 2 + 1 if call.integer("onesided", 1) else length
    waves = complex_matrix(length)[:bins, :, :, 0].swapaxes(0, 1) * window
    spectra = call.emit(
        "conv",
        call.reshape(x, (x.shape[0], 1, x.shape[1])),
        waves.reshape(2 * bins, 1, length).astype(np.float32),
        np.zeros(2 * bins, np.float32),
        strides=(step,),
        dilations=(1,),
        pads=(0, 0),
        groups=1,
    )
    parts = call.reshape(spectra, (x.shape[0], 2, bins, spectra.shape[2]))
    return call.transpose(parts, (0, 3, 2, 1))


def _given(window: np.ndarray | None) -> np.ndarray:
    if window is None:
        raise EdgecompError("it has neither a window nor a frame length")
    return window
