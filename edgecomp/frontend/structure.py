"""The graph as a graph: functions inlined, names unique, nodes in execution order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import onnx
from onnx import defs, inliner

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import clean
from edgecomp.frontend.limits import MAX_NODES
from edgecomp.frontend.registry import converter_of

_STANDARD = ("", "ai.onnx")
_CONSTANT_RESULTS = ("Shape", "Size")
_Key = tuple[str, str, str]


# -- functions --------------------------------------------------------------------------------


def inline_functions(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Replace calls of functions by their bodies.

    That is, of the model's own functions, and of standard operators without a converter that
    ONNX itself defines by a function.
    """
    _check_expansion(model)
    try:
        if model.functions:
            model = inliner.inline_local_functions(model)
        composed = _composed(model.graph, opset)
        if composed:
            model = inliner.inline_selected_functions(model, composed, False, True)
    except Exception as error:  # the inliner is native code and raises what it likes
        raise EdgecompError(
            f"the functions of the model cannot be inlined: {_first_line(error)}",
            "export the model again without local functions",
        ) from error
    return model


def _composed(graph: onnx.GraphProto, opset: int) -> list[tuple[str, str]]:
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
    return sorted(("", name) for name in found if _has_body(name, opset))


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


# -- order ------------------------------------------------------------------------------------


def subgraphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """The graphs that ``node`` holds as attributes."""
    found = [a.g for a in node.attribute if a.HasField("g")]
    return found + [g for a in node.attribute for g in a.graphs]


def execution_order(graph: onnx.GraphProto, outer: Iterable[str]) -> list[onnx.NodeProto]:
    """The nodes such that every name is defined before it is read.

    ``outer`` are the names that are known already. Raises EdgecompError for a name that is
    defined twice or never, and for a cycle.
    """
    known = set(outer) | {""}
    nodes = list(graph.node)
    producers = _producers(nodes, known)
    for node in nodes:
        for name in _reads(node):
            if name not in known and name not in producers:
                raise EdgecompError(
                    f"{title(node)} reads {clean(name)!r}, which nothing defines",
                    "the model is incomplete (a missing initializer or input): export it again",
                )
    return _sorted(nodes, producers)


def _producers(nodes: Sequence[onnx.NodeProto], known: set[str]) -> dict[str, int]:
    producers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in filter(None, node.output):
            if name in producers or name in known:
                raise EdgecompError(
                    f"{clean(name)!r} is defined twice, the second time by {title(node)}",
                    "every name of an ONNX graph is defined once: export the model again",
                )
            producers[name] = index
    return producers


def _sorted(nodes: Sequence[onnx.NodeProto], producers: dict[str, int]) -> list[onnx.NodeProto]:
    """Depth first without recursion; the present order is kept where it is valid."""
    state = [0] * len(nodes)  # 0 new, 1 being visited, 2 placed
    order: list[onnx.NodeProto] = []
    needs = [[producers[n] for n in _reads(node) if n in producers] for node in nodes]
    for root in range(len(nodes)):
        stack = [root]
        while stack:
            index = stack[-1]
            waiting = [i for i in needs[index] if state[i] != 2]
            if state[index] == 2 or not waiting:
                stack.pop()
                if state[index] != 2:
                    state[index] = 2
                    order.append(nodes[index])
                continue
            if state[index] == 1 or any(state[i] == 1 for i in waiting):
                raise EdgecompError(
                    f"the graph has a cycle through {title(nodes[index])}",
                    "a network with loops cannot be compiled: unroll it",
                )
            state[index] = 1
            stack.extend(waiting)
    return order


def _reads(node: onnx.NodeProto) -> list[str]:
    names = [name for name in node.input if name]
    for graph in subgraphs(node):
        names += _captured(graph)
    return names


def _captured(graph: onnx.GraphProto) -> list[str]:
    """Names that a subgraph reads from outside."""
    defined = {t.name for t in graph.initializer} | {v.name for v in graph.input}
    read = [name for node in graph.node for name in _reads(node)]
    read += [value.name for value in graph.output]
    defined |= {name for node in graph.node for name in node.output}
    return [name for name in dict.fromkeys(read) if name and name not in defined]


def title(node: onnx.NodeProto) -> str:
    """How messages call a node."""
    name = node.name or (f"producer of {node.output[0]}" if node.output else "unnamed node")
    return f"{clean(name)} ({clean(node.op_type)})"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
