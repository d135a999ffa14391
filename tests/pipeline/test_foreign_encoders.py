"""Encoders that the zoo does not hold, exported here: import, build, simulate, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from edgecomp.frontend.export import export_onnx
from edgecomp.pipeline import build, simulate


class Transformer(nn.Module):
    """Two torch encoder layers on embedded patches, mean-pooled to five scores."""

    def __init__(self, norm_first: bool, activation: str) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            32, 4, 64, 0.0, activation, batch_first=True, norm_first=norm_first
        )
        self.embed = nn.Linear(10, 32)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(x.reshape(1, 24, 10))
        return self.head(self.encoder(tokens).mean(dim=1))


class Convolutional(nn.Module):
    """A one-dimensional CNN with batch normalisation, pooling and a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(4, 16, 7, stride=2, padding=3),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 3, padding=1, groups=4),
            nn.BatchNorm1d(32),
            nn.SiLU(),
        )
        self.gate = nn.Linear(32, 32)
        self.head = nn.Linear(32, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = self.features(x).mean(dim=2)
        return self.head(pooled * torch.sigmoid(self.gate(pooled)))


class Image(nn.Module):
    """3x3 convolutions: plain, with stride 2, depthwise, around an addition; one of 1x3."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU())
        self.block = nn.Sequential(
            nn.Conv2d(24, 40, 1),
            nn.ReLU6(),
            nn.Conv2d(40, 40, 3, padding=1, groups=40),
            nn.ReLU6(),
            nn.Conv2d(40, 24, 1),
        )
        self.down = nn.Sequential(nn.Conv2d(24, 36, 3, stride=2, padding=1), nn.GELU())
        self.along = nn.Conv2d(36, 36, (1, 3), padding=(0, 1), groups=36)
        self.last = nn.Conv2d(36, 20, 3)
        self.head = nn.Linear(20, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = self.along(self.down(x + self.block(x)))
        return self.head(self.last(x).mean(dim=(2, 3)))


class ClassToken(nn.Module):
    """Patches by convolution, a class token, learned positions, fused queries, keys and values."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.patches = nn.Conv1d(4, width, 10, 10)
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 13, width))
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))
        self.head = nn.Linear(width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        batch, tokens, width = x.shape
        split = self.qkv(self.norm(x)).reshape(batch, tokens, 3, 4, width // 4)
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.head((x + self.scale * y)[:, 0])


class Causal(nn.Module):
    """Scores masked by replacement, the tanh form of GELU, tokens as output."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.embed = nn.Linear(6, width)
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.mlp = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(approximate="tanh"),
            nn.Linear(2 * width, width),
        )
        self.register_buffer("seen", torch.tril(torch.ones(20, 20)) == 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x)
        q, k, v = (heads(part(x), 3) for part in (self.q, self.k, self.v))
        scores = (q @ k.transpose(-2, -1)) * 8**-0.5
        weights = scores.masked_fill(self.seen, float("-inf")).softmax(dim=-1)
        x = x + (weights @ v).transpose(1, 2).flatten(2)
        return x + self.mlp(x)


class Rotary(nn.Module):
    """Root mean square norms, rotations over time, keys shared by heads, a gated MLP."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.gains = nn.Parameter(1 + 0.1 * torch.randn(2, width))
        self.embed = nn.Linear(6, width)
        self.q = nn.Linear(width, width, bias=False)
        self.k, self.v = (nn.Linear(width, width // 2, bias=False) for _ in range(2))
        self.gate, self.up = (nn.Linear(width, 48, bias=False) for _ in range(2))
        self.down = nn.Linear(48, width, bias=False)
        angles = torch.outer(torch.arange(16.0), 100 ** -(torch.arange(4) / 4)).repeat(1, 2)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def norm(self, x: torch.Tensor, index: int) -> torch.Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.gains[index]

    def rotate(self, x: torch.Tensor) -> torch.Tensor:
        first, second = x.chunk(2, dim=-1)
        return x * self.cos + torch.cat([-second, first], dim=-1) * self.sin

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x)
        y = self.norm(x, 0)
        q, k, v = heads(self.q(y), 4), heads(self.k(y), 2), heads(self.v(y), 2)
        q, k = self.rotate(q), self.rotate(k)
        k, v = (part.repeat_interleave(2, dim=1) for part in (k, v))
        weights = (q @ k.transpose(2, 3) / 8**0.5).softmax(dim=-1)
        x = x + (weights @ v).transpose(1, 2).flatten(2)
        y = self.norm(x, 1)
        return (x + self.down(F.silu(self.gate(y)) * self.up(y))).mean(dim=1)


class CausalConvolutions(nn.Module):
    """Dilated convolutions whose surplus is cut off, weight normalisation, residuals."""

    def __init__(self) -> None:
        super().__init__()
        normed = nn.utils.parametrizations.weight_norm
        self.first = normed(nn.Conv1d(3, 12, 3, padding=2))
        self.second = normed(nn.Conv1d(12, 12, 3, padding=4, dilation=2))
        self.shortcut = nn.Conv1d(3, 12, 1)
        self.head = nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.first(x)[:, :, :-2])
        y = F.relu(self.second(y)[:, :, :-4])
        return self.head(F.relu(y + self.shortcut(x))[:, :, -1])


class Normalised(nn.Module):
    """A window standardised in the model, group and channels-first norms, a unit vector out."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(4, 16, 5, stride=2), nn.Conv1d(16, 16, 3)
        self.group = nn.GroupNorm(4, 16)
        self.gain = nn.Parameter(1 + 0.1 * torch.randn(16, 1))
        self.head = nn.Linear(16, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6)
        x = F.softsign(self.group(self.first(x)))
        x = self.second(x)
        centred = x - x.mean(1, keepdim=True)
        x = self.gain * centred / torch.sqrt(centred.pow(2).mean(1, keepdim=True) + 1e-6)
        return F.normalize(self.head(x.amax(dim=2)), dim=-1)


class Latents(nn.Module):
    """Learned queries attend to two inputs; sums of features and scores as outputs."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.embed = nn.Linear(5, width)
        self.latents = nn.Parameter(torch.randn(1, 4, width))
        self.attention = nn.MultiheadAttention(width, 3, batch_first=True)
        self.head = nn.Linear(width, 3)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = self.embed(x), self.embed(y)
        x, y = (self.attention(self.latents, z, z, need_weights=False)[0] for z in (x, y))
        return torch.sigmoid(self.head(torch.maximum(x, y).mean(dim=1))), x + y


def heads(x: torch.Tensor, count: int) -> torch.Tensor:
    """[B, T, C] -> [B, H, T, C / H]."""
    return x.view(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


ENCODERS = {
    "class token": (ClassToken, [(1, 4, 120)], {"q_attention": 1}),
    "causal attention": (Causal, [(1, 20, 6)], {"q_attention": 1, "q_mlp": 1}),
    "rotations over time": (Rotary, [(1, 16, 6)], {"q_attention": 1, "q_layer_norm": 2}),
    "causal convolutions": (CausalConvolutions, [(1, 3, 60)], {"q_conv": 2, "pad": 0}),
    "normalisations": (Normalised, [(1, 4, 90)], {"q_layer_norm": 4, "q_reduce": 1}),
    "learned queries": (Latents, [(1, 12, 5), (1, 12, 5)], {"q_attention": 2, "q_softmax": 0}),
}


@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
@pytest.mark.parametrize("case", ENCODERS)
def test_an_encoder_of_another_kind(
    exporter: Literal["dynamo", "legacy"], case: str, tmp_path: Path
) -> None:
    """What it is made of is recognised, whichever exporter wrote it."""
    make, shapes, expected = ENCODERS[case]
    torch.manual_seed(0)
    layers = assert_builds(make(), shapes, exporter, tmp_path)
    assert {op: layers.count(op) for op in expected} == expected


@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
@pytest.mark.parametrize(("norm_first", "activation"), [(True, "gelu"), (False, "relu")])
def test_a_torch_transformer(
    exporter: Literal["dynamo", "legacy"], norm_first: bool, activation: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    assert_builds(Transformer(norm_first, activation), [(1, 2, 120)], exporter, tmp_path)


@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
def test_a_convolutional_network(exporter: Literal["dynamo", "legacy"], tmp_path: Path) -> None:
    torch.manual_seed(0)
    assert_builds(Convolutional(), [(1, 4, 200)], exporter, tmp_path)


@pytest.mark.parametrize("simulator", ["host", pytest.param("gvsoc", marks=pytest.mark.gvsoc)])
def test_convolutions_of_images(
    simulator: Literal["host", "gvsoc"], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """On NE16 where it has them: the same bits in every layer."""
    if simulator == "gvsoc":
        request.getfixturevalue("gvsoc")
    torch.manual_seed(0)
    path = tmp_path / "image.onnx"
    export_onnx(Image().eval(), [torch.randn(1, 3, 17, 14)], path)
    built = build(path, out=tmp_path / "out", windows=4, engines="ne16")
    engines = [layer.engine for layer in built.report.layers if layer.op == "q_conv"]
    assert len(engines) == 5
    assert all("ne16" in engine for engine in engines)
    simulation = simulate(built, simulator=simulator, sanitize=simulator == "host")
    assert simulation.report.bit_exact, simulation.mismatch


def assert_builds(
    module: nn.Module,
    shapes: list[tuple[int, ...]],
    exporter: Literal["dynamo", "legacy"],
    folder: Path,
) -> list[str]:
    """At least 25 dB on normal noise, and every layer bit-exact under the sanitizers.

    The operators of the layers.
    """
    path = folder / "mine.onnx"
    inputs = [torch.randn(shape) for shape in shapes]
    export_onnx(module.eval(), inputs, path, exporter=exporter)
    built = build(path, out=folder / "out", windows=8)
    assert built.report.model.name == "mine"
    sqnr = built.report.quantization.sqnr_db
    assert sqnr is not None and sqnr >= 25
    simulation = simulate(built, sanitize=True, windows=2)
    assert simulation.report.bit_exact, simulation.mismatch
    return [layer.op for layer in built.report.layers]
