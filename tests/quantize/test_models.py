"""Whole models, from PyTorch to integers: encoders of the zoo and networks of other kinds."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgecomp import zoo
from edgecomp.frontend import import_onnx
from edgecomp.frontend.export import export_onnx
from edgecomp.fusion import fusion_pipeline
from edgecomp.ir import Graph, run_passes
from edgecomp.passes import default_pipeline
from edgecomp.quantize import quantize
from edgecomp.quantize.quality import Quality, measure
from edgecomp.zoo.output import EncoderOutput
from edgecomp.zoo.signals import normal_noise


def imported(module: nn.Module, shape: tuple[int, ...], folder: Path) -> Graph:
    path = folder / "model.onnx"
    export_onnx(module, torch.zeros(shape), path)
    graph = import_onnx(path)
    run_passes(graph, default_pipeline())
    return graph


def quality_of(module: nn.Module, shape: tuple[int, ...], folder: Path, count: int) -> Quality:
    graph = imported(module, shape, folder)
    quantized = quantize(graph, normal_noise(count, shape[1:], seed=100))
    run_passes(quantized.graph, fusion_pipeline())
    return measure(
        graph, quantized.graph, quantized.mapping, normal_noise(count, shape[1:], seed=1)
    )


class Cnn(nn.Module):
    """Convolutions with batch normalisation, ReLU, SiLU, both poolings, a depthwise one."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU6(),
            nn.AvgPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1, groups=32),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(32, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class ResidualCnn(nn.Module):
    """A residual block with ReLU behind the addition."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.first = nn.Conv2d(16, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(x))
        x = torch.relu(x + self.second(torch.relu(self.first(x))))
        return self.head(x.mean((2, 3)))


class Gate(nn.Module):
    """A sigmoid gate, a position embedding, a scaled residual, a normalisation with gain."""

    def __init__(self) -> None:
        super().__init__()
        self.value, self.gate = nn.Linear(32, 64), nn.Linear(32, 64)
        self.out, self.norm = nn.Linear(64, 32), nn.LayerNorm(32)
        self.position = nn.Parameter(torch.randn(1, 20, 32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.position
        y = self.out(self.value(x) * torch.sigmoid(self.gate(x)))
        return torch.tanh(self.norm(x - 0.5 * y))


class SqueezeExcite(nn.Module):
    """A channel gate from spatial means, and a one-dimensional convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 16, 3), nn.Conv1d(16, 8, 3, padding=1)
        self.down, self.up = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.gelu(self.conv(x))
        gate = torch.relu(self.down(x.mean((2, 3), keepdim=True)))
        return self.last((x * torch.sigmoid(self.up(gate))).flatten(2))


def transformer(norm_first: bool, activation: str) -> nn.Module:
    layer = nn.TransformerEncoderLayer(
        64, 4, 128, batch_first=True, norm_first=norm_first, activation=activation
    )
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


MODELS = {
    "pre-norm, GELU": (lambda: transformer(True, "gelu"), (1, 30, 64)),
    "post-norm, ReLU": (lambda: transformer(False, "relu"), (1, 30, 64)),
    "CNN": (Cnn, (1, 3, 24, 24)),
    "residual CNN": (ResidualCnn, (1, 3, 16, 16)),
    "gate": (Gate, (1, 20, 32)),
    "squeeze and excite": (SqueezeExcite, (1, 3, 12, 12)),
}


@pytest.mark.parametrize("name", MODELS)
def test_networks_of_many_kinds_keep_their_quality(name: str, tmp_path: Path) -> None:
    """At least 30 dB end to end on windows not seen in calibration."""
    torch.manual_seed(0)
    build, shape = MODELS[name]
    assert quality_of(build().eval(), shape, tmp_path, 8).sqnr_db > 30


def test_small_tinyissimomyo_keeps_its_quality(tmp_path: Path) -> None:
    """Two channels of one second, synthetic weights."""
    encoder = zoo.create_encoder("tinyissimomyo", channels=2, samples=200)
    quality = quality_of(EncoderOutput(encoder.module), encoder.input_shape, tmp_path, 4)
    assert quality.sqnr_db > 28


def test_regression_head_keeps_its_quality(tmp_path: Path) -> None:
    """A pointwise and a depthwise convolution with SiLU, 5 channels, resampling: over 28 dB."""
    sizes = {"channels": 2, "samples": 200, "layers": 2}
    encoder = zoo.create_encoder("tinymyo", head="regression", **sizes)
    module = EncoderOutput(encoder.module)
    assert quality_of(module, encoder.input_shape, tmp_path, 8).sqnr_db > 28


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tinyissimomyo", "tinymyo"])
def test_full_encoders_keep_their_quality(name: str, tmp_path: Path) -> None:
    """8 channels of 5 s, 16 windows of noise: more than 35 dB (28 are required), in 40 s."""
    encoder = zoo.create_encoder(name, channels=8, samples=1000)
    graph = imported(EncoderOutput(encoder.module), encoder.input_shape, tmp_path)
    shape = encoder.input_shape[1:]
    start = time.monotonic()
    quantized = quantize(graph, normal_noise(16, shape, seed=100))
    seconds = time.monotonic() - start
    quality = measure(graph, quantized.graph, quantized.mapping, normal_noise(16, shape, seed=0))
    assert quality.sqnr_db > 35
    assert seconds < 120  # 4 s on two idle cores; generous where they are shared


def test_compensated_weights_beat_plain_ones(tmp_path: Path) -> None:
    """On a network whose inputs are correlated, as those of deep networks are."""
    torch.manual_seed(0)
    mixing = nn.Linear(8, 64)
    module = nn.Sequential(mixing, nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 8)).eval()
    with torch.no_grad():
        mixing.weight.mul_(3)
    graph = imported(nn.Sequential(mixing, nn.Tanh(), *module[1:]), (1, 40, 8), tmp_path)
    windows, others = normal_noise(8, (40, 8), seed=0), normal_noise(8, (40, 8), seed=1)
    figures = []
    for compensate in (False, True):
        quantized = quantize(graph, windows, compensate=compensate)
        figures.append(measure(graph, quantized.graph, quantized.mapping, others).sqnr_db)
    assert np.diff(figures)[0] > 0.2
