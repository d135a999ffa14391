"""TinyMyo and TinyissimoMyo: pre-norm transformers over patches of surface EMG.

Entry names and shapes are those of the published checkpoints (BioFoundation, TinyMyo).
Shapes below: B batch, C channels, T samples, P patches per channel, N = C * P tokens,
D width, H attention heads, K = D / H. Token index = channel * P + patch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from edgecomp.normalisation import ZSCORE
from edgecomp.zoo import signals
from edgecomp.zoo.encoding import AS_IT_IS, RecordingEncoder
from edgecomp.zoo.recordings import RecordingError, cut_windows
from edgecomp.zoo.spec import Option, Options, Shapes, Value, Windows, ZooError, ZooModel

Rope = Literal["head", "none", "time"]
Head = Literal["classification", "regression", "pretraining"]
Reduction = Literal["concat", "mean"]

PATCH = 20
ROPE_BASE = 10_000.0
REGRESSION_FEATURES = 256
SAMPLING_RATE_HZ = 200.0
MAX_TOKENS = 4096
"""Attention is quadratic: 4096 tokens in 3 heads are 200 MB of float scores per layer."""


@dataclass(frozen=True)
class Config:
    """The size of a network and what it ends in.

    samples: T of a window; patch: samples per token; outputs and target_length: of the
    regression head; classes: of the classification head.
    """

    channels: int = 8
    samples: int = 1000
    patch: int = PATCH
    width: int = 192
    layers: int = 8
    attention_heads: int = 3
    head: Head = "classification"
    reduction: Reduction = "concat"
    classes: int = 6
    outputs: int = 5
    target_length: int = 500
    rope: Rope = "head"

    @property
    def patches(self) -> int:
        """P, the tokens of one channel."""
        return self.samples // self.patch

    @property
    def features(self) -> int:
        """Features per patch once the channels are reduced."""
        return self.width if self.reduction == "mean" else self.channels * self.width


def rope_angles(positions: int, head_size: int) -> torch.Tensor:
    """The rotation angle of each position and pair: [positions, head_size / 2], radians."""
    exponents = torch.arange(0, head_size, 2, dtype=torch.float32) / head_size
    theta = 1.0 / ROPE_BASE**exponents
    return torch.outer(torch.arange(positions, dtype=torch.float32), theta)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotates the interleaved pairs (0, 1), (2, 3), ... of the last axis of x.

    cos and sin broadcast to x's shape with the last axis halved.
    """
    even, odd = x.reshape(*x.shape[:-1], -1, 2).unbind(-1)
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)


class RotaryEmbedding(nn.Module):
    """Rotary embedding of [B, H, N, K], by head index (as published) or by token index.

    The published code hands [B, H, N, K] to a module that counts positions along axis 1, so
    a head rotates all of its tokens alike and the rotation cancels between query and key.
    """

    def __init__(self, axis: Literal["head", "time"], config: Config) -> None:
        super().__init__()
        tokens = config.channels * config.patches
        positions = config.attention_heads if axis == "head" else tokens
        angles = rope_angles(positions, config.width // config.attention_heads)
        if axis == "head":
            angles = angles.unsqueeze(1)
        self.cos: torch.Tensor
        self.sin: torch.Tensor
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, H, N, K] -> [B, H, N, K]."""
        return rotate(x, self.cos, self.sin)


class Attention(nn.Module):
    """Multi-head self-attention with rotary embedding on queries and keys."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.attention_heads
        self.scale = (config.width // config.attention_heads) ** -0.5
        self.rope: nn.Module = (
            nn.Identity() if config.rope == "none" else RotaryEmbedding(config.rope, config)
        )
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.proj = nn.Linear(config.width, config.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        batch, tokens, width = x.shape
        split = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = self.rope(q) @ self.rope(k).transpose(-2, -1) * self.scale
        mixed = scores.softmax(dim=-1) @ v
        return cast(torch.Tensor, self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width)))


class Mlp(nn.Module):
    """Two linear layers, four times the width between them, with the exact (erf) GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        return cast(torch.Tensor, self.fc2(functional.gelu(self.fc1(x))))


class Block(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.attn = Attention(config)
        self.norm2 = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, D]."""
        x = x + self.attn(self.norm1(x))
        return cast(torch.Tensor, x + self.mlp(self.norm2(x)))


class ChannelPatches(nn.Module):
    """Cuts every channel into patches and projects each with the same weights."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        kernel = (1, config.patch)
        self.proj = nn.Conv2d(1, config.width, kernel_size=kernel, stride=kernel)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, C, T] -> [B, N, D]."""
        return cast(torch.Tensor, self.proj(x.unsqueeze(1))).flatten(2).transpose(1, 2)


class PatchEmbedding(nn.Module):
    """Holds the patch projection one level down, where published checkpoints have it."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.patch_embed = ChannelPatches(config)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, C, T] -> [B, N, D]."""
        return cast(torch.Tensor, self.patch_embed(x))


def reduce_channels(tokens: torch.Tensor, config: Config) -> torch.Tensor:
    """[B, N, D] -> [B, P, features]: the channels of a patch side by side, or averaged."""
    grid = tokens.reshape(tokens.shape[0], config.channels, config.patches, config.width)
    if config.reduction == "mean":
        return grid.mean(dim=1)
    return grid.transpose(1, 2).flatten(2)


class ClassificationHead(nn.Module):
    """Mean over patches, then one linear layer."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.classifier = nn.Linear(config.features, config.classes)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> logits [B, classes]."""
        return cast(torch.Tensor, self.classifier(reduce_channels(tokens, self.config).mean(dim=1)))


class RegressionHead(nn.Module):
    """Three convolutions over patches, then linear resampling to the target length."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        hidden = REGRESSION_FEATURES
        self.regressor = nn.Sequential(
            nn.Conv1d(config.features, hidden, kernel_size=1),
            nn.SiLU(),
            nn.Identity(),  # dropout in training; keeps the published indices
            nn.Conv1d(hidden, hidden, kernel_size=3, padding=1, groups=hidden),
            nn.SiLU(),
            nn.Conv1d(hidden, config.outputs, kernel_size=1),
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, target_length, outputs]."""
        y = self.regressor(reduce_channels(tokens, self.config).transpose(1, 2))
        if self.config.target_length != self.config.patches:
            y = functional.interpolate(
                y, size=self.config.target_length, mode="linear", align_corners=False
            )
        return cast(torch.Tensor, y.transpose(1, 2))


class ReconstructionHead(nn.Module):
    """One linear layer from each token back to the samples of its patch."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.decoder_pred = nn.Linear(config.width, config.patch)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """[B, N, D] -> [B, N, patch]."""
        return cast(torch.Tensor, self.decoder_pred(tokens))


def _make_head(config: Config) -> nn.Module:
    if config.head == "classification":
        return ClassificationHead(config)
    return RegressionHead(config) if config.head == "regression" else ReconstructionHead(config)


class TinyMyo(RecordingEncoder):
    """The encoder and its head.

    Preparations: `filter` is the published one of raw EMG (`signals.preprocess`); `none` takes
    values as they are. Raises ZooError when the configuration is impossible.
    """

    rate = SAMPLING_RATE_HZ
    preparations = ("filter", AS_IT_IS)
    normalisation = ZSCORE

    def __init__(self, config: Config) -> None:
        super().__init__()
        check_config(config)
        self.config = config
        self.mask_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.patch_embedding = PatchEmbedding(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.model_head = _make_head(config)

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(head output, x), as published: x [B, C, T] is returned for reconstruction losses.

        mask: bool [B, C, T], True where samples are hidden; a token with any hidden sample
        is replaced by the mask token.
        """
        tokens = self.patch_embedding(x)
        if mask is not None:
            hidden = mask.reshape(len(mask), -1, self.config.patch).any(dim=-1)
            tokens = torch.where(hidden.unsqueeze(-1), self.mask_token, tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return self.model_head(self.norm(tokens)), x

    def windows_of(self, recording: Windows, preparation: str, notices: list[str]) -> Windows:
        """Windows [N, C, T] of a recording [C, at least T], or of windows."""
        shape = (self.config.channels, self.config.samples)
        if recording.shape[-2:-1] != shape[:1] and recording.ndim > 1:
            raise RecordingError(
                f"the recording: expected [{shape[0]}, at least {shape[1]}], "
                f"found {list(recording.shape)}",
                f"{shape[0]} channels are needed, each one a row; is the recording transposed?",
            )
        if preparation != AS_IT_IS:
            filtered = signals.preprocess(recording, SAMPLING_RATE_HZ, SAMPLING_RATE_HZ)
            recording = filtered.astype(np.float32)
        return cut_windows("the recording", recording, shape, notices=notices)


def check_config(config: Config) -> None:
    """Raises ZooError when sizes do not go together."""
    if config.samples < config.patch or config.samples % config.patch:
        raise ZooError(
            f"samples={config.samples} is not a multiple of the patch length {config.patch}",
            f"take {max(1, round(config.samples / config.patch)) * config.patch}",
        )
    if config.width % (2 * config.attention_heads):
        raise ZooError(
            f"width={config.width} does not split into {config.attention_heads} attention heads "
            "of even size",
            f"take a width that is a multiple of {2 * config.attention_heads}",
        )
    tokens = config.channels * config.patches
    if tokens > MAX_TOKENS:
        raise ZooError(
            f"{config.channels} channels of {config.samples} samples are {tokens} tokens",
            f"at most {MAX_TOKENS} are supported: take fewer channels or shorter windows",
        )


def _config(options: Options) -> Config:
    return Config(**dict(options))  # type: ignore[arg-type]


def _input_shape(options: Options) -> tuple[int, ...]:
    return (1, cast(int, options["channels"]), cast(int, options["samples"]))


def _windows(options: Options, count: int, seed: int) -> Windows:
    _, channels, samples = _input_shape(options)
    return signals.semg_windows(count, channels, samples, rate=SAMPLING_RATE_HZ, seed=seed)


def _ignored(options: Options) -> frozenset[str]:
    idle = {
        "classification": ("outputs", "target_length"),
        "regression": ("classes",),
        "pretraining": ("classes", "outputs", "target_length", "reduction"),
    }
    return frozenset(idle[str(options["head"])])


def _count_layers(shapes: Shapes) -> int:
    indices = [name.split(".")[1] for name in shapes if name.startswith("blocks.")]
    return 1 + max((int(index) for index in indices if index.isdecimal()), default=-1)


def _is_family(shapes: Shapes) -> bool:
    projection = shapes.get("patch_embedding.patch_embed.proj.weight", ())
    return len(projection) == 4 and "blocks.0.attn.qkv.weight" in shapes


def _channels_of(features: int, width: int) -> dict[str, Value]:
    """Channels and reduction from the input size of the head's first layer.

    With one channel both reductions are the same network, so `mean` is always right there.
    """
    if features == width:
        return {"reduction": "mean"}
    if features % width:
        return {}
    return {"reduction": "concat", "channels": features // width}


def _infer_head(shapes: Shapes, width: int) -> dict[str, Value]:
    classifier = shapes.get("model_head.classifier.weight", ())
    if len(classifier) == 2:
        classes, features = classifier
        return {"head": "classification", "classes": classes, **_channels_of(features, width)}
    first = shapes.get("model_head.regressor.0.weight", ())
    last = shapes.get("model_head.regressor.5.weight", ())
    if len(first) == 3 and len(last) == 3:
        return {"head": "regression", "outputs": last[0], **_channels_of(first[1], width)}
    if "model_head.decoder_pred.weight" in shapes:
        return {"head": "pretraining"}
    return {}


def _infer_options(shapes: Shapes) -> dict[str, Value]:
    """What names and shapes determine. Window length, head count and rotation leave no trace."""
    width = shapes["patch_embedding.patch_embed.proj.weight"][0]
    options: dict[str, Value] = {"layers": _count_layers(shapes), "width": width}
    return options | (_infer_head(shapes, width) if width else {})


def _options(layers: int) -> tuple[Option, ...]:
    default = Config()
    return (
        Option("channels", default.channels, "electrodes", maximum=256),
        Option(
            "samples",
            default.samples,
            f"samples of a window at 200 Hz, a multiple of {PATCH}",
            maximum=MAX_TOKENS * PATCH,
        ),
        Option(
            "head",
            default.head,
            "what the network ends in",
            choices=("classification", "regression", "pretraining"),
        ),
        Option("classes", default.classes, "classes of the classification head", maximum=10_000),
        Option("outputs", default.outputs, "values per step of the regression head", maximum=1000),
        Option(
            "target_length", default.target_length, "steps of the regression head", maximum=100_000
        ),
        Option(
            "reduction",
            default.reduction,
            "how the head joins channels",
            choices=("concat", "mean"),
        ),
        Option("layers", layers, "transformer layers", maximum=64),
        Option("width", default.width, "features of a token", maximum=4096),
        Option("attention_heads", default.attention_heads, "attention heads", maximum=64),
        Option(
            "rope",
            default.rope,
            "rotary index: head (as published), none, or time (token index)",
            choices=("head", "none", "time"),
        ),
    )


def _entry(name: str, summary: str, layers: int, matches_layers: bool) -> ZooModel:
    return ZooModel(
        name=name,
        summary=summary,
        options=_options(layers),
        build=lambda options: TinyMyo(_config(options)),
        input_shape=_input_shape,
        windows=_windows,
        signal="semg",
        matches=partial(_matches, four_layers=matches_layers),
        infer_options=_infer_options,
        check=lambda options: check_config(_config(options)),
        ignored=_ignored,
    )


def _matches(shapes: Shapes, four_layers: bool) -> bool:
    """The two encoders differ in depth alone; any depth but four is called tinymyo."""
    return _is_family(shapes) and (_count_layers(shapes) == 4) == four_layers


MODELS = (
    _entry("tinymyo", "surface EMG transformer, 8 layers, 3.6 M parameters", 8, False),
    _entry("tinyissimomyo", "surface EMG transformer, 4 layers, 1.8 M parameters", 4, True),
)
