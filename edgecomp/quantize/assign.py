"""Which element type, scale and zero point every value gets.

Constraints are collected first, scales chosen afterwards:

1. Data movement keeps its quantization: operand and result are one *class*.
2. The two operands of a sum or difference and its result are one class (the residual stream).
   So are operand and result of a sum with a constant (a position embedding) where that is 16 bits
   wide.
3. The operands and the result of a concatenation are one class, and so are those of an 8-bit
   maximum or minimum.
4. A class is 16 bits wide if it holds a sum of two activations, the input of a normalisation or a
   norm, or a network output. Network inputs and results of tables are 8 bits; their classes stay
   so and are left out of rules 2 and 3 where these would widen them.
5. The queries of an attention are symmetric, and so are its keys where it has no bias.

A 16-bit class is symmetric with headroom; an 8-bit one is affine by the chosen method.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgecomp.ir import DType, Graph, Node, Quantization, Value
from edgecomp.quantize import functions
from edgecomp.quantize.calibrate import Statistics
from edgecomp.quantize.functions import Chain
from edgecomp.quantize.histogram import Histogram, merged
from edgecomp.quantize.ranges import Method, choose_affine, choose_symmetric, choose_wide

MOVEMENT = frozenset({"reshape", "transpose", "slice", "gather", "expand", "pad"})
"""Operators whose result has the quantization of their first operand (and ``concat``)."""

PRODUCTS = frozenset({"linear", "conv_nhwc"})
"""Operators that apply a table or a saturation to their own result."""

_GRID = 1025

_NORM_CODES = 2.0**31 / 256
"""``epsilon / scale^2`` of a normalisation stays below this (``epsilon_q8`` is int32)."""


@dataclass(frozen=True)
class Spec:
    """Element type and quantization of one value."""

    dtype: DType
    quantization: Quantization


@dataclass
class _Class:
    members: list[Value] = field(default_factory=list)
    wide: bool = False
    narrow: bool = False
    symmetric: bool = False
    least_scale: float = 0.0


class Assignment:
    """The quantization of every float value of ``graph``."""

    def __init__(self, graph: Graph, statistics: Statistics, method: Method) -> None:
        self.graph = graph
        self.statistics = statistics
        self.method = method
        self.chains = find_chains(graph)
        self._parent: dict[Value, Value] = {}
        self._classes: dict[Value, _Class] = {}
        self._specs: dict[Value, Spec] = {}
        for chain in self.chains.values():
            self._confine(chain)
        self._collect()

    def spec(self, value: Value) -> Spec:
        """The element type and the quantization of the class of ``value``."""
        root = self._find(value)
        if root not in self._specs:
            self._specs[root] = self._choose(self._class(value))
        return self._specs[root]

    def narrow(self, value: Value, chain: Chain | None = None, symmetric: bool = False) -> Spec:
        """An 8-bit quantization of ``value``: its own where that is one, else one chosen anew.

        ``chain``, if given, is the only thing that will read it.
        """
        own = self.spec(value)
        if own.dtype is DType.I8 and not (symmetric and own.quantization.zero_point):
            return own
        histogram = self.histogram(value)
        if symmetric:
            return Spec(DType.I8, choose_symmetric(histogram, self.method))
        function = chain.function if chain is not None else None
        return Spec(DType.I8, choose_affine(histogram, self.method, function))

    def histogram(self, value: Value) -> Histogram:
        """What ``value`` was seen to hold; for a constant, its elements."""
        if value.is_constant and value not in self.statistics.histograms:
            self.statistics.histograms[value] = merged([])
            self.statistics.histograms[value].add(value.array)
        return self.statistics.histograms[value]

    def _confine(self, chain: Chain) -> None:
        """Expect of the result of a function what it makes of the range of its argument."""
        source = self.histogram(chain.source)
        grid = np.linspace(source.expected_low, source.expected_high, _GRID)
        image = chain.function(grid)
        if np.isfinite(image).all():
            self.histogram(chain.result).confine(float(image.min()), float(image.max()))

    # -- constraints --------------------------------------------------------------------------

    def _collect(self) -> None:
        graph = self.graph
        for node in graph.nodes:
            if node.op in MOVEMENT:
                self._unite(node.inputs[0], node.output)
        for value in graph.inputs:
            self._class(value).narrow = True
        for node in graph.nodes:
            if self._is_narrow_only(node):
                self._class(node.output).narrow = True
        for node in graph.nodes:
            if node.op == "concat" or is_sum(node):
                self._unite_wideable(node)
        self._widen()
        for node in reversed(graph.nodes):
            if is_offset(node) and self._is_wide(node.output):
                self._unite_wideable(node)
        for node in graph.nodes:
            if node.op == "concat" and not self._class(node.output).wide:
                for value in node.inputs:
                    self._unite(value, node.output)
            elif is_selection(node) and not self._is_wide(node.inputs[0], node.output):
                self._unite(node.inputs[0], node.output)
        for group in self._classes.values():
            group.wide = group.wide and not group.narrow

    def _is_narrow_only(self, node: Node) -> bool:
        """Whether the result of ``node`` can only be int8: tables and maxima."""
        if node.outputs and node.output in self.chains:
            chain = self.chains[node.output]
            return not all(functions.is_affine(each) for each in chain.nodes)
        return node.op == "pool" and node.text("function") == "max"

    def _unite_wideable(self, node: Node) -> None:
        for value in node.inputs:
            if value.is_constant and node.op != "concat":
                continue
            if not self._class(value).narrow and not self._class(node.output).narrow:
                self._unite(value, node.output)

    def _widen(self) -> None:
        for node in self.graph.nodes:
            if is_sum(node):
                self._class(node.output).wide = True
            elif is_norm(node):
                self._class(node.inputs[0]).wide = True
            elif node.op == "layer_norm":
                group = self._class(node.inputs[0])
                group.wide = True
                least = (node.real("epsilon") / _NORM_CODES) ** 0.5
                group.least_scale = max(group.least_scale, least)
            elif node.op == "attention":
                for value in node.inputs[: 2 if len(node.inputs) == 3 else 1]:
                    self._class(value).symmetric = True
        for value in self.graph.outputs:
            self._class(value).wide = True
        for group in self._classes.values():
            group.wide = group.wide and not group.narrow

    def _is_wide(self, *values: Value) -> bool:
        return any(self._class(value).wide for value in values)

    # -- scales -------------------------------------------------------------------------------

    def _choose(self, group: _Class) -> Spec:
        sources = [v for v in group.members if v.producer is None or v.producer.op not in MOVEMENT]
        histogram = merged(self.histogram(value) for value in sources)
        if group.wide:
            quantization = choose_wide(histogram)
        elif group.symmetric:
            quantization = choose_symmetric(histogram, self.method)
        else:
            chain = self._only_reader(group)
            function = chain.function if chain is not None else None
            quantization = choose_affine(histogram, self.method, function)
        scale = max(quantization.scale, group.least_scale)
        dtype = DType.I16 if group.wide else DType.I8
        return Spec(dtype, Quantization(scale, quantization.zero_point))

    def _only_reader(self, group: _Class) -> Chain | None:
        """The chain that alone reads the only value of ``group``."""
        if len(group.members) != 1:
            return None
        for chain in self.chains.values():
            if chain.source is group.members[0] and chain.owns_source(self.graph):
                return chain
        return None

    # -- union-find ---------------------------------------------------------------------------

    def _find(self, value: Value) -> Value:
        root = value
        while self._parent.get(root, root) is not root:
            root = self._parent[root]
        self._parent[value] = root
        return root

    def _class(self, value: Value) -> _Class:
        root = self._find(value)
        if root not in self._classes:
            self._classes[root] = _Class([root])
        return self._classes[root]

    def _unite(self, one: Value, other: Value) -> None:
        first, second = self._class(one), self._class(other)
        if first is second:
            return
        first.members += second.members
        first.wide |= second.wide
        first.narrow |= second.narrow
        first.symmetric |= second.symmetric
        first.least_scale = max(first.least_scale, second.least_scale)
        del self._classes[self._find(other)]
        self._parent[self._find(other)] = self._find(one)


def is_sum(node: Node) -> bool:
    """Whether ``node`` adds or subtracts two activations."""
    return node.op in ("add", "sub") and not any(value.is_constant for value in node.inputs)


def is_offset(node: Node) -> bool:
    """Whether ``node`` adds a constant to an activation."""
    varying = [value for value in node.inputs if not value.is_constant]
    return node.op == "add" and len(varying) == 1 and varying[0].shape == node.output.shape


def is_selection(node: Node) -> bool:
    """Whether the results of ``node`` are elements of its operand: maxima and minima."""
    return node.op in ("pool", "reduce") and node.text("function") in ("max", "min")


def is_norm(node: Node) -> bool:
    """Whether ``node`` is an l2 norm, which reads 16 bits and applies a function itself."""
    return node.op == "reduce" and node.text("function") == "l2"


def find_chains(graph: Graph) -> dict[Value, Chain]:
    """The elementwise chains that become one table or one requantization, by their result.

    A chain with nothing but additions and multiplications of constants is kept out where it
    reads or feeds no other chain: these have operators of their own that keep 16 bits.
    """
    found: dict[Value, Chain] = {}
    inner: set[Value] = set()
    position = {v: index for index, node in enumerate(graph.nodes) for v in node.outputs}
    for node in reversed(graph.nodes):
        if len(node.outputs) != 1 or node.output in inner:
            continue
        chain = functions.find_chain(graph, node, position)
        if chain is not None:
            inner.update(each.output for each in chain.nodes[:-1])
            if not all(functions.is_affine(each) for each in chain.nodes):
                found[chain.result] = chain
    return found
