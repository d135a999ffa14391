"""The interpreter: runs float and integer graphs alike, operator by operator, in numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgecomp.ir.graph import Graph, Value
from edgecomp.ir.operator import lookup

Observer = Callable[[Value, np.ndarray], None]


def interpret(
    graph: Graph,
    inputs: Mapping[str, np.ndarray],
    observe: Observer | None = None,
) -> list[np.ndarray]:
    """Run ``graph`` on named inputs and return its outputs.

    ``observe`` sees every input and every result as it appears. A tensor is released after its
    last use, so memory stays near the largest sum of live tensors. Inputs of another shape or
    type than declared raise ``ValueError``.
    """
    live: dict[Value, np.ndarray] = {}
    remaining = {value: len(value.uses) for value in graph.values()}
    for value in graph.inputs:
        live[value] = _checked(value, inputs)
        if observe is not None:
            observe(value, live[value])
    for node in graph.nodes:
        operands = [v.array if v.is_constant else live[v] for v in node.inputs]
        results = lookup(node.op).evaluate(node, operands)
        for value, result in zip(node.outputs, results, strict=True):
            live[value] = result
            if observe is not None:
                observe(value, result)
        for value in node.inputs:
            remaining[value] -= 1
        for value in (*node.inputs, *node.outputs):
            if remaining[value] == 0 and value not in graph.outputs:
                live.pop(value, None)
    return [v.array if v.is_constant else live[v] for v in graph.outputs]


def _checked(value: Value, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    if value.name not in inputs:
        raise ValueError(f"no data for input %{value.name}")
    array = np.asarray(inputs[value.name])
    if array.shape != value.shape or array.dtype != value.type.dtype.numpy:
        raise ValueError(f"input {value} was given {array.dtype} {array.shape}")
    return array
