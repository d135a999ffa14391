"""Weights that have no place outside of the chip are refused before anything is quantized."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecomp.frontend import import_onnx
from edgecomp.ir import Graph, run_passes
from edgecomp.memory import DoesNotFit
from edgecomp.passes import default_pipeline
from edgecomp.pipeline import build
from edgecomp.pipeline.compile import check_weights
from edgecomp.targets import Board, load_board

SIDE = 256


def network(weights: Sequence[np.ndarray]) -> onnx.ModelProto:
    """One product after the other."""
    names = [f"h{index}" for index in range(len(weights) + 1)]
    nodes = [
        helper.make_node("MatMul", [names[index], f"w{index}"], [names[index + 1]])
        for index in range(len(weights))
    ]
    shape = [1, SIDE]
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info(names[0], TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(array, f"w{index}") for index, array in enumerate(weights)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.fixture
def weights() -> list[np.ndarray]:
    """Two matrices that differ."""
    generator = np.random.default_rng(0)
    return [generator.standard_normal((SIDE, SIDE), dtype=np.float32) for _ in range(2)]


def board_with(external_bytes: int) -> Board:
    board = load_board("gap9_evk")
    sizes = {"l3_bytes": external_bytes, "flash_bytes": external_bytes}
    return board.model_copy(update={"memories": board.memories.model_copy(update=sizes)})


def simplified(weights: Sequence[np.ndarray]) -> Graph:

    graph = import_onnx(network(weights).SerializeToString())
    run_passes(graph, default_pipeline())
    return graph


def test_a_byte_for_each_weight_is_the_least(weights: list[np.ndarray]) -> None:
    graph = simplified(weights)
    check_weights(graph, board_with(2 * SIDE * SIDE))
    with pytest.raises(DoesNotFit, match=f"take at least {2 * SIDE * SIDE} bytes"):
        check_weights(graph, board_with(2 * SIDE * SIDE - 1))


def test_equal_weights_count_once(weights: list[np.ndarray]) -> None:
    check_weights(simplified([weights[0], weights[0].copy()]), board_with(SIDE * SIDE))


def test_the_build_ends_before_it_quantizes(
    weights: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_arguments: object) -> None:
        pytest.fail("quantized all the same")

    monkeypatch.setattr("edgecomp.pipeline.build_project.quantize", never)
    monkeypatch.setattr(
        "edgecomp.pipeline.build_project.board_for", lambda *_arguments: board_with(100_000)
    )
    onnx.save(network(weights), tmp_path / "large.onnx")
    with pytest.raises(DoesNotFit, match=r"at least 131072 bytes, gap9_evk has 100000 bytes"):
        build(tmp_path / "large.onnx", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
