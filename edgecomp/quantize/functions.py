"""Elementwise functions of one value: what can become a table, alone or as a chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Graph, Node, Quantization, Value, lookup
from edgecomp.ir.types import DType

Function = Callable[[np.ndarray], np.ndarray]

_AFFINE = frozenset({"add", "sub", "mul"})
_BINARY = frozenset({"add", "sub", "mul", "div", "pow", "maximum", "minimum"})


@dataclass(frozen=True)
class Chain:
    """``function`` of ``source``, computed by ``nodes`` (from the source on)."""

    source: Value
    nodes: tuple[Node, ...]

    @property
    def result(self) -> Value:
        """The value at the end."""
        return self.nodes[-1].output

    def function(self, x: np.ndarray) -> np.ndarray:
        """The chain applied to every element of ``x``; undefined results become 0.

        Infinite ones become the largest numbers of float32.
        """
        y = np.asarray(x, np.float32)
        with np.errstate(all="ignore"):
            for node in self.nodes:
                y = _apply(node, y)
        return np.nan_to_num(y, nan=0.0).astype(np.float64)


def varying_operand(node: Node) -> Value | None:
    """The only operand that is no constant, where the others are one number; else None."""
    if node.op == "unary":
        return None if node.inputs[0].is_constant else node.inputs[0]
    if node.op not in _BINARY:
        return None
    varying = [value for value in node.inputs if not value.is_constant]
    fixed = [value for value in node.inputs if value.is_constant]
    if len(varying) != 1 or any(not _is_number(value) for value in fixed):
        return None
    return varying[0] if varying[0].shape == node.output.shape else None


def is_affine(node: Node) -> bool:
    """Whether a function of one operand is ``a * x + b``."""
    divides = node.op == "div" and node.inputs[1].is_constant
    return node.op in _AFFINE or divides


def find_chain(graph: Graph, last: Node) -> Chain | None:
    """The longest chain that ends with ``last``; its inner values are used once."""
    nodes: list[Node] = []
    node: Node | None = last
    source = varying_operand(last)
    while node is not None and (operand := varying_operand(node)) is not None:
        nodes.insert(0, node)
        source = operand
        inner = operand.producer
        node = inner if used_once(graph, operand) else None
    return Chain(source, tuple(nodes)) if source is not None else None


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


def _apply(node: Node, y: np.ndarray) -> np.ndarray:
    operands = [value.array.flat[0] if value.is_constant else y for value in node.inputs]
    return np.asarray(lookup(node.op).evaluate(node, operands)[0], np.float32)


def _is_number(value: Value) -> bool:
    return value.type.size > 0 and bool((value.array == value.array.flat[0]).all())
