"""Elementwise functions of one value: what can become a table, alone or as a chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Graph, Node, Quantization, Value, lookup
from edgecomp.ir.types import DType

Function = Callable[[np.ndarray], np.ndarray]

_AFFINE = frozenset({"add", "sub", "mul"})
_BINARY = frozenset({"add", "sub", "mul", "div", "pow", "maximum", "minimum"})

LARGEST = 24
"""Nodes in a chain."""


@dataclass(frozen=True)
class Chain:
    """``function`` of ``source``, computed by ``nodes``: operands before their users.

    Values in between are read by these nodes only.
    """

    source: Value
    nodes: tuple[Node, ...]

    def owns_source(self, graph: Graph) -> bool:
        """Whether nothing else reads ``source``."""
        return self.source not in graph.outputs and _read_only_by(self.source, self.nodes)

    @property
    def result(self) -> Value:
        """The value at the end."""
        return self.nodes[-1].output

    def function(self, x: np.ndarray) -> np.ndarray:
        """The chain applied to every element of ``x``; undefined results become 0.

        Infinite ones become the largest numbers of float32.
        """
        known = {self.source: np.asarray(x, np.float32)}
        with np.errstate(all="ignore"):
            for node in self.nodes:
                known[node.output] = _apply(node, known)
        return np.nan_to_num(known[self.result], nan=0.0).astype(np.float64)


def varying_operands(node: Node) -> list[Value]:
    """The operands that are no constant, where all others are one number.

    Empty where ``node`` is not elementwise, or broadcasts an operand.
    """
    if node.op != "unary" and node.op not in _BINARY:
        return []
    varying = [value for value in node.inputs if not value.is_constant]
    fixed = [value for value in node.inputs if value.is_constant]
    whole = all(value.shape == node.output.shape for value in varying)
    return varying if whole and all(_is_number(value) for value in fixed) else []


def is_affine(node: Node) -> bool:
    """Whether a node is ``a * x + b`` in its only varying operand."""
    if len(varying_operands(node)) != 1:
        return False
    divides = node.op == "div" and node.inputs[1].is_constant
    return node.op in _AFFINE or divides


def find_chain(graph: Graph, last: Node, position: Mapping[Value, int]) -> Chain | None:
    """The largest cone of elementwise nodes that ends with ``last`` and starts from one value.

    ``position`` orders the results of nodes: operands before users.
    """
    nodes = [last]
    sources = dict.fromkeys(varying_operands(last))
    found: Chain | None = None
    while sources and len(nodes) <= LARGEST:
        if len(sources) == 1:
            found = Chain(next(iter(sources)), tuple(nodes))
        value = max(sources, key=lambda v: position.get(v, -1))
        operands = varying_operands(value.producer) if value.producer else []
        private = value not in graph.outputs and _read_only_by(value, nodes)
        if value.producer is None or not operands or not private:
            break
        nodes.insert(0, value.producer)
        del sources[value]
        sources |= dict.fromkeys(operands)
    return found


def _read_only_by(value: Value, nodes: Sequence[Node]) -> bool:
    return all(user in nodes for user in value.users)


def used_once(graph: Graph, value: Value) -> bool:
    """Whether exactly one operand of one node reads ``value`` and it is no network output."""
    return len(value.uses) == 1 and value not in graph.outputs


def table(function: Function, x: Quantization, y: Quantization) -> np.ndarray:
    """i8[256]: the code of ``function`` for each int8 code of its argument."""
    codes = np.arange(-128, 128)
    return y.quantize(function(x.dequantize(codes)), DType.I8)


def only_saturates(function: Function, low: float, high: float, y: Quantization) -> bool:
    """Whether clipping to the codes of ``y`` (int8) is all that ``function`` does in [low, high].

    True for ReLU where code -128 means 0, and the like.
    """
    reach = max(abs(low), abs(high), 256 * y.scale)
    grid = np.linspace(-4 * reach, 4 * reach, 8191).astype(np.float32)
    return bool(np.array_equal(y.quantize(function(grid), DType.I8), y.quantize(grid, DType.I8)))


def _apply(node: Node, known: Mapping[Value, np.ndarray]) -> np.ndarray:
    operands = [v.array.flat[0] if v.is_constant else known[v] for v in node.inputs]
    return np.asarray(lookup(node.op).evaluate(node, operands)[0], np.float32)


def _is_number(value: Value) -> bool:
    return value.type.size > 0 and bool((value.array == value.array.flat[0]).all())
