"""8-bit activations that only products read become u8: the same values, 128 higher.

An accelerator reads unsigned activations only. Who writes such a tensor adds 128 to the zero point
of its result, so that raising costs nothing; by definition the products take 128 off again. Every
other tensor keeps its bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from edgecomp.ir import DType, Graph, Node, Pass, Quantization, TensorType, Value, lookup
from edgecomp.ir.fixed_point import RAISED
from edgecomp.ir.stated import flag
from edgecomp.tiling import ne16

_MOVES = frozenset({"reshape", "transpose", "slice", "expand", "concat"})


class RaiseActivations(Pass):
    """Raise every tensor whose writers and readers allow it."""

    name = "raise_activations"

    def run(self, graph: Graph) -> bool:
        """See the module's heading."""
        changed = False
        for node in graph.nodes:
            if node.op not in _WRITERS or node.output.type.dtype is not DType.I8:
                continue
            found = _Together(graph)
            if found.add(node.output) and found.raise_all():
                changed = True
        return changed


class _Together:
    """Tensors of which either all are raised or none: parts that are joined, and what is moved."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.writers: list[Node] = []
        self.moved: list[Value] = []

    def add(self, value: Value) -> bool:
        """Take in what ``value`` is made of and becomes; false where something cannot be raised."""
        node = value.producer
        if value in self.moved or node in self.writers:
            return True
        if node is None or value in self.graph.outputs or not value.uses:
            return False
        if node.op in _WRITERS:
            self.writers.append(node)
        else:
            self.moved.append(value)
            if node.op not in _MOVES or not all(self.add(operand) for operand in _moved_by(node)):
                return False
        return all(self._reads(user, index) for user, index in value.uses)

    def _reads(self, user: Node, index: int) -> bool:
        if user.op in _MOVES:
            return self.add(user.output)
        return user.op in _READERS and index in _READERS[user.op](user)

    def raise_all(self) -> bool:
        """Change writers and types; false, and nothing is changed, where a writer cannot."""
        changes = [_WRITERS[node.op](self.graph, node) for node in self.writers]
        for node, change in zip(self.writers, changes, strict=True):
            if change is None or node.output.type.dtype is not DType.I8:
                return False
        for node, change in zip(self.writers, changes, strict=True):
            if change is not None:
                change()
            _restate(node)
        for value in self.moved:
            _raise_type(value)
        return True


def _moved_by(node: Node) -> Sequence[Value]:
    """The operands whose elements are in the result."""
    return node.inputs if node.op == "concat" else node.inputs[:1]


def _restate(node: Node) -> None:
    """State the raised type of the result."""
    node.attributes["dtype"] = DType.U8.value
    node.attributes["zero"] = node.integer("zero") + RAISED
    node.output.type = lookup(node.op).infer(node)[0]


def _raise_type(value: Value) -> None:
    old = value.type.quantization
    new = Quantization(old.scale, old.zero_point + RAISED) if old is not None else None
    value.type = TensorType(value.shape, DType.U8, new)


# ---- which operands of each reader may be raised ------------------------------------------------


def _of_product(node: Node) -> tuple[int, ...]:
    """The first; what a product normalises itself is signed."""
    return () if flag(node, "norm") else (0,)


def _of_convolution(node: Node) -> tuple[int, ...]:
    """The first, where the accelerator computes it."""
    return (0,) if ne16.convolves(node) else ()


def _of_attention(_: Node) -> tuple[int, ...]:
    """Queries, keys and values."""
    return (0, 1, 2)


_READERS: dict[str, Callable[[Node], tuple[int, ...]]] = {
    "q_linear": _of_product,
    "q_mlp": _of_product,
    "q_conv": _of_convolution,
    "q_attention": _of_attention,
}


# ---- what each writer changes; None where it cannot --------------------------------------------

_Change = Callable[[], None]


def _raise_product(graph: Graph, node: Node) -> _Change | None:
    if flag(node, "table"):
        return _raise_table(graph, node, 4)
    return _raise_constant(graph, node, 3, node.integer("shift"))


def _raise_table_result(graph: Graph, node: Node) -> _Change | None:
    return _raise_table(graph, node, 1)


def _raise_norm(graph: Graph, node: Node) -> _Change | None:
    if not flag(node, "affine"):
        return lambda: None  # the zero point itself is added
    return _raise_constant(graph, node, 2, node.integer("gain_shift"))


def _raise_root(graph: Graph, node: Node) -> _Change | None:
    return _raise_table(graph, node, 1) if len(node.inputs) > 1 else _raise_scalar(graph, node)


def _raise_scalar(_: Graph, node: Node) -> _Change | None:
    """The bias is an attribute; choosing it left room for this (`quantize/requant.py`)."""
    bias = node.integer("bias") + (RAISED << node.integer("shift"))
    if bias > DType.I32.bounds[1]:
        return None
    return partial(node.attributes.__setitem__, "bias", bias)


def _raise_constant(graph: Graph, node: Node, index: int, shift: int) -> _Change | None:
    raised = node.inputs[index].array.astype(np.int64) + (RAISED << shift)
    if raised.max(initial=0) > DType.I32.bounds[1]:
        return None
    return partial(_set_constant, graph, node, index, raised.astype(np.int32))


def _raise_table(graph: Graph, node: Node, index: int) -> _Change | None:
    raised = (node.inputs[index].array.astype(np.int16) + RAISED).astype(np.uint8)
    return partial(_set_constant, graph, node, index, raised)


def _set_constant(graph: Graph, node: Node, index: int, array: np.ndarray) -> None:
    node.set_input(index, graph.constant(array, node.inputs[index].name))


_WRITERS: dict[str, Callable[[Graph, Node], _Change | None]] = {
    "q_linear": _raise_product,
    "q_conv": _raise_product,
    "q_layer_norm": _raise_norm,
    "q_attention": _raise_scalar,
    "q_requantize": _raise_scalar,
    "q_norm": _raise_root,
    "q_table": _raise_table_result,
}
