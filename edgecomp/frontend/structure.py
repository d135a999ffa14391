"""The graph as a graph: names unique, nodes in execution order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import clean


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
