"""What every lowering rule works with: the graph being built, and values in the type they need."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgecomp.ir import Attribute, DType, Graph, Node, Quantization, TensorType, Value, create
from edgecomp.quantize import requant
from edgecomp.quantize.assign import PRODUCTS, Assignment, Spec, is_norm, is_offset, is_sum
from edgecomp.quantize.calibrate import Moments
from edgecomp.quantize.functions import Chain, only_saturates, used_once
from edgecomp.quantize.octaves import finer_by_octaves

Rule = Callable[["Lowering", Node], None]

RULES: dict[str, Rule] = {}
"""The lowering rule of each float operator."""


class UnsupportedError(Exception):
    """A node without integer form; the text says why, and what to do."""


def lowers(*operators: str) -> Callable[[Rule], Rule]:
    """Decorator: the function lowers nodes of these float operators."""

    def add(rule: Rule) -> Rule:
        for name in operators:
            RULES[name] = rule
        return rule

    return add


class Lowering:
    """Builds the integer graph. ``mapping`` names, per integer value, the float value it means."""

    def __init__(self, graph: Graph, assignment: Assignment, compensate: bool) -> None:
        self.source = graph
        self.assignment = assignment
        self.compensate = compensate
        self.graph = Graph(graph.name)
        self.mapping: dict[str, str] = {}
        self._values: dict[Value, Value] = {}
        self._views: dict[tuple[Value, Spec], Value] = {}
        self.residuals: dict[Node, Node] = {}
        self.tables: dict[Node, Chain] = {}

    # -- reading ------------------------------------------------------------------------------

    def value(self, value: Value) -> Value:
        """The integer tensor of a float value, in the type of its class."""
        if value not in self._values and value.is_constant:
            self._values[value] = self.constant(value, self.assignment.spec(value))
        return self._values[value]

    def narrow(self, value: Value, chain: Chain | None = None, symmetric: bool = False) -> Value:
        """An int8 tensor of a float value (see :meth:`Assignment.narrow`)."""
        return self.view(value, self.assignment.narrow(value, chain, symmetric))

    def view(self, value: Value, spec: Spec) -> Value:
        """The integer tensor of a float value in the type ``spec``; requantized if need be."""
        if value.is_constant:
            return self.constant(value, spec)
        native = self.value(value)
        if native.type.dtype is spec.dtype and native.type.quantization == spec.quantization:
            return native
        if (value, spec) not in self._views:
            self._views[value, spec] = self.requantize(native, spec, value)
        return self._views[value, spec]

    def constant(self, value: Value, spec: Spec) -> Value:
        """The constant ``value`` quantized."""
        data = spec.quantization.quantize(value.array, spec.dtype)
        return self.graph.constant(data, value.name, spec.quantization)

    def moments(self, value: Value) -> Moments | None:
        """Second moments of the rows of ``value``, where weights may be fitted to them."""
        return self.assignment.statistics.moments.get(value) if self.compensate else None

    def channel_means(self, value: Value) -> np.ndarray | None:
        """Means ``[C]`` of the input of a convolution, where biases may be fitted to them."""
        statistics = self.assignment.statistics
        if not self.compensate or value not in statistics.means:
            return None
        return np.asarray(statistics.means[value] / statistics.windows)

    # -- building -----------------------------------------------------------------------------

    def bind(self, value: Value, result: Value) -> None:
        """Let the integer tensor ``result`` stand for the float ``value``.

        Where its type is not that of the value's class, it is requantized for most readers.
        """
        spec = self.assignment.spec(value)
        mine = Spec(result.type.dtype, result.type.quantization or spec.quantization)
        self.mapping[result.name] = value.name
        if mine != spec:
            self._views[value, mine] = result
            result = self.requantize(result, spec, value)
        self._values[value] = result

    def add_input(self, value: Value, spec: Spec) -> None:
        """The network input ``value`` as integers."""
        made = TensorType(value.shape, spec.dtype, spec.quantization)
        self.bind(value, self.graph.add_input(value.name, made))

    def substitute(self, node: Node) -> None:
        """Zeros in place of a node that cannot be lowered, so that the others can be checked."""
        for value in node.outputs:
            spec = self.assignment.spec(value)
            data = np.full(value.shape, spec.quantization.zero_point, spec.dtype.numpy)
            self._values[value] = self.graph.constant(data, value.name, spec.quantization)

    def emit(
        self,
        op: str,
        inputs: Sequence[Value],
        attributes: dict[str, Attribute],
        spec: Spec,
        node: Node,
        result: Value | None = None,
    ) -> Value:
        """Append ``op`` with a result stated by ``spec``; ``node`` is where it comes from.

        ``result`` is the float value that the result means; by default nothing is recorded.
        """
        stated = stated_attributes(spec)
        name = result.name if result is not None else f"{node.output.name}_{op}"
        made = create(self.graph, op, inputs, attributes | stated, name=node.name, result=name)
        if result is not None:
            self.mapping[made.output.name] = result.name
        return made.output

    def requantize(self, x: Value, spec: Spec, meaning: Value) -> Value:
        """``x`` in another type, by ``q_requantize``."""
        low, high = x.type.dtype.bounds
        parameters = rescale(x.type.scale, x.type.zero_point, spec, low, high)
        producer = meaning.producer
        made = create(
            self.graph,
            "q_requantize",
            [x],
            scalars(parameters) | stated_attributes(spec),
            name=producer.name if producer is not None else "",
            result=f"{meaning.name}_{spec.dtype.value}",
        )
        self.mapping[made.output.name] = meaning.name
        return made.output

    def tensor(self, data: np.ndarray, name: str) -> Value:
        """A constant that is no activation: weights, multipliers, tables."""
        return self.graph.constant(data, name)

    # -- fusing -------------------------------------------------------------------------------

    def plan_fusion(self) -> None:
        """Decide which layers apply a table, and which add a residual, themselves."""
        for chain in self.assignment.chains.values():
            producer = chain.source.producer
            if producer is None or not chain.owns_source(self.source):
                continue
            if producer.op in PRODUCTS or (is_norm(producer) and self._by_octaves(chain)):
                self.tables[producer] = chain
        for node in self.source.nodes:
            if node.op == "add" and (is_sum(node) or is_offset(node)):
                self._plan_residual(node)

    def _by_octaves(self, chain: Chain) -> bool:
        """Whether a table by octaves of a norm suits the function behind it."""
        source = self.assignment.histogram(chain.source)
        spec = self.assignment.narrow(chain.result)
        if only_saturates(chain.function, source.low, source.high, spec.quantization):
            return False
        codes = self.assignment.narrow(chain.source, chain).quantization
        return finer_by_octaves(source, chain.function, codes)

    def _plan_residual(self, node: Node) -> None:
        spec = self.assignment.spec(node.output)
        for value in reversed(node.inputs):
            producer = value.producer
            if producer is None or producer.op != "linear" or not used_once(self.source, value):
                continue
            other = node.inputs[0] if value is node.inputs[1] else node.inputs[1]
            same = self.assignment.spec(value) == spec and other.shape == value.shape
            if same and spec.dtype is DType.I16 and producer not in self.tables:
                self.residuals[node] = producer
                return

    @property
    def deferred(self) -> set[Node]:
        """Nodes that are lowered together with a later one."""
        chains = self.assignment.chains.values()
        inner = {node for chain in chains for node in chain.nodes[:-1]}
        return inner | set(self.tables) | set(self.residuals.values())


def stated_attributes(spec: Spec) -> dict[str, Attribute]:
    """Attributes ``dtype``, ``scale`` and ``zero``."""
    zero = spec.quantization.zero_point
    return {"dtype": spec.dtype.value, "scale": spec.quantization.scale, "zero": zero}


def scalars(parameters: requant.Requantization) -> dict[str, Attribute]:
    """Attributes ``multiplier``, ``bias`` and ``shift`` of a single channel."""
    return {
        "multiplier": int(parameters.multiplier[0]),
        "bias": int(parameters.bias[0]),
        "shift": parameters.shift,
    }


def rescale(
    scale: float, zero: int, spec: Spec, low: int, high: int, factor: float = 1.0
) -> requant.Requantization:
    """Parameters for ``factor * scale * (acc - zero)`` in ``spec``, with ``acc`` in [low, high]."""
    ratio = factor * scale / spec.quantization.scale
    offset = spec.quantization.zero_point - zero * ratio
    parts = (np.array([part], np.float64) for part in (ratio, offset, low, high))
    return requant.choose(*parts)


def rescale_sum(
    scale: float, zero: int, spec: Spec, low: int, high: int, factor: float = 1.0
) -> dict[str, Attribute]:
    """Attributes as :func:`rescale` gives them, and the ``pre_shift`` that long sums need."""
    bound = max(-low, high)
    if bound > requant.INT32:
        raise UnsupportedError("its sums do not fit 32 bits; split it into smaller parts")
    ratio = factor * scale / spec.quantization.scale
    offset = spec.quantization.zero_point - zero * ratio
    codes = spec.dtype.bounds[1]
    parameters = requant.choose_shifted(ratio, offset, bound, codes)
    return scalars(parameters) | {"pre_shift": parameters.pre_shift}


def farthest(value: Value) -> int:
    """The largest distance of a code of ``value`` from its zero point."""
    low, high = value.type.dtype.bounds
    return max(high - value.type.zero_point, value.type.zero_point - low)


def quantization_of(value: Value) -> Quantization:
    """The quantization of an integer activation."""
    return Quantization(value.type.scale, value.type.zero_point)
