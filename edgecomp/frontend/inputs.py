"""The network's inputs: element types, and sizes for axes that the model leaves open."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import TensorProto

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import clean
from edgecomp.frontend.limits import MAX_ELEMENTS, excessive
from edgecomp.frontend.loading import type_name


def input_shapes(graph: onnx.GraphProto, dims: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """The static shape of every input that has no initializer.

    ``dims`` gives sizes to open axes by name; an axis without a name is called
    ``input.position``. Raises EdgecompError that lists the axes still open.
    """
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in stored]
    if not inputs:
        raise EdgecompError("the model has no input", "export it with an example input")
    open_axes = {axis for value in inputs for axis in _open_axes(value)}
    _check_dims(dims, open_axes)
    missing = sorted(open_axes - dims.keys())
    if missing:
        options = " ".join(f"--dim {axis}=SIZE" for axis in missing)
        raise EdgecompError(
            f"the model leaves axes open: {', '.join(missing)}",
            f"fix their sizes with {options}; 1 for an axis of batches",
        )
    return {value.name: _shape(value, dims) for value in inputs}


def _check_dims(dims: Mapping[str, int], open_axes: set[str]) -> None:
    unknown = sorted(dims.keys() - open_axes)
    if unknown:
        known = ", ".join(sorted(open_axes)) or "none"
        raise EdgecompError(
            f"the model has no open axis called {', '.join(map(clean, unknown))}",
            f"its open axes: {known}",
        )
    for name, size in dims.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise EdgecompError(f"axis {name} cannot have size {size}", "give a positive integer")


def _open_axes(value: onnx.ValueInfoProto) -> list[str]:
    if not value.type.HasField("tensor_type"):
        raise EdgecompError(
            f"input {clean(value.name)!r} is not a tensor",
            "export a model whose inputs are tensors",
        )
    tensor = value.type.tensor_type
    if tensor.elem_type != TensorProto.FLOAT:
        raise EdgecompError(
            f"input {clean(value.name)!r} has element type {type_name(tensor.elem_type)}; "
            "edgecomp compiles networks of floating-point signals",
            "move table look-ups and masks out of the network, or make them constants",
        )
    if not tensor.HasField("shape"):
        raise EdgecompError(
            f"input {clean(value.name)!r} has no shape", "export the model with static shapes"
        )
    return [
        _axis_name(value, position)
        for position, dim in enumerate(tensor.shape.dim)
        if not dim.HasField("dim_value")
    ]


def _axis_name(value: onnx.ValueInfoProto, position: int) -> str:
    named = value.type.tensor_type.shape.dim[position].dim_param
    return clean(named or f"{value.name}.{position}")


def _shape(value: onnx.ValueInfoProto, dims: Mapping[str, int]) -> tuple[int, ...]:
    sizes = [
        dim.dim_value if dim.HasField("dim_value") else dims[_axis_name(value, position)]
        for position, dim in enumerate(value.type.tensor_type.shape.dim)
    ]
    if any(size < 1 for size in sizes) or excessive(sizes):
        raise EdgecompError(
            f"input {clean(value.name)!r} has shape {sizes}",
            f"every axis must have a positive size, the whole at most {MAX_ELEMENTS} elements",
        )
    return tuple(sizes)
