"""Encoders that the zoo does not hold, exported here: import, build, simulate, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn

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


@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
@pytest.mark.parametrize(("norm_first", "activation"), [(True, "gelu"), (False, "relu")])
def test_a_torch_transformer(
    exporter: Literal["dynamo", "legacy"], norm_first: bool, activation: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    assert_builds(Transformer(norm_first, activation), (1, 2, 120), exporter, tmp_path)


@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
def test_a_convolutional_network(exporter: Literal["dynamo", "legacy"], tmp_path: Path) -> None:
    torch.manual_seed(0)
    assert_builds(Convolutional(), (1, 4, 200), exporter, tmp_path)


def assert_builds(
    module: nn.Module,
    shape: tuple[int, ...],
    exporter: Literal["dynamo", "legacy"],
    folder: Path,
) -> None:
    """At least 25 dB on normal noise, and every layer bit-exact under the sanitizers."""
    path = folder / "mine.onnx"
    export_onnx(module.eval(), torch.zeros(shape), path, exporter=exporter)
    built = build(path, out=folder / "out", windows=8)
    assert built.report.model.name == "mine"
    sqnr = built.report.quantization.sqnr_db
    assert sqnr is not None and sqnr >= 25
    simulation = simulate(built, sanitize=True, windows=2)
    assert simulation.report.bit_exact, simulation.mismatch


def test_pytorch_s_own_export_with_weights_in_a_file_beside_the_model(tmp_path: Path) -> None:
    """``torch.onnx.export`` puts large weights into external data unless told otherwise."""
    torch.manual_seed(0)
    module = Transformer(True, "gelu").eval()
    path = tmp_path / "mine.onnx"
    torch.onnx.export(
        module, (torch.zeros(1, 2, 120),), path, dynamo=True, external_data=True, verbose=False
    )
    assert (tmp_path / "mine.onnx.data").exists()
    built = build(path, out=tmp_path / "out", windows=2)
    assert simulate(built, windows=1).report.bit_exact
