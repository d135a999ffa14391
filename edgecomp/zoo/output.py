"""The view of an encoder that is exported: one input, one output."""

from __future__ import annotations

import torch
from torch import nn

from edgecomp.zoo.fourier import as_matrices


class EncoderOutput(nn.Module):
    """Wraps an encoder and returns its first output alone.

    Published encoders return tuples whose further elements serve training only. The
    traced graph of this wrapper has the network's input and the head's output. Fourier
    transforms in it are products with constant matrices: no device that it is compiled for
    has another, and onnxruntime is more exact with them than with its DFT operator.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The first output for the network input x."""
        with as_matrices():
            result = self.encoder(x)
        first: torch.Tensor = result[0] if isinstance(result, tuple) else result
        return first
