"""Discrete Fourier transforms of real signals, as FFT or as products with constant matrices.

Both forms are the same linear map. Networks run with the FFT; a network that is exported for
a machine without one, or by an exporter that cannot express it, runs under `as_matrices`.
Complex numbers have an axis of two: real and imaginary part.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgecomp.fourier import (
    complex_matrix,
    half_spectrum_matrix,
    inverse_half_spectrum_matrix,
)

_MATRICES: ContextVar[bool] = ContextVar("fourier_as_matrices", default=False)


@contextmanager
def as_matrices() -> Iterator[None]:
    """Every transform within the block is computed by matrix products."""
    token = _MATRICES.set(True)
    try:
        yield
    finally:
        _MATRICES.reset(token)


class SpectralMagnitude(nn.Module):
    """The magnitude of the half spectrum along the last axis, divided by its length."""

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.samples = samples
        self.bins = samples // 2 + 1
        matrix = half_spectrum_matrix(samples).reshape(2 * self.bins, samples) / samples
        self.matrix: torch.Tensor
        self.register_buffer("matrix", _float32(matrix.T), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., samples] -> [..., samples // 2 + 1]."""
        if not _MATRICES.get():
            return cast(torch.Tensor, torch.fft.rfft(x, dim=-1, norm="forward").abs())
        parts = (x @ self.matrix).reshape(*x.shape[:-1], 2, self.bins)
        magnitude: torch.Tensor = torch.linalg.vector_norm(parts, dim=-2)
        return magnitude


class SpectralGate(nn.Module):
    """Multiplies the orthonormal 2-D half spectrum of an image, bin by bin and channel by channel.

    The half spectrum is over the width. In matrix form an image is never transposed: the four
    transforms multiply from the left.
    """

    def __init__(self, height: int, width: int, channels: int) -> None:
        super().__init__()
        self.height, self.width, self.bins = height, width, width // 2 + 1
        self.complex_weight = nn.Parameter(torch.zeros(height, self.bins, channels, 2))
        self._constant("rows", half_spectrum_matrix(width) * width**-0.5, 2 * self.bins)
        self._constant("columns", complex_matrix(height) * height**-0.5, 2 * height)
        inverse = complex_matrix(height, inverse=True) * height**-0.5
        self._constant("columns_back", inverse, 2 * height)
        self._constant("rows_back", inverse_half_spectrum_matrix(width) * width**0.5, width)
        self.rows: torch.Tensor
        self.columns: torch.Tensor
        self.columns_back: torch.Tensor
        self.rows_back: torch.Tensor

    def _constant(self, name: str, matrix: NDArray[np.float64], rows: int) -> None:
        self.register_buffer(name, _float32(matrix.reshape(rows, -1)), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, height, width, channels] -> the same shape."""
        if _MATRICES.get():
            return self._by_matrices(x)
        spectrum = torch.fft.rfft2(x, dim=(1, 2), norm="ortho")
        gated = spectrum * torch.view_as_complex(self.complex_weight)
        image: torch.Tensor = torch.fft.irfft2(
            gated, s=(self.height, self.width), dim=(1, 2), norm="ortho"
        )
        return image

    def _by_matrices(self, x: torch.Tensor) -> torch.Tensor:
        """The mean of each channel, bin 0, goes around: it would be the largest bin by far."""
        mean = x.mean(dim=(1, 2), keepdim=True)
        return self._without_mean(x - mean) + mean * self.complex_weight[0, 0, :, 0]

    def _without_mean(self, x: torch.Tensor) -> torch.Tensor:
        channels, half = x.shape[-1], (self.height, 2, self.bins, x.shape[-1])
        interleaved = (2 * self.height, self.bins * channels)
        spectrum = self.columns @ (self.rows @ x).reshape(-1, *interleaved)
        gated = self._gate(spectrum.reshape(-1, *half)).reshape(-1, *interleaved)
        back = (self.columns_back @ gated).reshape(-1, self.height, 2 * self.bins, channels)
        return self.rows_back @ back

    def _gate(self, spectrum: torch.Tensor) -> torch.Tensor:
        """The complex product with the weights, [B, height, 2, bins, channels]."""
        real, imaginary = spectrum[:, :, 0], spectrum[:, :, 1]
        gain, turn = self.complex_weight[..., 0], self.complex_weight[..., 1]
        return torch.stack([real * gain - imaginary * turn, real * turn + imaginary * gain], dim=2)


def _float32(matrix: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(matrix, dtype=np.float32))
