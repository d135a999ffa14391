"""The float reference runs what onnxruntime's own kernels refuse, and says when it cannot."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecomp.errors import EdgecompError
from edgecomp.pipeline.float_model import FloatModel


def _attention(mask: np.ndarray) -> onnx.ModelProto:
    """Attention of [1, 2, 5, 4] to itself."""
    graph = helper.make_graph(
        [helper.make_node("Attention", ["x", "x", "x", "mask"], ["y"], name="attention")],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2, 5, 4))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(mask, "mask")],
    )
    opset = [helper.make_opsetid("", 23)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10)


def _output(model: onnx.ModelProto, folder: Path) -> np.ndarray:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    x = np.random.default_rng(0).standard_normal((2, 1, 2, 5, 4)).astype(np.float32)
    [y] = FloatModel(path).run({"x": x}, ["x"])
    return y


def test_a_mask_of_keys_alone(tmp_path: Path) -> None:
    """onnxruntime takes a mask for every query only; the standard broadcasts."""
    keys = np.arange(5) < 3
    narrow = _output(_attention(keys[None, None, None]), tmp_path)
    wide = _output(_attention(np.tile(keys, (1, 1, 5, 1))), tmp_path)
    assert narrow.shape == (2, 1, 2, 5, 4)
    assert np.abs(narrow - wide).max() < 1e-6


def test_what_cannot_be_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(EdgecompError, match="onnxruntime cannot run model.onnx"):
        _output(_attention(np.zeros((3, 7), bool)), tmp_path)
