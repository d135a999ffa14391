"""EEG-DINO: a pre-norm transformer over one-second patches of EEG, in three sizes.

Shapes below: B batch, C channels, P patches of 200 samples, D width, N = C * P tokens.
Token index = channel * P + patch; from the second layer on, the global token stands first.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from edgecomp.zoo.eegdino.config import (
    CHANNEL_TABLE,
    GLOBAL_TOKEN_LAYER,
    PATCH,
    STEPS,
    STRIDE,
    Config,
    Size,
    check_config,
)
from edgecomp.zoo.eegdino.recordings import EegRecordings
from edgecomp.zoo.fourier import SpectralMagnitude
from edgecomp.zoo.spec import ZooError


class PatchEmbedding(nn.Module):
    """Sum of a temporal, a spectral and a channel embedding, then a convolution over patches."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, kernel, stride = 1, 49, STRIDE
        for outputs in size.convolutions:
            padding = (0, kernel // 2)
            layers += [
                nn.Conv2d(inputs, outputs, (1, kernel), (1, stride), padding),
                nn.GroupNorm(size.groups, outputs),
                nn.GELU(),
            ]
            inputs, kernel, stride = outputs, 3, 1
        self.proj_in = nn.Sequential(*layers)
        self.spectrum = SpectralMagnitude(PATCH)
        dropout = nn.Identity()  # keeps the published indices
        projection = nn.Linear(self.spectrum.bins, size.width)
        self.spectral_proj = nn.Sequential(projection, dropout)
        self.channel_embedding = nn.Linear(CHANNEL_TABLE, size.width)
        depthwise = nn.Conv2d(size.width, size.width, (1, 5), padding=(0, 2), groups=size.width)
        self.time_encoding = nn.Sequential(depthwise)

    def channel_vectors(self, channels: int) -> torch.Tensor:
        """The embedding of the first electrodes of the table, [channels, D]."""
        if channels > CHANNEL_TABLE:
            raise ZooError(
                f"{channels} channels are more than EEG-DINO has embeddings for",
                f"at most {CHANNEL_TABLE}: keep the electrodes of the 10-20 system",
            )
        weight = self.channel_embedding.weight
        rows = torch.eye(channels, CHANNEL_TABLE, dtype=weight.dtype, device=weight.device)
        return cast(torch.Tensor, self.channel_embedding(rows))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, C, P, 200] -> [B, C, P, D]."""
        channels, patches = x.shape[1], x.shape[2]
        temporal = self.proj_in(x.reshape(-1, 1, channels * patches, PATCH))
        temporal = temporal.transpose(1, 2).reshape(
            -1, channels, patches, temporal.shape[1] * STEPS
        )
        spectral = self.spectral_proj(self.spectrum(x))
        embedding = temporal + spectral + self.channel_vectors(channels)[:, None]
        over_patches = self.time_encoding(embedding.permute(0, 3, 1, 2))
        return cast(torch.Tensor, embedding + over_patches.permute(0, 2, 3, 1))


class Attention(nn.Module):
    """Multi-head self-attention; queries and values have a bias, keys have none."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        bias = torch.cat([self.q_bias, torch.zeros_like(self.v_bias), self.v_bias])
        joined = functional.linear(x, self.qkv.weight, bias)
        batch, tokens, width = x.shape
        split = joined.reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)
        mixed = (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
        return cast(torch.Tensor, self.proj(mixed))


class Mlp(nn.Module):
    """Two linear layers with the exact (erf) GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        return cast(torch.Tensor, self.fc2(functional.gelu(self.fc1(x))))


class Layer(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(size.width)
        self.attn = Attention(size.width, size.attention_heads)
        self.norm2 = nn.LayerNorm(size.width)
        self.mlp = Mlp(size.width, size.hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        x = x + self.attn(self.norm1(x))
        return cast(torch.Tensor, x + self.mlp(self.norm2(x)))


class ClassifierHead(nn.Module):
    """Mean over channels, mean over patches, each behind a linear layer, then an MLP."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.full_linear = nn.Linear(width, width)
        self.channel_linear = nn.Linear(width, width)
        self.classifier = nn.Sequential(
            nn.Linear(width, width // 2),
            nn.GELU(),
            nn.Identity(),  # dropout in training; keeps the published indices
            nn.Linear(width // 2, width // 4),
            nn.GELU(),
            nn.Identity(),
            nn.Linear(width // 4, classes),
        )

    def classify(self, tokens: torch.Tensor, channels: int) -> torch.Tensor:
        """Global token and tokens of so many channels, [B, 1 + N, D] -> logits [B, classes]."""
        x = functional.gelu(self.full_linear(tokens[:, 1:]))
        x = x.reshape(x.shape[0], channels, -1, x.shape[-1]).mean(dim=1)
        x = functional.gelu(self.channel_linear(x)).mean(dim=1)
        return cast(torch.Tensor, self.classifier(x))


class EegDino(EegRecordings):
    """The encoder without a head: the tokens of all patches."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        check_config(config)
        self.config = config
        size = config.size
        self.global_tokens = nn.Parameter(torch.zeros(1, 1, size.width))
        self.patch_embedding = PatchEmbedding(size)
        self.encoder_layers = nn.ModuleList(Layer(size) for _ in range(size.layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Microvolt / 100, [B, C, P, 200] -> tokens, the global one first, [B, 1 + N, D]."""
        tokens = self.patch_embedding(x).flatten(1, 2)
        for index, layer in enumerate(self.encoder_layers):
            if index == GLOBAL_TOKEN_LAYER:
                first = self.global_tokens.expand(tokens.shape[0], -1, -1)
                tokens = torch.cat([first, tokens], dim=1)
            tokens = layer(tokens)
        return cast(torch.Tensor, tokens)


class EegDinoClassifier(EegRecordings, ClassifierHead):
    """The encoder and its classifier, named as in the published fine-tuning code."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.size.width, config.classes)
        self.config = config
        self.encoder = EegDino(config)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Microvolt / 100, [B, C, P, 200] -> logits [B, classes]."""
        return self.classify(self.encoder(x), x.shape[1])
