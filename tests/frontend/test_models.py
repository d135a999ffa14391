"""Whole networks: PyTorch, both exporters, several opsets, against onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from harness import assert_same_file
from torch import nn

from edgecomp import zoo
from edgecomp.frontend.export import Exporter, export_onnx
from edgecomp.ir import interpret, run_passes
from edgecomp.passes import default_pipeline
from edgecomp.zoo import eegdino
from edgecomp.zoo.biomoe.efficientvit import EfficientViTConfig
from edgecomp.zoo.biomoe.network import Config, TinyBioMoE
from edgecomp.zoo.biomoe.spectformer import SpectFormerConfig
from edgecomp.zoo.eegdino.network import EegDino, EegDinoClassifier
from edgecomp.zoo.fill import fill

EXPORTS: list[tuple[Exporter, int]] = [("legacy", 18), ("dynamo", 18), ("dynamo", 20)]
EXPORTS += [("dynamo", 23)]


class VisionTransformer(nn.Module):
    """Patches, a class token, one block with a fused projection of q, k and v."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(2, 24, (2, 5), (2, 5))
        self.token = nn.Parameter(torch.randn(1, 1, 24))
        self.position = nn.Parameter(torch.randn(1, 13, 24))
        self.norm = nn.LayerNorm(24)
        self.qkv = nn.Linear(24, 72)
        self.out = nn.Linear(24, 24)
        self.head = nn.Linear(24, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        batch, tokens, _ = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, tokens, 3, 4, 6).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        scores = (q @ k.transpose(-2, -1) * 6**-0.5).softmax(-1)
        x = x + self.out((scores @ v).transpose(1, 2).reshape(batch, tokens, 24))
        return self.head(x[:, 0])


class CausalAttention(nn.Module):
    """nn.MultiheadAttention with a mask of minus infinity."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.register_buffer("mask", torch.triu(torch.full((7, 7), float("-inf")), 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, attn_mask=self.mask, need_weights=False)[0]


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def encoder(norm_first: bool, activation: str) -> nn.Module:
    layer = nn.TransformerEncoderLayer(
        16, 4, 32, activation=activation, norm_first=norm_first, batch_first=True
    )
    return nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)


def cnn() -> nn.Module:
    norm = nn.BatchNorm1d(8)
    norm.running_mean = torch.randn(8)
    norm.running_var = torch.rand(8) + 0.5
    first = nn.Conv1d(3, 8, 5, 2, 2), norm, nn.ReLU(), nn.MaxPool1d(2)
    second = nn.Conv1d(8, 8, 3, groups=4, dilation=2), nn.GELU(), nn.AdaptiveAvgPool1d(1)
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(8, 3))


def group_norm() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(3, 8, 5), nn.GroupNorm(2, 8), nn.SiLU(), nn.InstanceNorm1d(8, affine=True)
    )


def linear_interpolation() -> nn.Module:
    return Apply(lambda x: F.interpolate(x, size=33, mode="linear", align_corners=True))


def bilinear_interpolation() -> nn.Module:
    return Apply(lambda x: F.interpolate(x[:, :, None] * 1.0, scale_factor=2.5, mode="bilinear"))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "encoder, norm first, gelu": (lambda: encoder(True, "gelu"), (1, 7, 16)),
    "encoder, norm last, relu": (lambda: encoder(False, "relu"), (1, 7, 16)),
    "convolutions with batch norm": (cnn, (1, 3, 64)),
    "vision transformer": (VisionTransformer, (1, 2, 4, 30)),
    "causal attention": (CausalAttention, (1, 7, 16)),
    "group norm": (group_norm, (1, 3, 20)),
    "linear interpolation": (linear_interpolation, (1, 3, 20)),
    "bilinear interpolation": (bilinear_interpolation, (1, 3, 20)),
}


@pytest.mark.parametrize(("exporter", "opset"), EXPORTS)
@pytest.mark.parametrize("name", MODELS)
def test_network_means_the_same_after_import(
    tmp_path: Path, name: str, exporter: Exporter, opset: int
) -> None:
    torch.manual_seed(0)
    build, shape = MODELS[name]
    x = torch.randn(shape)
    path = export_onnx(build(), x, tmp_path / "m.onnx", exporter, opset, ["x"], ["y"])
    assert_same_file(path, {"x": x.numpy()})


@pytest.mark.parametrize("name", ["convolutions with batch norm", "vision transformer"])
def test_network_in_the_oldest_opset(tmp_path: Path, name: str) -> None:
    torch.manual_seed(0)
    build, shape = MODELS[name]
    x = torch.randn(shape)
    path = export_onnx(build(), x, tmp_path / "m.onnx", "legacy", 13, ["x"], ["y"])
    assert_same_file(path, {"x": x.numpy()})


HEADS: list[dict[str, object]] = [
    {"head": "classification", "reduction": "concat"},
    {"head": "classification", "reduction": "mean"},
    {"head": "regression"},
    {"head": "pretraining"},
]


@pytest.mark.parametrize("options", HEADS, ids=lambda options: "-".join(options.values()))
@pytest.mark.parametrize(("exporter", "opset"), [("legacy", 18), ("dynamo", 18)])
def test_zoo_encoder_with_every_head(
    tmp_path: Path, options: dict[str, object], exporter: Exporter, opset: int
) -> None:
    encoder = zoo.create_encoder("tinyissimomyo", layers=1, **options)
    x = np.random.default_rng(0).standard_normal(encoder.input_shape).astype(np.float32)
    module = zoo.EncoderOutput(encoder.module)
    path = export_onnx(module, torch.from_numpy(x), tmp_path / "m.onnx", exporter, opset, ["x"])
    graph = assert_same_file(path, {"x": x})
    assert not any(node.op in ("gather", "expand") for node in graph.nodes) or (
        options["head"] == "regression"
    )
    assert any("blocks" in node.name and "attn" in node.name for node in graph.nodes)


# Narrow and shallow: what is left out only repeats.
IMAGES = Config(
    SpectFormerConfig(stem=8, widths=(8, 16, 20, 96), attention_heads=(1, 1, 2, 16)),
    EfficientViTConfig(widths=(16, 24, 96), key_sizes=(4, 4, 8), attention_heads=(2, 3, 4)),
)
EEG = eegdino.Config(replace(eegdino.SMALL, layers=2), channels=3, patches=2)
SPECTRAL: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "tinybiomoe": (lambda: TinyBioMoE(IMAGES), (1, 3, 224, 224)),
    "eegdino": (lambda: EegDino(EEG), (1, 3, 2, 200)),
    "eegdino with classes": (lambda: EegDinoClassifier(EEG), (1, 3, 2, 200)),
}


@pytest.mark.parametrize(("exporter", "opset"), [("legacy", 18), ("dynamo", 18), ("dynamo", 23)])
@pytest.mark.parametrize("name", SPECTRAL)
def test_encoders_with_fourier_transforms(
    tmp_path: Path, name: str, exporter: Exporter, opset: int
) -> None:
    build, shape = SPECTRAL[name]
    x = np.random.default_rng(0).random(shape).astype(np.float32)
    module = zoo.EncoderOutput(fill(build())).eval()
    path = export_onnx(module, torch.from_numpy(x), tmp_path / "m.onnx", exporter, opset, ["x"])
    graph = assert_same_file(path, {"x": x})
    run_passes(graph, default_pipeline())
    [found] = interpret(graph, {"x": x})
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()
    assert np.linalg.norm(found - expected) <= 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize("opset", [18, 23])
@pytest.mark.parametrize("name", ["tinybiomoe", "eegdino"])
def test_fourier_transforms_as_operators(tmp_path: Path, name: str, opset: int) -> None:
    build, shape = SPECTRAL[name]
    x = np.random.default_rng(0).random(shape).astype(np.float32)
    module = fill(build())
    path = export_onnx(module, torch.from_numpy(x), tmp_path / "m.onnx", "dynamo", opset, ["x"])
    assert any(node.op_type == "DFT" for node in onnx.load(path).graph.node)
    assert_same_file(path, {"x": x})
