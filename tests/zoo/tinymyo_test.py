"""TinyMyo against golden data: values, names, shapes, parameter counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edgecomp import zoo
from edgecomp.zoo.fill import entry, fill
from edgecomp.zoo.tinymyo import Config, Rope, TinyMyo, rope_angles, rotate

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
MODELS: dict[str, Any] = json.loads((GOLDEN / "models_tinymyo.json").read_text())

CONFIGS = {
    "tinymyo_reduced_cls_concat": Config(2, 100, layers=1),
    "tinymyo_reduced_cls_mean": Config(2, 100, layers=1, reduction="mean"),
    "tinymyo_reduced_regression": Config(2, 100, layers=1, head="regression", target_length=40),
    "tinymyo_reduced_pretrain": Config(2, 100, layers=1, head="pretraining"),
    "tinymyo_mini_3layer": Config(4, 200, width=48, layers=3, classes=5),
}
WITH_ROPE_VARIANTS = ["tinymyo_reduced_cls_concat", "tinymyo_mini_3layer"]


def golden(name: str) -> dict[str, NDArray[Any]]:
    with np.load(GOLDEN / f"{name}.npz") as data:
        return {key: data[key] for key in data.files}


def network(config: Config, data: dict[str, NDArray[Any]]) -> TinyMyo:
    model = TinyMyo(config).eval()
    state = {key[6:]: torch.tensor(data[key]) for key in data if key.startswith("param/")}
    assert list(model.state_dict()) == list(state)
    model.load_state_dict(state)
    return model


def with_rope(name: str, rope: Rope) -> TinyMyo:
    config = CONFIGS[name]
    return network(Config(**{**vars(config), "rope": rope}), golden(name))


def run(model: TinyMyo, *inputs: NDArray[Any]) -> NDArray[Any]:
    with torch.no_grad():
        output, original = model(*(torch.tensor(each) for each in inputs))
    np.testing.assert_array_equal(original.numpy(), inputs[0])
    array: NDArray[Any] = output.numpy()
    return array


def distance(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """The larger of relative L2 and relative maximum error."""
    assert found.shape == expected.shape
    difference = found.astype(np.float64) - expected
    l2 = np.linalg.norm(difference) / np.linalg.norm(expected)
    return float(max(l2, np.abs(difference).max() / np.abs(expected).max()))


@pytest.mark.parametrize("name", CONFIGS)
def test_outputs_and_all_intermediates_are_golden(name: str) -> None:
    data = golden(name)
    model = network(CONFIGS[name], data)
    seen: dict[str, NDArray[Any]] = {}
    for path, module in model.named_modules():
        module.register_forward_hook(
            lambda _m, _i, out, path=path: seen.__setitem__(f"inter/{path}", out)
        )
    assert distance(run(model, data["input"]), data["output"]) <= 1e-5
    expected = [key for key in data if key.startswith("inter/")]
    assert expected
    for key in expected:
        assert distance(np.asarray(seen[key]), data[key]) <= 1e-5, key


def test_masked_tokens_are_replaced() -> None:
    data = golden("tinymyo_reduced_pretrain")
    model = network(CONFIGS["tinymyo_reduced_pretrain"], data)
    assert distance(run(model, data["input"], data["mask"]), data["output_masked"]) <= 1e-5


def test_one_hidden_sample_masks_its_whole_token() -> None:
    data = golden("tinymyo_reduced_pretrain")
    model = network(CONFIGS["tinymyo_reduced_pretrain"], data)
    sparse = data["mask"].copy()
    sparse[..., 1::20] = sparse[..., 2::20] = False
    assert distance(run(model, data["input"], sparse), data["output_masked"]) <= 1e-5


@pytest.mark.parametrize("name", WITH_ROPE_VARIANTS)
def test_rotation_by_head_cancels(name: str) -> None:
    data = golden(name)
    found = run(with_rope(name, "none"), data["input"])
    assert distance(found, data["alt/output_without_rope"]) <= 1e-5
    assert distance(found, data["output"]) <= 1e-5


@pytest.mark.parametrize("name", WITH_ROPE_VARIANTS)
def test_rotation_by_time_is_another_network_and_never_the_default(name: str) -> None:
    data = golden(name)
    wrong = data["neg/output_rope_over_tokens"]
    assert distance(run(with_rope(name, "time"), data["input"]), wrong) <= 1e-5
    assert distance(run(network(CONFIGS[name], data), data["input"]), wrong) > 0.05
    assert zoo.resolve("tinymyo")["rope"] == Config().rope == "head"


def test_rotation_of_queries_and_keys() -> None:
    data = golden("tinymyo_rope_unit")
    angles = rope_angles(3, 64).unsqueeze(1)
    assert distance(rope_angles(2, 64)[1].numpy(), data["theta"]) <= 1e-6
    q, k = (rotate(torch.tensor(data[x]), angles.cos(), angles.sin()) for x in "qk")
    assert distance(q.numpy(), data["rope_q"]) <= 1e-5
    assert distance(k.numpy(), data["rope_k"]) <= 1e-5
    scores = (q @ k.transpose(-2, -1)).numpy() / 8
    assert distance(scores, data["scores"]) <= 1e-5
    assert distance(scores, data["scores_without_rope"]) <= 1e-5


@pytest.mark.parametrize("name", CONFIGS)
def test_fill_rule_gives_the_golden_parameters(name: str) -> None:
    data = golden(name)
    state = fill(TinyMyo(CONFIGS[name])).state_dict()
    for key, value in state.items():
        np.testing.assert_array_equal(value.numpy(), data[f"param/{key}"], err_msg=key)


def test_fill_rule_of_entries_that_tinymyo_lacks() -> None:
    assert entry("bn.running_var", (50,)).min() >= 0.7
    assert 0.4 < float(entry("m.attention_biases", (40, 40)).std()) < 0.6
    assert 0.6 < float(entry("m.complex_weight", (40, 40, 2)).std()) < 0.8
    norm = torch.nn.Sequential(torch.nn.LayerNorm([3, 8, 8]), torch.nn.BatchNorm2d(3))
    state = fill(norm).state_dict()
    assert abs(float(state["0.weight"].mean()) - 1) < 0.1
    assert int(state["1.num_batches_tracked"]) == 0


def options_of(key: str) -> tuple[str, dict[str, object]]:
    """`tinymyo_c8_cls6` -> tinymyo, channels=8 head=classification classes=6."""
    name, channels, head = key.split("_")
    options: dict[str, object] = {"channels": int(channels[1:])}
    if head.startswith("cls"):
        return name, options | {"classes": int(head[3:])}
    if head.startswith("reg"):
        return name, options | {"head": "regression", "outputs": int(head[3:])}
    return name, options | {"head": "pretraining"}


@pytest.mark.parametrize("key", MODELS)
def test_full_size_names_shapes_and_counts(key: str) -> None:
    expected = MODELS[key]
    name, options = options_of(key)
    encoder = zoo.create_encoder(name, **options)
    state = encoder.module.state_dict()
    found = [(entry, list(value.shape)) for entry, value in state.items()]
    assert found == [(entry, shape) for entry, (shape, _) in expected["state_dict"].items()]
    assert sum(p.numel() for p in encoder.module.parameters()) == expected["parameters"]
    assert list(encoder.input_shape) == expected["input_shape"]
    assert not encoder.module.training


def test_full_size_output_shapes() -> None:
    for key in ("tinyissimomyo_c8_cls6", "tinyissimomyo_c8_reg5", "tinyissimomyo_c8_pretrain"):
        name, options = options_of(key)
        encoder = zoo.create_encoder(name, **options)
        with torch.no_grad():
            outputs = encoder.module(torch.zeros(encoder.input_shape))
        assert [list(output.shape) for output in outputs] == MODELS[key]["output_shape"]


def test_regression_averages_channels_when_asked() -> None:
    config = Config(2, 100, layers=1, head="regression", reduction="mean", target_length=5)
    model = fill(TinyMyo(config)).eval()
    with torch.no_grad():
        assert model(torch.ones(1, 2, 100))[0].shape == (1, 5, 5)


def test_export_wrapper_has_one_output() -> None:
    model = zoo.create("tinyissimomyo", channels=1, samples=40, layers=1)
    x = torch.randn(1, 1, 40)
    exported = torch.export.export(zoo.EncoderOutput(model).eval(), (x,))
    assert len(exported.graph_signature.user_outputs) == 1
    with torch.no_grad():
        assert torch.equal(exported.module()(x), model(x)[0])
