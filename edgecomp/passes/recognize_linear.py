"""Matrix products with a constant matrix become ``linear``."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, Value, create


class RecognizeLinear(RewritePass):
    """``x @ w`` -> linear; ``w @ x`` -> the same between two transposes."""

    name = "recognize_linear"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite one product."""
        if node.op != "matmul":
            return False
        first, second = node.inputs
        if _is_matrix(second) and not first.is_constant:
            result = _linear(graph, node, first, _matrix(second).T)
        elif _is_matrix(first) and not second.is_constant:
            turned = _swapped(graph, node, second)
            result = _swapped(graph, node, _linear(graph, node, turned, _matrix(first)))
        else:
            return False
        if result.shape != node.output.shape:
            attributes = {"shape": node.output.shape}
            result = create(graph, "reshape", [result], {**attributes}, before=node).output
        graph.replace(node.output, result)
        return True


def _is_matrix(value: Value) -> bool:
    return value.is_constant and math.prod(value.shape[:-2]) == 1


def _matrix(value: Value) -> np.ndarray:
    return value.array.reshape(value.shape[-2:])


def _linear(graph: Graph, node: Node, x: Value, weight: np.ndarray) -> Value:
    w = graph.constant(weight, "weight")
    b = graph.constant(np.zeros(weight.shape[0], np.float32), "bias")
    return create(graph, "linear", [x, w, b], name=node.name, before=node).output


def _swapped(graph: Graph, node: Node, value: Value) -> Value:
    rank = value.type.rank
    attributes = {"permutation": (*range(rank - 2), rank - 1, rank - 2)}
    return create(graph, "transpose", [value], {**attributes}, before=node).output
