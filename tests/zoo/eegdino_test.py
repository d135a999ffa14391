"""EEG-DINO against golden data, and the forms in which its weights are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from golden_data import TOLERANCE, assert_described, assert_golden, described, distance, golden
from safetensors.torch import save_file

from edgecomp import zoo
from edgecomp.zoo.eegdino.config import LARGE, MEDIUM, SMALL, Config, Size
from edgecomp.zoo.eegdino.network import ClassifierHead, EegDino
from edgecomp.zoo.fill import fill
from edgecomp.zoo.fourier import as_matrices

MODELS = described("models_images_and_eeg.json")
TWO_LAYERS = Size(200, 8, 2, 512, (25, 25, 25), 5)
State = dict[str, torch.Tensor]


def two_layers() -> EegDino:
    return EegDino(Config(TWO_LAYERS, 3, 2))


def test_outputs_and_intermediates_are_golden() -> None:
    data = golden("eegdino_small_2layer")
    model = two_layers()
    seen = assert_golden(model, data)
    magnitude = seen["patch_embedding.spectrum"]
    assert distance(magnitude, data["inter/spectral_magnitude"]) <= TOLERANCE
    vectors = model.patch_embedding.channel_vectors(3)
    assert distance(vectors, data["inter/channel_embedding"]) <= TOLERANCE


def test_fourier_transform_as_a_matrix_is_the_same_network() -> None:
    with as_matrices():
        assert_golden(two_layers(), golden("eegdino_small_2layer"))


def test_classifier_head() -> None:
    head = ClassifierHead(200, 4)
    assert_golden(head, golden("eegdino_classifier_head"), lambda x: head.classify(x, 3))


@pytest.mark.parametrize(
    ("key", "size", "patches"),
    [
        ("eegdino_small", SMALL, 10),
        ("eegdino_small_1s", SMALL, 1),
        ("eegdino_medium", MEDIUM, 10),
        ("eegdino_large", LARGE, 10),
    ],
)
def test_full_size_names_shapes_parameters_and_macs(key: str, size: Size, patches: int) -> None:
    with torch.device("meta"):
        assert_described(EegDino(Config(size, patches=patches)), MODELS[key])


def test_group_norm_spans_the_recording_and_not_the_batch() -> None:
    model = fill(two_layers()).eval()
    x = torch.randn(2, 3, 2, 200)
    with torch.no_grad():
        assert distance(model(x)[1:], model(x[1:]).numpy()) <= TOLERANCE
        louder = torch.cat([10 * x[:1, :1], x[:1, 1:]], dim=1)
        change = model.patch_embedding.proj_in(louder.reshape(1, 1, 6, 200))[:, :, 2:]
        assert (
            distance(
                change, model.patch_embedding.proj_in(x[:1].reshape(1, 1, 6, 200))[:, :, 2:].numpy()
            )
            > 0.1
        )


def test_more_channels_than_embeddings() -> None:
    with pytest.raises(zoo.ZooError, match="at most 19"):
        two_layers()(torch.zeros(1, 20, 1, 200))


def small(**options: Any) -> State:
    return dict(zoo.create("eegdino-small", **options).state_dict())


def port_form(state: State) -> State:
    """As eegdino-rs converts: indices renamed, weights of linear layers transposed."""
    renamed = {"0": "conv1", "1": "norm1", "3": "conv2", "4": "norm2", "6": "conv3", "7": "norm3"}
    result = {}
    for name, value in state.items():
        parts = name.removeprefix("encoder.").split(".")
        if "proj_in" in parts:
            at = parts.index("proj_in") + 1
            parts[at] = renamed[parts[at]]
        if "time_encoding" in parts or "spectral_proj" in parts:
            parts.remove("0")
        result[".".join(parts)] = value.T.contiguous() if value.ndim == 2 else value
    return result


def assert_loads(path: Path, name: str, expected: State, **options: Any) -> None:
    found = zoo.detect(path)
    assert found is not None
    assert found[0] == name
    state = zoo.load(path, **options).state_dict()
    assert list(state) == list(expected)
    assert all(torch.equal(state[entry], expected[entry]) for entry in expected)


def test_training_checkpoint_gives_the_student(tmp_path: Path) -> None:
    student = {f"module.student.{name}": value for name, value in small().items()}
    teacher = {f"module.teacher.{name}": value + 1 for name, value in small().items()}
    other = {
        "module.mask_projector.0.weight": torch.ones(3, 3),
        "module.loss.center": torch.ones(1),
    }
    path = tmp_path / "model_EEG_DINO_S.pt"
    torch.save({"state_dict": teacher | student | other, "epoch": 3}, path)
    assert_loads(path, "eegdino-small", small())


@pytest.mark.parametrize("inside", ["student.", "module.student.encoder.", "student.module.", ""])
def test_what_training_adds_is_dropped_wherever_it_is(tmp_path: Path, inside: str) -> None:
    """The student in a wrapper of its own, or its names bare, and heads on both sides of it."""
    student = {f"{inside}{name}": value for name, value in small().items()}
    other = {
        f"{inside}mask_projector.0.weight": torch.ones(3, 3),
        "module.teacher.global_tokens": torch.ones(1, 1, 200),
        "module.dino_loss.center": torch.ones(1),
    }
    torch.save(student | other, tmp_path / "w.pt")
    assert_loads(tmp_path / "w.pt", "eegdino-small", small())


def test_safetensors_of_the_rust_port(tmp_path: Path) -> None:
    path = tmp_path / "eeg_dino_small.safetensors"
    save_file(port_form(small()), path)
    assert_loads(path, "eegdino-small", small())


def test_square_weights_of_the_port_are_transposed_too(tmp_path: Path) -> None:
    state = small()
    save_file(port_form(state), tmp_path / "w.safetensors")
    loaded = zoo.load(tmp_path / "w.safetensors").state_dict()
    name = "encoder_layers.3.attn.proj.weight"
    assert not torch.equal(state[name], state[name].T)
    assert torch.equal(loaded[name], state[name])


@pytest.mark.parametrize("port", [False, True])
def test_classifier_beside_the_encoder(tmp_path: Path, port: bool) -> None:
    state = small(head="classification", classes=5)
    path = tmp_path / "w.safetensors"
    save_file(port_form(state) if port else state, path)
    assert zoo.detect(path) == ("eegdino-small", {"head": "classification", "classes": 5})
    assert_loads(path, "eegdino-small", state)


def test_classifier_runs_encoder_and_head() -> None:
    model = zoo.create("eegdino-small", head="classification", classes=5, channels=2, patches=3)
    x = torch.randn(2, 2, 3, 200)
    with torch.no_grad():
        expected = model.classify(model.encoder(x), 2)  # type: ignore[operator]
        assert model(x).shape == (2, 5)
        assert torch.equal(model(x), expected)


def test_size_is_told_by_the_weights(tmp_path: Path) -> None:
    state = zoo.create("eegdino-medium").state_dict()
    path = tmp_path / "w.safetensors"
    save_file(port_form(dict(state)), path)
    assert_loads(path, "eegdino-medium", dict(state))
    encoder = zoo.load_encoder(path, channels=16)
    assert encoder.assumed == ("patches",)
    assert encoder.input_shape == (1, 16, 10, 200)


def test_missing_layers_are_a_misfit(tmp_path: Path) -> None:
    state = {name: value for name, value in small().items() if ".11." not in name}
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(zoo.MisfitError, match=r"missing \(13\)"):
        zoo.load(tmp_path / "w.pt")


def test_too_many_tokens() -> None:
    with pytest.raises(zoo.ZooError, match="at most 4096"):
        zoo.create("eegdino-small", patches=500)
