"""The whole pipeline on exported models: numbers after every pass, operators at the end."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional

from edgecomp import zoo
from edgecomp.frontend import import_onnx
from edgecomp.frontend.export import export_onnx
from edgecomp.ir import Graph, Pass, interpret, lookup, run_passes
from edgecomp.passes import default_pipeline
from edgecomp.passes.repeat import Repeat

EXPORTERS = ("dynamo", "legacy")


def flat_pipeline() -> list[Pass]:
    """The default pipeline with the first round of every repeated group pass by pass."""
    passes: list[Pass] = []
    for item in default_pipeline():
        passes += [*item.passes, item] if isinstance(item, Repeat) else [item]
    return passes


def lower(module: nn.Module, x: torch.Tensor, exporter: str, folder: Path) -> Graph:
    """Export, import, run the pipeline; after each pass outputs equal onnxruntime's."""
    path = export_onnx(module, x, folder / "model.onnx", exporter)  # type: ignore[arg-type]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    graph = import_onnx(path)
    data = {graph.inputs[0].name: x.numpy()}

    def check(item: Pass, current: Graph) -> None:
        for actual, wanted in zip(interpret(current, data), expected, strict=True):
            error = np.linalg.norm(actual - wanted) / np.linalg.norm(wanted)
            assert error < 1e-5, f"{item.name}: {error}"

    run_passes(graph, flat_pipeline(), check)
    assert not any(item.run(graph) for item in default_pipeline()), "the pipeline is not idempotent"
    return graph


def names(graph: Graph) -> Counter[str]:
    return Counter(n.text("function") if n.op == "unary" else n.op for n in graph.nodes)


def transformer(layers: int) -> Counter[str]:
    """What every pre- or post-norm transformer consists of."""
    return Counter(
        layer_norm=2 * layers,
        linear=4 * layers,
        slice=3 * layers,
        attention=layers,
        gelu=layers,
        add=2 * layers,
    )


HEADS = {
    "concatenated channels": ({}, Counter(reshape=3, linear=2, reduce=1, layer_norm=1)),
    "mean of channels": (
        {"reduction": "mean"},
        Counter(reshape=2, linear=2, reduce=2, layer_norm=1),
    ),
    "pretraining": ({"head": "pretraining"}, Counter(reshape=1, linear=2, layer_norm=1)),
    "no rotation": ({"rope": "none"}, Counter(reshape=3, linear=2, reduce=1, layer_norm=1)),
}


@pytest.mark.parametrize(
    ("head", "exporter"), [("concatenated channels", "dynamo"), *((h, "legacy") for h in HEADS)]
)
def test_tinymyo(head, exporter, tmp_path):
    """Only the transformer's own operators remain; the rotary embedding is gone."""
    options, around = HEADS[head]
    model = zoo.create("tinyissimomyo", samples=100, channels=2, layers=2, **options)
    graph = lower(model, torch.randn(1, 2, 100), exporter, tmp_path)
    assert names(graph) == transformer(2) + around
    norms = [node for node in graph.nodes if node.op == "layer_norm"]
    assert all((n.inputs[1].array == 1).all() and not n.inputs[2].array.any() for n in norms)


def test_full_size_takes_seconds(tmp_path):
    """Proofs element by element stay fast at 400 tokens, and no product is lost or added."""
    path = export_onnx(
        zoo.create("tinymyo"), torch.zeros(1, 8, 1000), tmp_path / "m.onnx", "legacy"
    )
    graph = import_onnx(path)
    start = time.perf_counter()
    run_passes(graph, default_pipeline())
    assert time.perf_counter() - start < 15.0
    assert names(graph)["attention"] == 8
    assert sum(lookup(node.op).macs(node) for node in graph.nodes) == 1_908_642_816


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_tinymyo_regression(exporter, tmp_path):
    """The convolutional head has channels innermost and few transposes."""
    model = zoo.create(
        "tinyissimomyo", samples=100, channels=2, layers=1, head="regression", target_length=40
    )
    left = names(lower(model, torch.randn(1, 2, 100), exporter, tmp_path))
    assert left["attention"] == 1 and left["conv_nhwc"] == 1 and left["silu"] == 2
    assert left["conv"] == 0 and left["transpose"] <= 3


def test_rotation_over_time_stays(tmp_path):
    """A rotary embedding by token index is not removed."""
    model = zoo.create("tinyissimomyo", samples=100, channels=2, layers=1, rope="time")
    left = names(lower(model, torch.randn(1, 2, 100), "legacy", tmp_path))
    assert left["attention"] == 1 and left["mul"] >= 4


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("batch_first", [True, False])
def test_torch_encoder_layer(norm_first, batch, batch_first, tmp_path):
    """nn.TransformerEncoderLayer in all its layouts; batch 1 needs no data movement."""
    model = nn.TransformerEncoderLayer(
        24, 4, 48, activation="gelu", norm_first=norm_first, batch_first=batch_first
    )
    x = torch.randn(batch, 7, 24) if batch_first else torch.randn(7, batch, 24)
    left = names(lower(model, x, "dynamo", tmp_path))
    del left["reshape"]
    if batch > 1:
        del left["transpose"]
    assert left == transformer(1)


class SelfAttention(nn.Module):
    def __init__(self, batch_first: bool, weights: bool) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(24, 4, batch_first=batch_first)
        self.weights = weights

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.inner(x, x, x, need_weights=self.weights)[0]
        return result


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_torch_attention(batch_first, weights, exporter, tmp_path):
    """nn.MultiheadAttention by either of its code paths."""
    x = torch.randn(1, 7, 24) if batch_first else torch.randn(7, 1, 24)
    left = names(lower(SelfAttention(batch_first, weights), x, exporter, tmp_path))
    del left["reshape"]
    assert left == Counter(linear=2, slice=3, attention=1)


class Separate(nn.Module):
    """Three projections, keys transposed with the heads, scale split, a learned bias."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(24, 24), nn.Linear(24, 24, bias=False)
        self.v, self.out = nn.Linear(24, 48), nn.Linear(48, 24)
        self.bias = nn.Parameter(torch.randn(4, 7, 7))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, t, _ = x.shape
        q = self.q(x).view(b, t, 4, 6).transpose(1, 2) * 6**-0.25
        k = self.k(x).view(b, t, 4, 6).permute(0, 2, 3, 1) / 6**0.25
        v = self.v(x).view(b, t, 4, 12).transpose(1, 2)
        mixed = (q @ k + self.bias).softmax(-1) @ v
        result: torch.Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return result


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("batch", [1, 2])
def test_separate_projections(batch, exporter, tmp_path):
    """Heads read whole projections: no slice, no movement at all."""
    left = names(lower(Separate(), torch.randn(batch, 7, 24), exporter, tmp_path))
    assert left == Counter(linear=4, attention=1)


class Vit(nn.Module):
    """A vision transformer with class token, positions and fused projection."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 24, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 24))
        self.position = nn.Parameter(torch.randn(1, 10, 24))
        self.norm1, self.norm2, self.norm = nn.LayerNorm(24), nn.LayerNorm(24), nn.LayerNorm(24)
        self.qkv, self.proj = nn.Linear(24, 72), nn.Linear(24, 24)
        self.mlp = nn.Sequential(nn.Linear(24, 48), nn.GELU(), nn.Linear(48, 24))
        self.head = nn.Linear(24, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.position
        b, t, c = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(b, t, 3, 4, c // 4).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*qkv.unbind(0))
        x = x + self.proj(mixed.transpose(1, 2).reshape(b, t, c))
        x = x + self.mlp(self.norm2(x))
        result: torch.Tensor = self.head(self.norm(x)[:, 0])
        return result


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_vit(exporter, tmp_path):
    """Patches are one transpose and a linear layer; the rest is a plain transformer layer."""
    left = names(lower(Vit(), torch.randn(1, 3, 12, 12), exporter, tmp_path))
    del left["reshape"]
    extra = Counter(transpose=1, linear=2, concat=1, add=1, layer_norm=1, slice=1)
    assert left == transformer(1) + extra


class Residual(nn.Module):
    """Convolutions with batch normalisation around a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, 1, 1, groups=8),
            nn.BatchNorm2d(8),
            nn.Hardswish(),
            nn.Conv2d(8, 8, 1),
            nn.BatchNorm2d(8),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(3, 8, 1, 2), nn.BatchNorm2d(8))
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.body(x) + self.shortcut(x))
        result: torch.Tensor = self.head(y.mean((2, 3)))
        return result


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_residual_cnn(exporter, tmp_path):
    """Batch normalisations are folded; transposes remain at the input only."""
    torch.manual_seed(0)
    model = Residual()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.normal_(module.weight)
    graph = lower(model, torch.randn(1, 3, 12, 12), exporter, tmp_path)
    left = names(graph)
    assert left["conv_nhwc"] == 2 and left["linear"] == 3 and left["add"] == 1
    assert not {"conv", "batch_norm", "mul"} & set(left)
    assert left["transpose"] <= 2
