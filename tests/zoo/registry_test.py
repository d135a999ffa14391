"""Encoders by name: options, errors, descriptions."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from edgecomp import zoo


def test_names_and_descriptions() -> None:
    assert zoo.names()[:3] == ["tinymyo", "tinyissimomyo", "tinybiomoe"]
    described = json.loads(json.dumps(zoo.describe()))
    assert [each["name"] for each in described] == zoo.names()
    assert described[0]["parameters"] == 3_572_742
    assert described[0]["input_shape"] == [1, 8, 1000]
    assert {"name", "type", "default", "help"} <= described[0]["options"][0].keys()


def test_unknown_encoder_suggests_and_lists() -> None:
    with pytest.raises(zoo.ZooError) as error:
        zoo.create("tinymio")
    assert "'tinymio'" in str(error.value)
    assert "did you mean 'tinymyo'?" in str(error.value)
    assert "tinyissimomyo" in str(error.value)


def test_unknown_option_suggests_and_lists() -> None:
    with pytest.raises(zoo.ZooError, match=r"(?s)'chanels'.*did you mean 'channels'.*samples"):
        zoo.parse_options("tinymyo", {"chanels": "8"})


def test_options_from_text() -> None:
    parsed = zoo.parse_options("tinymyo", {"channels": "16", "head": "regression"})
    assert parsed == {"channels": 16, "head": "regression"}


@pytest.mark.parametrize(
    "texts", [{"channels": "eight"}, {"channels": "0"}, {"channels": "-1"}, {"head": "decoder"}]
)
def test_impossible_texts(texts: dict[str, str]) -> None:
    with pytest.raises(zoo.ZooError, match="not possible"):
        zoo.parse_options("tinymyo", texts)


@pytest.mark.parametrize("value", ["8", 8.0, True, None, 10**9])
def test_ill_typed_or_excessive_values(value: object) -> None:
    with pytest.raises(zoo.ZooError, match="whole number from 1"):
        zoo.create("tinymyo", channels=value)


def test_samples_must_fill_patches() -> None:
    with pytest.raises(zoo.ZooError, match=r"(?s)samples=990.*take 1000"):
        zoo.create("tinymyo", samples=990)


def test_too_many_tokens() -> None:
    with pytest.raises(zoo.ZooError, match="10000 tokens"):
        zoo.create("tinymyo", channels=200)


def test_width_must_split_into_heads() -> None:
    with pytest.raises(zoo.ZooError, match="5 attention heads"):
        zoo.create("tinymyo", attention_heads=5)


def test_option_without_effect_is_refused() -> None:
    with pytest.raises(zoo.ZooError, match="classes has no effect"):
        zoo.create("tinymyo", head="regression", classes=4)


def test_numpy_integers_are_integers() -> None:
    assert zoo.resolve("tinymyo", channels=np.int64(4))["channels"] == 4


def test_same_weights_every_time_and_the_random_stream_untouched() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first = zoo.create("tinyissimomyo", layers=1).state_dict()
    assert torch.equal(torch.rand(2), expected)
    second = zoo.create("tinyissimomyo", layers=1).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_windows_suit_the_network() -> None:
    encoder = zoo.create_encoder("tinymyo", channels=3, samples=200)
    windows = encoder.windows(2, seed=5)
    assert windows.shape == (2, *encoder.input_shape[1:])
    assert windows.dtype == np.float32
