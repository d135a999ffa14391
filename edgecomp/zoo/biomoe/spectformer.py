"""SpectFormer: four stages of tokens, the first two mixed by a spectral gate, then by attention.

Shapes below: B batch, H x W tokens of a stage, N = H * W row-major, D width of the stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from edgecomp.zoo.fourier import SpectralGate

EPSILON = 1e-6
"""Of every LayerNorm except those of the stem and of down-sampling, which have torch's 1e-5."""
SPECTRAL_STAGES = 2


@dataclass(frozen=True)
class SpectFormerConfig:
    """Sizes by stage. The defaults are those of SpectFormer-T-w."""

    image: int = 224
    stem: int = 32
    widths: tuple[int, ...] = (64, 128, 320, 96)
    attention_heads: tuple[int, ...] = (2, 4, 10, 16)
    mlp_ratios: tuple[int, ...] = (8, 8, 4, 4)

    def side(self, stage: int) -> int:
        """H = W of a stage, counted from 0."""
        return self.image >> (stage + 2)


def _conv(inputs: int, outputs: int, kernel: int, stride: int, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


def _tokens(x: torch.Tensor) -> torch.Tensor:
    """[B, D, H, W] -> [B, N, D]."""
    return x.flatten(2).transpose(1, 2)


class Stem(nn.Module):
    """Three convolutions at half resolution, then a projection to quarter resolution."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, kernel, stride in ((3, 7, 2), (hidden, 3, 1), (hidden, 3, 1)):
            convolution = _conv(inputs, hidden, kernel, stride, bias=False)
            layers += [convolution, nn.BatchNorm2d(hidden), nn.ReLU()]
        self.conv = nn.Sequential(*layers)
        self.proj = _conv(hidden, width, 3, 2)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Image [B, 3, 4H, 4W] -> tokens [B, N, D]."""
        return cast(torch.Tensor, self.norm(_tokens(self.proj(self.conv(x)))))


class DownSample(nn.Module):
    """Halves the resolution."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.proj = _conv(inputs, width, 3, 2)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, D', 2H, 2W] -> tokens [B, N, D]."""
        return cast(torch.Tensor, self.norm(_tokens(self.proj(x))))


class TokenGate(SpectralGate):
    """The spectral gate on tokens."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        grid = x.reshape(-1, self.height, self.width, x.shape[-1])
        return super().forward(grid).flatten(1, 2)


def _heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """[B, N, D] -> [B, heads, N, D / heads]."""
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


class _QueryKeyValue(nn.Module):
    """What both kinds of attention compute from queries and from keys and values."""

    q: nn.Linear
    kv: nn.Linear
    proj: nn.Linear
    heads: int

    def attend(self, queries: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Queries [B, M, D] over tokens [B, N, D] -> [B, M, D]."""
        keys, values = self.kv(tokens).chunk(2, dim=-1)
        q, k, v = (_heads(each, self.heads) for each in (self.q(queries), keys, values))
        scores = q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)
        mixed = (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
        return cast(torch.Tensor, self.proj(mixed))


class Attention(_QueryKeyValue):
    """Multi-head self-attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        return self.attend(x, x)


class ClassAttention(_QueryKeyValue):
    """Attention of the class token, the first one, over all tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.kv = nn.Linear(width, 2 * width)
        self.q = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, 1 + N, D] -> [B, 1, D]."""
        return self.attend(x[:, :1], x)


class DepthwiseConvolution(nn.Module):
    """A depthwise 3x3 convolution over the grid of tokens."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.dwconv = nn.Conv2d(width, width, 3, 1, 1, groups=width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        grid = x.transpose(1, 2).reshape(-1, x.shape[-1], self.side, self.side)
        return _tokens(self.dwconv(grid))


class GridMlp(nn.Module):
    """Two linear layers with a depthwise convolution and the exact (erf) GELU between them."""

    def __init__(self, width: int, hidden: int, side: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.dwconv = DepthwiseConvolution(hidden, side)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        return cast(torch.Tensor, self.fc2(functional.gelu(self.dwconv(self.fc1(x)))))


class ClassMlp(nn.Module):
    """Two linear layers with the exact (erf) GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        return cast(torch.Tensor, self.fc2(functional.gelu(self.fc1(x))))


class Block(nn.Module):
    """One pre-norm layer: a mixer, then an MLP."""

    def __init__(self, width: int, mixer: nn.Module, hidden: int, side: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=EPSILON)
        self.norm2 = nn.LayerNorm(width, eps=EPSILON)
        self.attn = mixer
        self.mlp = GridMlp(width, hidden, side)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        x = x + self.attn(self.norm1(x))
        return cast(torch.Tensor, x + self.mlp(self.norm2(x)))


class ClassBlock(nn.Module):
    """One pre-norm layer that updates the class token alone."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=EPSILON)
        self.norm2 = nn.LayerNorm(width, eps=EPSILON)
        self.attn = ClassAttention(width, heads)
        self.mlp = ClassMlp(width, hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, 1 + N, D] -> [B, 1 + N, D]."""
        token = x[:, :1] + self.attn(self.norm1(x))
        token = token + self.mlp(self.norm2(token))
        return torch.cat([token, x[:, 1:]], dim=1)


class SpectFormer(nn.Module):
    """The expert: image to one feature vector."""

    def __init__(self, config: SpectFormerConfig) -> None:
        super().__init__()
        self.config = config
        stages = len(config.widths)
        for stage in range(stages):
            self._add_stage(stage)
        width, heads = config.widths[-1], config.attention_heads[-1]
        block = ClassBlock(width, heads, config.mlp_ratios[-1] * width)
        self.post_network = nn.ModuleList([block])

    def _add_stage(self, stage: int) -> None:
        """Modules are named as published, counted from 1: patch_embed1, block1, norm1, ..."""
        config = self.config
        width, side = config.widths[stage], config.side(stage)
        down: nn.Module = (
            Stem(config.stem, width) if stage == 0 else DownSample(config.widths[stage - 1], width)
        )
        mixer: nn.Module = (
            TokenGate(side, side, width)
            if stage < SPECTRAL_STAGES
            else Attention(width, config.attention_heads[stage])
        )
        block = Block(width, mixer, config.mlp_ratios[stage] * width, side)
        self.add_module(f"patch_embed{stage + 1}", down)
        self.add_module(f"block{stage + 1}", nn.ModuleList([block]))
        self.add_module(f"norm{stage + 1}", nn.LayerNorm(width, eps=EPSILON))

    def tokens(self, x: torch.Tensor) -> torch.Tensor:
        """Image [B, 3, image, image] -> tokens of the last stage [B, N, D], not normalised."""
        last = len(self.config.widths) - 1
        for stage in range(last + 1):
            x = self.get_submodule(f"patch_embed{stage + 1}")(x)
            x = self.get_submodule(f"block{stage + 1}.0")(x)
            if stage < last:
                side = self.config.side(stage)
                x = self.get_submodule(f"norm{stage + 1}")(x)
                x = x.transpose(1, 2).reshape(-1, x.shape[-1], side, side)
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Image [B, 3, image, image] -> features [B, D]."""
        tokens = self.tokens(x)
        tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)
        for block in self.post_network:
            tokens = block(tokens)
        norm = self.get_submodule(f"norm{len(self.config.widths)}")
        return cast(torch.Tensor, norm(tokens[:, 0]))
