"""EfficientViT: three stages of convolutions around cascaded group attention in windows.

Shapes below: B batch, D width of a stage, H x W its resolution, R the side of a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import nn
from torch.nn import functional

PATCH = 16
"""The four convolutions of the patch embedding have stride 2 each."""


@dataclass(frozen=True)
class EfficientViTConfig:
    """Sizes by stage. The defaults are those of EfficientViT-w.

    kernels: of the depthwise convolution on the queries of each head.
    """

    image: int = 224
    widths: tuple[int, ...] = (192, 288, 96)
    key_sizes: tuple[int, ...] = (16, 16, 16)
    attention_heads: tuple[int, ...] = (3, 3, 4)
    window: int = 7
    kernels: tuple[int, ...] = (7, 5, 3, 3)


class ConvNorm(nn.Module):
    """A convolution without bias, then BatchNorm; the padding keeps the size up to the stride."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.c = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, inputs, H, W] -> [B, outputs, H / stride, W / stride]."""
        return cast(torch.Tensor, self.bn(self.c(x)))


def _depthwise(width: int) -> ConvNorm:
    return ConvNorm(width, width, kernel=3, groups=width)


class Residual(nn.Module):
    """Adds its input to what the module inside computes."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.m = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape that the module keeps."""
        return cast(torch.Tensor, x + self.m(x))


class FeedForward(nn.Module):
    """Two 1x1 convolutions, twice the width between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pw1 = ConvNorm(width, 2 * width)
        self.pw2 = ConvNorm(2 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, D, H, W] -> [B, D, H, W]."""
        return cast(torch.Tensor, self.pw2(functional.relu(self.pw1(x))))


class SqueezeExcite(nn.Module):
    """Scales each channel by a function of the means of all channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, width // 4, 1)
        self.fc2 = nn.Conv2d(width // 4, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, D, H, W] -> [B, D, H, W]."""
        hidden = functional.relu(self.fc1(x.mean(dim=(2, 3), keepdim=True)))
        return cast(torch.Tensor, x * self.fc2(hidden).sigmoid())


class PatchMerging(nn.Module):
    """Halves the resolution: a depthwise convolution in four times the width, squeeze-excite."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = 4 * inputs
        self.conv1 = ConvNorm(inputs, hidden)
        self.conv2 = ConvNorm(hidden, hidden, kernel=3, stride=2, groups=hidden)
        self.se = SqueezeExcite(hidden)
        self.conv3 = ConvNorm(hidden, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, inputs, H, W] -> [B, outputs, ceil(H / 2), ceil(W / 2)]."""
        x = functional.relu(self.conv1(x))
        x = self.se(functional.relu(self.conv2(x)))
        return cast(torch.Tensor, self.conv3(x))


def bias_indices(side: int) -> torch.Tensor:
    """Which attention bias each pair of positions takes: |dy| * side + |dx|, [side^2, side^2]."""
    position = torch.arange(side * side)
    row, column = position // side, position % side
    return (row[:, None] - row).abs() * side + (column[:, None] - column).abs()


class CascadedGroupAttention(nn.Module):
    """Attention whose heads see one chunk of channels each, plus the output of the head before.

    The biases are looked up in every call, so they are in force whenever weights are loaded.
    """

    def __init__(
        self, width: int, key_size: int, heads: int, side: int, kernels: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.heads, self.key_size, self.value_size = heads, key_size, width // heads
        self.side = side
        self.attention_biases = nn.Parameter(torch.zeros(heads, side * side))
        self.attention_bias_idxs: torch.Tensor
        self.register_buffer("attention_bias_idxs", bias_indices(side))
        size = 2 * key_size + self.value_size
        self.qkvs = nn.ModuleList(ConvNorm(self.value_size, size) for _ in range(heads))
        self.dws = nn.ModuleList(
            ConvNorm(key_size, key_size, kernel, groups=key_size) for kernel in kernels[:heads]
        )
        self.proj = nn.Sequential(nn.ReLU(), ConvNorm(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, D, R, R] -> [B, D, R, R]."""
        biases = self.attention_biases[:, self.attention_bias_idxs]
        chunks = x.chunk(self.heads, dim=1)
        outputs: list[torch.Tensor] = []
        for head, chunk in enumerate(chunks):
            source = chunk + outputs[-1] if outputs else chunk
            outputs.append(self._head(head, source, biases[head]))
        return cast(torch.Tensor, self.proj(torch.cat(outputs, dim=1)))

    def _head(self, head: int, x: torch.Tensor, biases: torch.Tensor) -> torch.Tensor:
        """[B, D / heads, R, R] -> [B, D / heads, R, R]."""
        sizes = [self.key_size, self.key_size, self.value_size]
        q, k, v = self.qkvs[head](x).split(sizes, dim=1)
        q, k, v = (each.flatten(2) for each in (self.dws[head](q), k, v))
        scores = q.transpose(-2, -1) @ k * self.key_size**-0.5 + biases
        mixed = v @ scores.softmax(dim=-1).transpose(-2, -1)
        return cast(torch.Tensor, mixed.reshape(-1, self.value_size, self.side, self.side))


class WindowAttention(nn.Module):
    """Attention within windows of side R; the image is padded with zeros to whole windows."""

    def __init__(self, attention: CascadedGroupAttention, resolution: int) -> None:
        super().__init__()
        self.attn = attention
        self.resolution = resolution

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, D, H, W] -> [B, D, H, W]."""
        side, size = self.attn.side, self.resolution
        if size == side:
            return cast(torch.Tensor, self.attn(x))
        border = -size % side
        if border:
            x = functional.pad(x, (0, border, 0, border))
        count, width = (size + border) // side, x.shape[1]
        grid = x.reshape(-1, width, count, side, count, side).permute(0, 2, 4, 1, 3, 5)
        mixed = self.attn(grid.reshape(-1, width, side, side))
        grid = mixed.reshape(-1, count, count, width, side, side).permute(0, 3, 1, 4, 2, 5)
        whole: torch.Tensor = grid.reshape(-1, width, size + border, size + border)
        return whole[:, :, :size, :size] if border else whole


class Block(nn.Module):
    """Depthwise convolution and feed-forward layer, attention, and the first two again."""

    def __init__(self, config: EfficientViTConfig, stage: int, resolution: int) -> None:
        super().__init__()
        width = config.widths[stage]
        attention = CascadedGroupAttention(
            width,
            config.key_sizes[stage],
            config.attention_heads[stage],
            min(config.window, resolution),
            config.kernels,
        )
        self.dw0 = Residual(_depthwise(width))
        self.ffn0 = Residual(FeedForward(width))
        self.mixer = Residual(WindowAttention(attention, resolution))
        self.dw1 = Residual(_depthwise(width))
        self.ffn1 = Residual(FeedForward(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, D, H, W] -> [B, D, H, W]."""
        x = self.mixer(self.ffn0(self.dw0(x)))
        return cast(torch.Tensor, self.ffn1(self.dw1(x)))


def _patch_embedding(width: int) -> nn.Sequential:
    widths = [3, width // 8, width // 4, width // 2, width]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [ConvNorm(inputs, outputs, kernel=3, stride=2), nn.ReLU()]
    return nn.Sequential(*layers[:-1])  # no ReLU after the last


def _down_sampling(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Sequential(Residual(_depthwise(inputs)), Residual(FeedForward(inputs))),
        PatchMerging(inputs, outputs),
        nn.Sequential(Residual(_depthwise(outputs)), Residual(FeedForward(outputs))),
    ]


class EfficientViT(nn.Module):
    """The expert: image to one feature vector."""

    def __init__(self, config: EfficientViTConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.patch_embed = _patch_embedding(widths[0])
        resolution = config.image // PATCH
        self.blocks1 = nn.Sequential(Block(config, 0, resolution))
        resolution = -(-resolution // 2)
        down = _down_sampling(widths[0], widths[1])
        self.blocks2 = nn.Sequential(*down, Block(config, 1, resolution))
        resolution = -(-resolution // 2)
        down = _down_sampling(widths[1], widths[2])
        self.blocks3 = nn.Sequential(*down, Block(config, 2, resolution))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Image [B, 3, image, image] -> features [B, D]."""
        x = self.blocks1(self.patch_embed(x))
        x = self.blocks3(self.blocks2(x))
        return x.mean(dim=(2, 3))
