"""Checkpoint files of every shape a user may bring."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from edgecomp import zoo

SMALL: dict[str, Any] = {"channels": 2, "samples": 100, "layers": 1, "width": 48}
State = dict[str, torch.Tensor]


def weights(**options: object) -> State:
    return dict(zoo.create("tinymyo", **{**SMALL, **options}).state_dict())


def prefixed(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


def save(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def assert_loads(path: Path, expected: State) -> None:
    loaded = zoo.load(path, samples=100).state_dict()
    assert list(loaded) == list(expected)
    assert all(torch.equal(loaded[name], expected[name]) for name in expected)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt"])
def test_torch_files(tmp_path: Path, suffix: str) -> None:
    assert_loads(save(tmp_path / f"w{suffix}", weights()), weights())


def test_safetensors(tmp_path: Path) -> None:
    save_file(weights(), tmp_path / "w.safetensors")
    assert_loads(tmp_path / "w.safetensors", weights())


@pytest.mark.parametrize("prefix", ["model.", "module.", "_orig_mod.", "model._orig_mod.encoder."])
def test_training_prefixes(tmp_path: Path, prefix: str) -> None:
    assert_loads(save(tmp_path / "w.pt", prefixed(prefix, weights())), weights())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": prefixed("model.", state), "epoch": 3},
        lambda state: {"model_state_dict": state},
        lambda state: {"model": state, "optimizer": {"state": {}}},
        lambda state: {"state_dict": {"model": state}},
        lambda state: {"student": prefixed("module.", state), "teacher": {"blocks": 1}, "epoch": 3},
    ],
)
def test_wrapping_keys(tmp_path: Path, wrap: Callable[[State], object]) -> None:
    assert_loads(save(tmp_path / "w.pt", wrap(weights())), weights())


def test_settings_beside_the_weights_are_passed_over(tmp_path: Path) -> None:
    """As Lightning's `save_hyperparameters` and metrics in numpy leave them."""
    settings = {
        "hyper_parameters": argparse.Namespace(lr=1e-3, betas=(0.9, 0.99)),
        "best": np.float64(0.91),
        "step": np.int64(3),
        "improved": np.bool_(True),
    }
    path = save(tmp_path / "w.ckpt", {"state_dict": weights(), **settings})
    assert_loads(path, weights())


def test_half_precision_becomes_float32(tmp_path: Path) -> None:
    halves = {name: value.half() for name, value in weights().items()}
    expected = {name: value.float() for name, value in halves.items()}
    assert_loads(save(tmp_path / "w.pt", halves), expected)


@pytest.mark.parametrize(
    "options",
    [
        {"channels": 3, "classes": 9},
        {"reduction": "mean"},
        {"head": "regression", "outputs": 7},
        {"head": "pretraining"},
        {"layers": 4},
    ],
)
def test_detects_encoder_and_options(tmp_path: Path, options: dict[str, object]) -> None:
    path = save(tmp_path / "w.pt", weights(**options))
    found = zoo.detect(path)
    assert found is not None
    name, inferred = found
    assert name == ("tinyissimomyo" if options.get("layers") == 4 else "tinymyo")
    assert inferred.items() >= options.items()
    encoder = zoo.load_encoder(path)
    assert encoder.spec.name == name
    assert encoder.options.items() >= inferred.items()


def test_what_the_weights_leave_open_is_told(tmp_path: Path) -> None:
    path = save(tmp_path / "w.pt", weights())
    assert zoo.load_encoder(path).assumed == ("samples", "attention_heads", "rope")
    assert zoo.load_encoder(path, samples=100, rope="none").assumed == ("attention_heads",)
    headless = save(tmp_path / "p.pt", weights(head="pretraining"))
    assert "channels" in zoo.load_encoder(headless).assumed


def test_misfit_lists_missing_unexpected_and_wrong_shape(tmp_path: Path) -> None:
    state = weights()
    del state["norm.bias"]
    state["criterion.weight"] = torch.ones(3)
    state["blocks.0.mlp.fc1.weight"] = torch.ones(7, 48)
    with pytest.raises(zoo.MisfitError) as error:
        zoo.load(save(tmp_path / "w.pt", state))
    text = str(error.value)
    assert "missing (1):\n    norm.bias [48]" in text
    assert "unexpected (1):\n    criterion.weight [3]" in text
    assert "blocks.0.mlp.fc1.weight: expected [192, 48], found [7, 48]" in text


def test_misfit_says_what_the_file_looks_like(tmp_path: Path) -> None:
    path = save(tmp_path / "w.pt", weights(head="pretraining", layers=4))
    with pytest.raises(zoo.MisfitError, match="looks like tinyissimomyo with layers=4"):
        zoo.load(path, "tinymyo")
    with pytest.raises(zoo.MisfitError, match=r"(?s)model_head.classifier.weight.*head=pretrain"):
        zoo.load(path, head="classification")


def test_given_options_override_the_inferred_ones(tmp_path: Path) -> None:
    path = save(tmp_path / "w.pt", weights(channels=3, classes=9))
    with pytest.raises(zoo.MisfitError, match=r"expected \[9, 96\], found \[9, 144\]"):
        zoo.load(path, channels=2)
    with pytest.raises(zoo.MisfitError, match="decoder_pred"):
        zoo.load(path, head="pretraining")


def test_named_encoder_at_another_depth(tmp_path: Path) -> None:
    path = save(tmp_path / "w.pt", weights(layers=4))
    encoder = zoo.load_encoder(path, "tinymyo", **{**SMALL, "layers": 4})
    assert encoder.spec.name == "tinymyo"


def test_foreign_checkpoint(tmp_path: Path) -> None:
    path = save(tmp_path / "w.pt", {"conv.weight": torch.ones(3, 3)})
    assert zoo.detect(path) is None
    with pytest.raises(zoo.MisfitError, match="not a checkpoint of a known encoder"):
        zoo.load(path)
    with pytest.raises(zoo.MisfitError, match=r"missing \(103\)"):
        zoo.load(path, "tinymyo")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_and_infinite_weights_are_named(tmp_path: Path, value: float) -> None:
    state = weights()
    state["norm.bias"][3] = value
    with pytest.raises(zoo.CheckpointError, match=r"'norm\.bias' holds NaN or infinite"):
        zoo.load(save(tmp_path / "w.pt", state))


def test_integer_weights_are_refused(tmp_path: Path) -> None:
    state = {name: value.to(torch.int8) for name, value in weights().items()}
    with pytest.raises(zoo.MisfitError, match="expected torch.float32, found torch.int8"):
        zoo.load(save(tmp_path / "w.pt", state))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint at all", b"\x80\x04garbage", b"PK\3\4"]
)
def test_corrupt_files(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(zoo.CheckpointError, match="corrupt or incomplete|other than tensors"):
        zoo.load(path)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_truncated_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    save_file(weights(), path) if suffix == ".safetensors" else save(path, weights())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(zoo.CheckpointError, match="corrupt or incomplete"):
        zoo.load(path)


def test_python_objects_are_never_loaded(tmp_path: Path) -> None:
    path = save(tmp_path / "w.pt", {"state_dict": weights(), "out": Path("runs")})
    with pytest.raises(zoo.CheckpointError, match="objects other than tensors"):
        zoo.load(path)


HELD_BY_ITSELF: dict[str, object] = {}
HELD_BY_ITSELF["model"] = HELD_BY_ITSELF


@pytest.mark.parametrize("content", [[1, 2], 3, {"epoch": 3}, {"state_dict": {}}, HELD_BY_ITSELF])
def test_no_named_weights(tmp_path: Path, content: object) -> None:
    with pytest.raises(zoo.CheckpointError, match="not named weights|holds no weights"):
        zoo.load(save(tmp_path / "w.pt", content))


def test_two_sets_of_weights(tmp_path: Path) -> None:
    both = prefixed("model.", weights()) | weights()
    with pytest.raises(zoo.CheckpointError, match="keep one set"):
        zoo.load(save(tmp_path / "w.pt", both))


def test_absent_file_and_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(zoo.CheckpointError, match="no checkpoint at"):
        zoo.load(tmp_path / "absent.pt")
    other = tmp_path / "w.bin"
    other.write_bytes(b"x")
    with pytest.raises(zoo.CheckpointError, match=r"expected \.pt"):
        zoo.load(other)
