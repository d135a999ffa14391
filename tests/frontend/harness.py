"""Shared by the importer's tests: build models, run them both ways, compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from edgecomp.frontend import import_onnx
from edgecomp.ir import Graph, interpret


def one_node_model(
    op: str,
    inputs: Sequence[np.ndarray | None],
    *,
    opset: int = 18,
    results: int = 1,
    constants: Sequence[int] = (),
    result_ranks: bool = False,
    **attributes: Any,
) -> onnx.ModelProto:
    """A model of one node; operands listed in ``constants`` (or integer ones) are initializers."""
    names = ["" if array is None else f"in{index}" for index, array in enumerate(inputs)]
    fixed = [
        i
        for i, array in enumerate(inputs)
        if array is not None and (i in constants or array.dtype != np.float32)
    ]
    outputs = [f"out{index}" for index in range(results)]
    node = helper.make_node(op, names, outputs, name=f"the_{op}", **attributes)
    graph = helper.make_graph(
        [node],
        "test",
        [
            helper.make_tensor_value_info(names[i], TensorProto.FLOAT, array.shape)
            for i, array in enumerate(inputs)
            if array is not None and i not in fixed
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(inputs[i], names[i]) for i in fixed],  # type: ignore[arg-type]
    )
    return make_model(graph, opset)


def make_model(graph: onnx.GraphProto, opset: int = 18) -> onnx.ModelProto:
    """A model that onnxruntime accepts."""
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def reference(model: onnx.ModelProto, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """What onnxruntime computes."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, dict(feeds)))


def assert_same(
    model: onnx.ModelProto, feeds: Mapping[str, np.ndarray], tolerance: float = 1e-5
) -> Graph:
    """Import ``model`` and hold it against onnxruntime (relative L2 difference per output)."""
    graph = import_onnx(model.SerializeToString())
    for ours, theirs in zip(interpret(graph, feeds), reference(model, feeds), strict=True):
        assert ours.shape == theirs.shape
        assert np.linalg.norm(ours - theirs) <= tolerance * np.linalg.norm(theirs) + 1e-7
    return graph


def assert_same_file(path: Path, feeds: Mapping[str, np.ndarray]) -> Graph:
    """As ``assert_same``, for a file."""
    return assert_same(onnx.load(path), feeds)
