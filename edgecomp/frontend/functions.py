"""Functions inlined: those of the model, and operators that ONNX itself defines by others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import onnx
from onnx import defs, helper, inliner

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import clean
from edgecomp.frontend.limits import MAX_NODES
from edgecomp.frontend.loading import NEWEST_OPSET
from edgecomp.frontend.registry import converted_operators, converter_of
from edgecomp.frontend.structure import subgraphs

_STANDARD = ("", "ai.onnx")
_CONSTANT_RESULTS = ("Shape", "Size")
_COMPOSED_BY_CONTEXT = ("Attention", "RotaryEmbedding")
"""Their bodies depend on their operands; the tests say that these can be expressed."""

_Name = tuple[str, str]
_Key = tuple[str, str, str]


def inline_functions(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Replace calls of functions by their bodies.

    That is, of the model's own functions, and of standard operators without a converter that
    ONNX itself defines by a function.
    """
    _check_expansion(model)
    own = {(function.domain, function.name) for function in model.functions}
    try:
        if own:
            model = _inlined(model, own, inliner.inline_local_functions)
        composed = _composed(model.graph, opset)
        if composed:
            _declare_initializers(model.graph)
            _state_defaults(model.graph, composed, opset)
            model = _inlined(
                model,
                composed,
                lambda m: inliner.inline_selected_functions(m, sorted(composed), False, True),
            )
    except Exception as error:  # the inliner is native code and raises what it likes
        raise EdgecompError(
            f"the functions of the model cannot be inlined: {_first_line(error)}",
            "export the model again without local functions",
        ) from error
    return model


def supported_operators() -> list[str]:
    """The standard ONNX operators that may depend on the network's input, sorted.

    Those with a converter, and those that ONNX defines by a body of them. Operators on constants
    are evaluated whatever they are.
    """
    converted = converted_operators()
    schemas: list[Any] = [schema for schema in defs.get_all_schemas() if schema.domain == ""]
    composed = {
        schema.name
        for schema in schemas
        if schema.has_function
        and defs.has(schema.name, NEWEST_OPSET, "")
        and {node.op_type for node in schema.function_body.node} <= {*converted, "Constant"}
    }
    return sorted(converted | composed | set(_COMPOSED_BY_CONTEXT))


def _inlined(
    model: onnx.ModelProto, functions: set[_Name], inline: Callable[..., onnx.ModelProto]
) -> onnx.ModelProto:
    """The model without calls of ``functions``; the nodes of a body are named after their call."""
    callers: dict[str, str] = {}
    for node in model.graph.node:
        outputs = [name for name in node.output if name]
        called = bool(outputs) and (_domain(node), node.op_type) in functions
        callers |= dict.fromkeys(outputs, node.name or outputs[0] if called else "")
    result = inline(model)
    body: list[onnx.NodeProto] = []
    for node in result.graph.node:  # a body is where its call was, what it returns at its end
        body.append(node)
        found = [callers[name] for name in node.output if name in callers]
        if found and found[0]:
            for inner in body:
                inner.name = f"{found[0]}/{inner.name}" if inner.name else found[0]
        if found:
            body.clear()
    return result


def _composed(graph: onnx.GraphProto, opset: int) -> set[_Name]:
    """The standard operators to be replaced: those that see activations, not only constants."""
    stored = {tensor.name for tensor in graph.initializer}
    active = {value.name for value in graph.input} - stored
    found: set[str] = set()
    for node in graph.node:
        if node.op_type in _CONSTANT_RESULTS or not active.intersection(node.input):
            continue
        active.update(node.output)
        if node.domain in _STANDARD and converter_of("", node.op_type) is None:
            found.add(node.op_type)
    return {("", name) for name in found if _has_body(name, opset)}


def _domain(node: onnx.NodeProto) -> str:
    return "" if node.domain in _STANDARD else node.domain


def _declare_initializers(graph: onnx.GraphProto) -> None:
    """Give the types of initializers, on which bodies may depend, where the inliner looks."""
    declared = {value.name for value in (*graph.input, *graph.value_info)}
    for tensor in graph.initializer:
        if tensor.name not in declared:
            kind, dims = tensor.data_type, list(tensor.dims)
            graph.value_info.append(helper.make_tensor_value_info(tensor.name, kind, dims))


def _state_defaults(graph: onnx.GraphProto, composed: set[_Name], opset: int) -> None:
    """Write down the attributes that calls leave out: the inliner drops what refers to them."""
    for node in graph.node:
        if (_domain(node), node.op_type) in composed:
            given = {attribute.name for attribute in node.attribute}
            for name, attribute in defs.get_schema(node.op_type, opset, "").attributes.items():
                if name not in given and attribute.default_value.name:
                    node.attribute.append(attribute.default_value)


def _has_body(operator: str, opset: int) -> bool:
    if not defs.has(operator, opset, ""):
        return False
    schema: Any = defs.get_schema(operator, opset, "")  # its stub lacks these attributes
    return bool(schema.has_function or schema.has_context_dependent_function)


def _check_expansion(model: onnx.ModelProto) -> None:
    """Refuse functions that call themselves or unfold to an excessive number of nodes."""
    bodies = {(f.domain, f.name, f.overload): f for f in model.functions}
    sizes: dict[_Key, int] = {}
    active: list[_Key] = []
    stack: list[_Key] = list(bodies)
    while stack:
        key = stack[-1]
        inner = [call for call in _calls(bodies[key].node) if call in bodies]
        waiting = [call for call in inner if call not in sizes]
        if key in sizes or not waiting:
            stack.pop()
            if active and active[-1] == key:
                active.pop()
            sizes[key] = len(bodies[key].node) + sum(sizes[call] for call in inner)
        elif key in active or any(call in active for call in waiting):
            raise EdgecompError(f"function {clean(key[1])!r} of the model calls itself")
        else:
            active.append(key)
            stack.extend(waiting)
    total = sum(sizes.get(call, 1) for call in _calls(model.graph.node))
    if total > MAX_NODES:
        raise EdgecompError(f"the model has {total} nodes; edgecomp accepts {MAX_NODES}")


def _calls(nodes: Iterable[onnx.NodeProto]) -> list[_Key]:
    found = []
    pending = list(nodes)
    while pending:
        node = pending.pop()
        found.append((node.domain, node.op_type, node.overload))
        for graph in subgraphs(node):
            pending.extend(graph.node)
    return found


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
