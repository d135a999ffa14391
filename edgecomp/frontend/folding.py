"""Evaluation of nodes whose operands are all known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import Unsupported
from edgecomp.frontend.limits import MAX_ELEMENTS
from edgecomp.frontend.loading import to_array

_SMALL = 4096
_UNPREDICTABLE = frozenset(
    {"Bernoulli", "Loop", "Multinomial", "Scan", "If"}
    | {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)


def foldable(node: onnx.NodeProto) -> bool:
    """Whether the results of ``node`` follow from its operands and can be computed here."""
    return node.domain in ("", "ai.onnx") and node.op_type not in _UNPREDICTABLE


def fold(
    node: onnx.NodeProto, operands: Sequence[np.ndarray | None], opset: int
) -> list[np.ndarray]:
    """The results of ``node``.

    Raises EdgecompError where a result would be excessively large or where the reference
    implementation of ONNX rejects the node.
    """
    if node.op_type == "Constant":
        return [_constant(node)]
    if node.op_type == "Range":
        _check_range(operands)
    model = _one_node_model(node, operands, opset)
    _check_sizes(model, node)
    feeds = {n: a for n, a in zip(node.input, operands, strict=True) if a is not None}
    with np.errstate(all="ignore"):
        results = ReferenceEvaluator(model).run(None, feeds)
    return [_narrow(np.asarray(result)) for result in results]


def _constant(node: onnx.NodeProto) -> np.ndarray:
    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if "value" in values:
        return to_array(values["value"])
    for name, kind in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if name in values:
            return np.array(values[name], dtype=kind)
    raise Unsupported("it holds text or a sparse tensor", "use dense numeric constants")


def _one_node_model(
    node: onnx.NodeProto, operands: Sequence[np.ndarray | None], opset: int
) -> onnx.ModelProto:
    known = {n: a for n, a in zip(node.input, operands, strict=True) if a is not None}
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in known.items()
    ]
    small = [numpy_helper.from_array(a, n) for n, a in known.items() if a.size <= _SMALL]
    outputs = [
        helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in node.output if n
    ]
    graph = helper.make_graph([node], "fold", inputs, outputs, small)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def _check_sizes(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    """Predict the results' shapes before anything is allocated."""
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    for output in inferred.graph.output:
        sizes = [dim.dim_value for dim in output.type.tensor_type.shape.dim]
        if math.prod(sizes) > MAX_ELEMENTS:
            raise EdgecompError(f"its result would have shape {sizes}")
    if node.op_type in ("Tile", "Expand", "ConstantOfShape", "Pad", "Resize", "OneHot"):
        for output in inferred.graph.output:
            dims = output.type.tensor_type.shape.dim
            if any(not dim.HasField("dim_value") for dim in dims):
                raise EdgecompError("the shape of its result cannot be determined")


def _check_range(operands: Sequence[np.ndarray | None]) -> None:
    start, limit, delta = (float(np.asarray(o).reshape(())) for o in operands[:3])
    if delta == 0 or not (limit - start) / delta <= MAX_ELEMENTS:
        raise EdgecompError(f"a range from {start} to {limit} in steps of {delta} is too long")


def _narrow(array: np.ndarray) -> np.ndarray:
    """Floating-point results in single precision, as everywhere."""
    if array.dtype.kind in "fV" and array.dtype != np.float32:
        return array.astype(np.float32)
    if array.dtype.kind not in "fiub":
        raise Unsupported(f"its result has element type {array.dtype}", "use numbers")
    return array
