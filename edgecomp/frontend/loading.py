"""Reading a model file: syntax, versions, external data, element types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import clean
from edgecomp.frontend.limits import MAX_ELEMENTS, excessive

OLDEST_OPSET = 13
NEWEST_OPSET = 23
_MAX_FILE = 1 << 31
_OTHER_FLOATS = (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
_NUMBERS = (
    TensorProto.FLOAT,
    TensorProto.INT8,
    TensorProto.INT16,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.UINT8,
    TensorProto.UINT16,
    TensorProto.UINT32,
    TensorProto.UINT64,
    TensorProto.BOOL,
)


def load_model(source: str | Path | bytes) -> onnx.ModelProto:
    """The model in a file or in bytes, with all data in memory.

    Raises EdgecompError for anything that is not an ONNX model of a supported opset.
    """
    data, folder = _read(source)
    described = "the model" if isinstance(source, bytes) else str(source)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # DecodeError of protobuf, whose packages carry no types
        raise _not_onnx(described) from error
    if not model.ir_version or not model.HasField("graph"):
        raise _not_onnx(described)
    if not all(isinstance(text, str) for text in _texts(model)):
        raise _not_onnx(described)
    opset_of(model)
    _check_inputs(model.graph, described)
    for tensor in _tensors(model):
        _resolve_external(tensor, folder)
    return model


def _check_inputs(graph: onnx.GraphProto, described: str) -> None:
    """EdgecompError where the network computes in another floating-point type than float32.

    Constants of such types are read: exporters leave them in float32 networks.
    """
    stored = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        kind = value.type.tensor_type.elem_type
        if kind in _OTHER_FLOATS and value.name not in stored:
            raise EdgecompError(
                f"{described} is not a float32 network: its input {clean(value.name)!r} has "
                f"element type {type_name(kind)}",
                "export it in float32: call model.float() before torch.onnx.export",
            )


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the standard operators; EdgecompError where it is not supported."""
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if not versions:
        raise EdgecompError(
            "the model imports no version of the standard ONNX operators",
            "it may be damaged, or hold operators of another runtime only: export it again",
        )
    opset = int(max(versions))
    if opset < OLDEST_OPSET:
        raise EdgecompError(
            f"the model uses ONNX opset {opset}; edgecomp reads {OLDEST_OPSET} to {NEWEST_OPSET}",
            "convert it: onnx.save(onnx.version_converter.convert_version("
            "onnx.load('model.onnx'), 18), 'model18.onnx')",
        )
    if opset > NEWEST_OPSET:
        raise EdgecompError(
            f"the model uses ONNX opset {opset}; edgecomp reads {OLDEST_OPSET} to {NEWEST_OPSET}",
            f"export it again with opset {NEWEST_OPSET} or older",
        )
    return opset


def to_array(tensor: TensorProto) -> np.ndarray:
    """The contents of a tensor; all floating-point types become float32."""
    name, kind = clean(tensor.name), tensor.data_type
    if any(size < 0 for size in tensor.dims) or excessive(tensor.dims):
        raise EdgecompError(
            f"tensor {name!r} claims shape {list(tensor.dims)}",
            f"edgecomp accepts tensors of at most {MAX_ELEMENTS} elements",
        )
    if kind not in _NUMBERS and kind not in _OTHER_FLOATS:
        raise EdgecompError(
            f"tensor {name!r} has element type {type_name(kind)}, which edgecomp does not read",
            "use float32 weights",
        )
    try:
        array: np.ndarray = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, OverflowError, KeyError) as error:
        raise EdgecompError(
            f"tensor {name!r} does not hold the data of its shape {list(tensor.dims)}: {error}",
            "the file is damaged: export it again",
        ) from error
    if kind in _OTHER_FLOATS:
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
    if array.dtype == np.float32 and np.isnan(array).any():
        raise EdgecompError(
            f"tensor {name!r} holds NaN",
            "such a network cannot be quantized: repair the weights",
        )
    return array


def type_name(kind: int) -> str:
    """The ONNX spelling of an element type."""
    known = kind in TensorProto.DataType.values()
    return str(TensorProto.DataType.Name(kind)).lower() if known else f"number {kind}"


def _read(source: str | Path | bytes) -> tuple[bytes, Path | None]:
    if isinstance(source, bytes):
        return source, None
    path = Path(source)
    try:
        if path.is_file() and path.stat().st_size >= _MAX_FILE:
            raise EdgecompError(f"{path} is larger than 2 GB", "store the weights as external data")
        return path.read_bytes(), path.resolve().parent
    except OSError as error:
        raise EdgecompError(f"cannot read {path}: {error.strerror or error}") from error


def _not_onnx(described: str) -> EdgecompError:
    return EdgecompError(
        f"{described} is not an ONNX model, or it is damaged",
        "expected the file that torch.onnx.export or onnx.save writes",
    )


def _texts(model: onnx.ModelProto) -> Iterator[object]:
    """Every name in the model; what is not valid UTF-8 appears as bytes."""
    yield from (entry.domain for entry in model.opset_import)
    for function in model.functions:
        yield from (function.name, function.domain, *function.input, *function.output)
    graphs, nodes = _parts(model)
    for graph in graphs:
        yield graph.name
        for named in (*graph.initializer, *graph.input, *graph.output):
            yield named.name
        for value in graph.input:
            yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)
    for node in nodes:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _tensors(model: onnx.ModelProto) -> Iterator[TensorProto]:
    graphs, nodes = _parts(model)
    for graph in graphs:
        yield from graph.initializer
    for node in nodes:
        for attribute in node.attribute:
            yield from ([attribute.t] if attribute.HasField("t") else [])
            yield from attribute.tensors


def _parts(model: onnx.ModelProto) -> tuple[list[onnx.GraphProto], list[onnx.NodeProto]]:
    """Every graph and every node, those of functions and subgraphs included."""
    graphs = [model.graph]
    nodes = [node for function in model.functions for node in function.node]
    nodes += model.graph.node
    for node in nodes:  # grows while subgraphs are found
        for attribute in node.attribute:
            inner = [attribute.g] if attribute.HasField("g") else []
            for graph in (*inner, *attribute.graphs):
                graphs.append(graph)
                nodes.extend(graph.node)
    return graphs, nodes


def _resolve_external(tensor: TensorProto, folder: Path | None) -> None:
    """Bring data from a file beside the model into ``tensor``; nothing outside is opened."""
    if tensor.data_location != TensorProto.EXTERNAL:
        return
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location, name = entries.get("location", ""), clean(tensor.name)
    if folder is None:
        raise EdgecompError(
            f"tensor {name!r} is stored in another file ({clean(location)})",
            "pass the path of the model instead of its bytes",
        )
    path = _inside(folder, location, name)
    offset, length = _extent(entries, path, name)
    with path.open("rb") as stream:
        stream.seek(offset)
        tensor.raw_data = stream.read(length)
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]


def _inside(folder: Path, location: str, name: str) -> Path:
    try:
        path = (folder / location).resolve()
        fits = bool(location) and path.is_relative_to(folder) and path.is_file()
    except (OSError, ValueError, RuntimeError):
        fits = False
    if not fits:
        raise EdgecompError(
            f"tensor {name!r} is stored in {clean(location)!r}, which is no file in the model's "
            "folder",
            "keep the data file beside the model",
        )
    return path


def _extent(entries: dict[str, str], path: Path, name: str) -> tuple[int, int]:
    size = path.stat().st_size
    try:
        offset = int(entries.get("offset", "0"))
        length = int(entries.get("length", str(size - offset)))
    except ValueError:
        offset, length = -1, -1
    if offset < 0 or length < 0 or offset + length > size:
        raise EdgecompError(
            f"tensor {name!r} lies outside of {path.name}, which has {size} bytes",
            "the data file is damaged or belongs to another model: export it again",
        )
    return offset, length
