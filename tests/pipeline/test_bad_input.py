"""Bad input: one message with the cause and the way out, and nothing half-written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgecomp import zoo
from edgecomp.errors import EdgecompError
from edgecomp.pipeline import build


def small_model(weight: np.ndarray, nodes: list[onnx.NodeProto] | None = None) -> bytes:
    """y = relu(x w), or other nodes around the initializer w."""
    nodes = nodes or [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="product"),
        helper.make_node("Relu", ["h"], ["y"], name="rectifier"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, weight.shape[1]])],
        [numpy_helper.from_array(weight, "w")],
    )
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10)
    data: bytes = model.SerializeToString()
    return data


WEIGHT = np.ones((8, 4), np.float32)


def truncated() -> bytes:
    return small_model(WEIGHT)[:-60]


def with_a_cycle() -> bytes:
    return small_model(
        WEIGHT,
        [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="product"),
            helper.make_node("Add", ["h", "y"], ["g"], name="first"),
            helper.make_node("Relu", ["g"], ["y"], name="second"),
        ],
    )


def without_an_initializer() -> bytes:
    return small_model(WEIGHT, [helper.make_node("MatMul", ["x", "lost"], ["y"], name="product")])


def with_nan() -> bytes:
    return small_model(np.full((8, 4), np.nan, np.float32))


def with_infinity() -> bytes:
    return small_model(np.full((8, 4), np.inf, np.float32))


def with_unknown_operators() -> bytes:
    return small_model(
        WEIGHT,
        [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="product"),
            helper.make_node("NonZero", ["h"], ["g"], name="first_strange"),
            helper.make_node("Det", ["h"], ["y"], name="second_strange"),
        ],
    )


def too_large() -> bytes:
    """The result alone is larger than L2."""
    return small_model(np.zeros((8, 2_000_000), np.float32) + 0.01)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (truncated, ["onnx"]),
        (with_a_cycle, ["cycle|order|before|undefined"]),
        (without_an_initializer, ["lost"]),
        (with_nan, ["w", "NaN"]),
        (with_infinity, ["w", "infinite"]),
        (with_unknown_operators, ["first_strange", "NonZero", "second_strange", "Det"]),
        (too_large, ["bytes", "gap9_evk"]),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_a_bad_model(make: Callable[[], bytes], words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(make())
    assert_refused(words, tmp_path, str(path))


@pytest.mark.parametrize(
    ("model", "keywords", "words"),
    [
        ("tinymyoo", {}, ["unknown", "tinymyoo", "tinymyo"]),
        ("tinymyo", {"target": "gap8"}, ["gap8", "gap9"]),
        ("tinymyo", {"board": "gap9_evkk"}, ["gap9_evkk", "gap9_evk"]),
        ("tinymyo", {"options": {"channels": "many"}}, ["channels", "many"]),
        ("tinymyo", {"options": {"chanels": "8"}}, ["chanels", "channels"]),
        ("tinymyo", {"dims": {"batch": 1}}, ["--dim", "--set"]),
        ("missing.onnx", {}, ["missing.onnx"]),
    ],
)
def test_bad_arguments(
    model: str, keywords: dict[str, object], words: list[str], tmp_path: Path
) -> None:
    assert_refused(words, tmp_path, model, **keywords)


def test_calibration_of_the_wrong_shape(tmp_path: Path) -> None:
    np.save(tmp_path / "windows.npy", np.zeros((4, 3, 100), np.float32))
    options = {"channels": "2", "samples": "100", "layers": "1"}
    words = ["2, 100", "3, 100"]
    assert_refused(
        words, tmp_path, "tinyissimomyo", options=options, calibration=tmp_path / "windows.npy"
    )


def test_weights_with_nan(tmp_path: Path) -> None:
    module = zoo.create("tinyissimomyo", channels=2, samples=100, layers=1)
    state = module.state_dict()
    state["norm.weight"][3] = float("nan")
    torch.save(state, tmp_path / "weights.pt")
    options = {"channels": "2", "samples": "100", "layers": "1"}
    weights = tmp_path / "weights.pt"
    assert_refused(["norm.weight"], tmp_path, "tinyissimomyo", options=options, weights=weights)


def test_an_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(EdgecompError, match="is a file"):
        build("tinyissimomyo", out=tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_an_output_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(EdgecompError, match="holds files that no build made"):
        build("tinyissimomyo", out=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


@pytest.mark.skipif(os.name != "posix" or not Path("/proc").is_dir(), reason="needs /proc")
def test_an_output_that_cannot_be_written() -> None:
    with pytest.raises(EdgecompError, match="cannot write /proc/out"):
        build("tinyissimomyo", out="/proc/out")


@pytest.mark.parametrize(
    "writer",
    ["edgecomp.pipeline.build_project.write_html", "edgecomp.codegen.project.shutil.copy2"],
)
def test_a_disk_that_fills_up_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str
) -> None:
    """The last file of the project cannot be written, or none of the runtime's many."""

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, full)
    options = {"channels": "2", "samples": "100", "layers": "1"}
    words = [r"^cannot write \S+: No space left on device\nfree some space in"]
    assert_refused(words, tmp_path, "tinyissimomyo", options=options, windows=1)


def test_the_folder_one_is_in_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EdgecompError, match="the folder you are in"):
        build("tinyissimomyo", out=".")


def assert_refused(words: list[str], tmp_path: Path, model: str, **keywords: object) -> None:
    """The build ends in one error that holds all words, and leaves no folder behind."""
    import re

    out = tmp_path / "parent" / "out"
    with pytest.raises(EdgecompError) as caught:
        build(model, out=out, **keywords)  # type: ignore[arg-type]
    for word in words:
        assert re.search(word, str(caught.value)), f"{word!r} is not in: {caught.value}"
    assert not out.exists()
    assert not out.parent.exists()
