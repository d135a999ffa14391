"""Tiny-BioMoE: two experts see one image; a gate that they share weighs their features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from torch import nn

from edgecomp.zoo.biomoe.efficientvit import EfficientViT, EfficientViTConfig
from edgecomp.zoo.biomoe.images import spectrogram, waveform
from edgecomp.zoo.biomoe.spectformer import SpectFormer, SpectFormerConfig
from edgecomp.zoo.encoding import AS_IT_IS, RecordingEncoder
from edgecomp.zoo.recordings import RecordingError, cut_windows
from edgecomp.zoo.spec import Windows, ZooError

RENDERINGS = {"spectrogram": spectrogram, "waveform": waveform}


@dataclass(frozen=True)
class Config:
    """The sizes of the experts; both see the same image and give as many features."""

    spectformer: SpectFormerConfig = field(default_factory=SpectFormerConfig)
    efficientvit: EfficientViTConfig = field(default_factory=EfficientViTConfig)


class ImageNorm(nn.LayerNorm):
    """LayerNorm over a whole image, whose means are means of rows, then of columns and planes.

    onnxruntime adds the 150,528 float32 one after the other, in LayerNormalization as in
    ReduceMean, which costs two digits.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, 3, S, S] -> [B, 3, S, S]."""
        centred = x - _mean(x)
        variance = _mean(centred.square())
        return centred / (variance + self.eps).sqrt() * self.weight + self.bias


def _mean(x: torch.Tensor) -> torch.Tensor:
    """[B, C, H, W] -> [B, 1, 1, 1]."""
    for axis in (3, 2, 1):
        x = x.mean(dim=axis, keepdim=True)
    return x


class TinyBioMoE(RecordingEncoder):
    """Experts, gate and norms, under the names of the published checkpoint.

    Preparations: every channel of a recording becomes one image (see `images`); `none` takes
    images as they are. Raises ZooError when the experts do not go together.
    """

    preparations = (*RENDERINGS, AS_IT_IS)

    def __init__(self, config: Config) -> None:
        super().__init__()
        image, features = config.spectformer.image, config.spectformer.widths[-1]
        if (image, features) != (config.efficientvit.image, config.efficientvit.widths[-1]):
            raise ZooError(
                "the two experts differ in image size or number of features",
                "they share one image and one gate: make both sizes equal",
            )
        self.config = config
        self.enc1 = SpectFormer(config.spectformer)
        self.enc2 = EfficientViT(config.efficientvit)
        self.ln_img = ImageNorm((3, image, image))
        self.ln_e = nn.LayerNorm(features)
        self.ln_out = nn.LayerNorm(2 * features)
        self.fcn = nn.Sequential(nn.ELU(), nn.Linear(features, features), nn.Hardtanh(0, 1))

    def weigh(self, features: torch.Tensor) -> torch.Tensor:
        """Features of one expert [B, D], normalised, times the gate that sees them raw."""
        return cast(torch.Tensor, self.ln_e(features) * self.fcn(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """RGB image in [0, 1], [B, 3, S, S] -> embedding [B, 2 D]."""
        x = self.ln_img(x)
        second = self.weigh(self.enc2(x))  # first: the other needs memory where it needs no image
        first = self.weigh(self.enc1(x))
        return cast(torch.Tensor, self.ln_out(torch.cat([first, second], dim=1)))

    def windows_of(self, recording: Windows, preparation: str, notices: list[str]) -> Windows:
        """One image a channel, [C, 3, S, S], of a recording [C, T] or [T]; or images."""
        size = self.config.spectformer.image
        if preparation == AS_IT_IS:
            return cut_windows("the recording", recording, (3, size, size))
        if recording.ndim > 2:
            raise RecordingError(
                f"the recording: expected [channels, samples], found {list(recording.shape)}",
                f"images of your own are taken with preparation '{AS_IT_IS}'",
            )
        render = RENDERINGS[preparation]
        return np.stack([render(channel, size) for channel in np.atleast_2d(recording)])
