"""The exporters: quiet, repeatable, and clear about what they cannot do."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from edgecomp.errors import EdgecompError
from edgecomp.frontend import import_onnx
from edgecomp.frontend.export import Exporter, export_onnx


class Untraceable(nn.Module):
    """Nothing that ONNX could express."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fft.rfft2(x).abs() if float(x.sum()) > 0 else x.inverse()


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5), nn.GELU(), nn.Linear(5, 2))


@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
def test_two_exports_have_the_same_bytes_and_nothing_is_printed(
    tmp_path: Path, exporter: Exporter, capfd: pytest.CaptureFixture[str]
) -> None:
    module = network().train()
    first = export_onnx(module, torch.ones(1, 6), tmp_path / "a.onnx", exporter)
    second = export_onnx(network(), torch.ones(1, 6), tmp_path / "b.onnx", exporter)
    assert first.read_bytes() == second.read_bytes()
    assert module.training
    assert capfd.readouterr() == ("", "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.onnx", "b.onnx"]


def test_modules_keep_their_modes(tmp_path: Path) -> None:
    inner = network().eval()
    outer = nn.Sequential(inner)
    export_onnx(outer, torch.ones(1, 6), tmp_path / "m.onnx")
    assert outer.training
    assert not any(module.training for module in inner.modules())


@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
def test_open_batch(tmp_path: Path, exporter: Exporter) -> None:
    path = tmp_path / "m.onnx"
    export_onnx(network(), torch.ones(1, 6), path, exporter, open_batch=True)
    dims = onnx.load(path).graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 6]


@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
def test_file_names_tensors_and_modules_but_no_source_file(
    tmp_path: Path, exporter: Exporter
) -> None:
    path = export_onnx(
        network(), torch.ones(1, 6), tmp_path / "m.onnx", exporter, 18, ["signal"], ["scores"]
    )
    model = onnx.load(path)
    assert [v.name for v in model.graph.input] == ["signal"]
    assert [v.name for v in model.graph.output] == ["scores"]
    assert any(node.name.startswith("/3/") for node in model.graph.node)
    assert b".py" not in path.read_bytes()
    onnx.checker.check_model(model)


def test_layers_of_somebody_elses_export_are_named_after_modules(tmp_path: Path) -> None:
    module = nn.Sequential(network(), nn.ReLU(), nn.Linear(2, 3)).eval()
    path = tmp_path / "m.onnx"
    torch.onnx.export(module, (torch.ones(1, 6),), path, dynamo=True, external_data=False)
    assert not any(node.name.startswith("/") for node in onnx.load(path).graph.node)
    layers = [node.name.rpartition("/")[0] for node in import_onnx(path).nodes]
    assert list(dict.fromkeys(layers)) == ["/0/0", "/0/2", "/0/3", "/1", "/2"]


@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
def test_failure_names_the_module_and_the_way_out(
    tmp_path: Path, exporter: Exporter, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EdgecompError, match="Untraceable") as caught:
        export_onnx(Untraceable(), torch.ones(1, 4, 4), tmp_path / "m.onnx", exporter)
    assert "other exporter" in caught.value.hint
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("exporter", "opset"), [("dynamo", 13), ("legacy", 23)])
def test_opset_outside_of_an_exporters_range(
    tmp_path: Path, exporter: Exporter, opset: int
) -> None:
    with pytest.raises(EdgecompError, match=f"not {opset}"):
        export_onnx(network(), torch.ones(1, 6), tmp_path / "m.onnx", exporter, opset)


def test_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(EdgecompError, match="cannot write"):
        export_onnx(network(), torch.ones(1, 6), tmp_path / "none" / "m.onnx", "legacy")
