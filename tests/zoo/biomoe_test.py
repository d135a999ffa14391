"""Tiny-BioMoE and its experts against golden data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from golden_data import TOLERANCE, assert_described, assert_golden, described, distance, golden
from golden_data import loaded as with_golden_weights
from torch import nn

from edgecomp import zoo
from edgecomp.zoo.biomoe import spectformer
from edgecomp.zoo.biomoe.efficientvit import EfficientViT, EfficientViTConfig
from edgecomp.zoo.biomoe.network import Config, TinyBioMoE
from edgecomp.zoo.biomoe.spectformer import SpectFormer, SpectFormerConfig
from edgecomp.zoo.fourier import as_matrices

MODELS = described("models_images_and_eeg.json")
REDUCED = SpectFormerConfig(224, 16, (64, 128, 40, 96), (2, 4, 5, 16), (1, 1, 2, 4))
PADDED = EfficientViTConfig(160, (32, 48, 96), (8, 8, 8), (2, 3, 4))
WINDOWED = EfficientViTConfig(224, (16, 24, 96), (4, 4, 8), (2, 3, 4))

PARTS = {
    "spectral_gating_64": lambda: spectformer.TokenGate(56, 56, 64),
    "spectformer_block_wave_128": lambda: spectformer.Block(
        128, spectformer.TokenGate(28, 28, 128), 128, 28
    ),
    "spectformer_block_att_80": lambda: spectformer.Block(
        80, spectformer.Attention(80, 10), 160, 7
    ),
    "spectformer_classblock_96": lambda: spectformer.ClassBlock(96, 16, 384),
    "spectformer_reduced": lambda: SpectFormer(REDUCED),
    "efficientvit_reduced_pad": lambda: EfficientViT(PADDED),
    "efficientvit_reduced_win": lambda: EfficientViT(WINDOWED),
    "biomoe_reduced_e2e": lambda: TinyBioMoE(Config(REDUCED, WINDOWED)),
}
SPECTRAL = ["spectral_gating_64", "spectformer_block_wave_128", "biomoe_reduced_e2e"]


@pytest.mark.parametrize("name", PARTS)
def test_outputs_and_intermediates_are_golden(name: str) -> None:
    assert_golden(PARTS[name](), golden(name))


@pytest.mark.parametrize("name", SPECTRAL)
def test_fourier_transforms_as_matrices_are_the_same_network(name: str) -> None:
    with as_matrices():
        assert_golden(PARTS[name](), golden(name))


def test_class_block_leaves_the_other_tokens_alone() -> None:
    data = golden("spectformer_classblock_96")
    seen = assert_golden(PARTS["spectformer_classblock_96"](), data)
    assert distance(seen["mlp"], data["inter/mlp"]) <= TOLERANCE
    np.testing.assert_array_equal(seen[""][:, 1:].numpy(), data["input"][:, 1:])


def test_tokens_of_the_spectformer() -> None:
    data = golden("spectformer_reduced")
    model = with_golden_weights(SpectFormer(REDUCED), data)
    assert isinstance(model, SpectFormer)
    with torch.no_grad():
        assert distance(model.tokens(torch.tensor(data["input"])), data["tokens"]) <= TOLERANCE


def test_experts_within_the_whole() -> None:
    data = golden("biomoe_reduced_e2e")
    seen = assert_golden(PARTS["biomoe_reduced_e2e"](), data)
    assert distance(seen["enc1"], data["inter/z1"]) <= TOLERANCE
    assert distance(seen["enc2"], data["inter/z2"]) <= TOLERANCE


class Given(nn.Module):
    """Returns an expert's golden features."""

    def __init__(self, features: np.ndarray) -> None:
        super().__init__()
        self.features = torch.tensor(features)

    def forward(self, _x: torch.Tensor) -> torch.Tensor:
        return self.features


def test_wrapper() -> None:
    data = golden("biomoe_wrapper")
    model = with_golden_weights(TinyBioMoE(Config(REDUCED, WINDOWED)), {})
    assert isinstance(model, TinyBioMoE)
    model.enc1, model.enc2 = Given(data["z1"]), Given(data["z2"])  # type: ignore[assignment]
    with torch.no_grad():
        x = torch.tensor(data["input"])
        assert distance(model(x), data["output"]) <= TOLERANCE
        assert distance(model.ln_img(x), data["ln_img"]) <= TOLERANCE
        for i in "12":
            gate = model.fcn(torch.tensor(data[f"z{i}"]))
            assert distance(gate, data[f"gate{i}"]) <= TOLERANCE


def test_attention_biases_are_in_force_however_weights_come() -> None:
    """Published code caches zero biases when eval() comes before the weights."""
    data = golden("efficientvit_reduced_win")
    state = {key[6:]: torch.tensor(data[key]) for key in data if key.startswith("param/")}
    model = EfficientViT(WINDOWED).eval()
    model.load_state_dict(state)
    with torch.no_grad():
        x = torch.tensor(data["input"])
        assert distance(model(x), data["output"]) <= TOLERANCE
        for name, value in model.named_parameters():
            if name.endswith("attention_biases"):
                value.zero_()
        assert distance(model(x), data["output"]) > 1e-3


def test_full_size_names_shapes_parameters_and_macs() -> None:
    with torch.device("meta"):
        assert_described(TinyBioMoE(Config()), MODELS["tinybiomoe"])


def test_published_checkpoint_with_one_key(tmp_path: Path) -> None:
    state = zoo.create("tinybiomoe").state_dict()
    path = tmp_path / "Tiny-BioMoE.pth"
    torch.save({"model_state_dict": state}, path)
    assert zoo.detect(path) == ("tinybiomoe", {})
    found = zoo.load(path).state_dict()
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_index_tables_may_be_absent(tmp_path: Path) -> None:
    state = zoo.create("tinybiomoe").state_dict()
    floats = {name: value for name, value in state.items() if value.is_floating_point()}
    torch.save(floats, tmp_path / "w.pth")
    found = zoo.load(tmp_path / "w.pth").state_dict()
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_experts_of_different_images_do_not_go_together() -> None:
    with pytest.raises(zoo.ZooError, match="share one image"):
        TinyBioMoE(Config(REDUCED, PADDED))


def test_other_sizes_are_a_misfit(tmp_path: Path) -> None:
    torch.save(TinyBioMoE(Config(REDUCED, WINDOWED)).state_dict(), tmp_path / "w.pth")
    with pytest.raises(zoo.MisfitError, match=r"wrong shape.*\n.*(?s:.*)looks like tinybiomoe"):
        zoo.load(tmp_path / "w.pth")
