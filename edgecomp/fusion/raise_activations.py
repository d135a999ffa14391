"""8-bit activations that only products read become u8: the same values, 128 higher.

An accelerator reads unsigned activations only. Who writes such a tensor adds 128 to the zero point
of its result, so that raising costs nothing; by definition the products take 128 off again. Every
other tensor keeps its bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgecomp.ir import DType, Graph, Node, Pass, Quantization, TensorType, Value, lookup
from edgecomp.ir.fixed_point import RAISED
from edgecomp.ir.stated import flag
from edgecomp.tiling import ne16

_MOVES = frozenset({"reshape", "transpose", "slice", "expand"})


class RaiseActivations(Pass):
    """Raise every tensor whose writer and readers allow it."""

    name = "raise_activations"

    def run(self, graph: Graph) -> bool:
        """See the module's heading."""
        changed = False
        for node in graph.nodes:
            if node.op not in _WRITERS or node.output.type.dtype is not DType.I8:
                continue
            moved = _moved(graph, node.output)
            if moved is not None and _WRITERS[node.op](graph, node):
                _restate(node)
                for value in moved:
                    _raise_type(value)
                changed = True
        return changed


def _moved(graph: Graph, value: Value) -> list[Value] | None:
    """The tensors that hold elements of ``value``; None where something reads them unraised."""
    found: list[Value] = []
    if value in graph.outputs or not value.uses:
        return None
    for user, index in value.uses:
        if user.op in _MOVES:
            behind = _moved(graph, user.output)
            if behind is None:
                return None
            found += [user.output, *behind]
        elif user.op not in _READERS or index not in _READERS[user.op](user):
            return None
    return found


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


# ---- what each writer changes; false where it cannot -------------------------------------------


def _raise_product(graph: Graph, node: Node) -> bool:
    if flag(node, "table"):
        return _raise_table(graph, node, 4)
    return _raise_constant(graph, node, 3, node.integer("shift"))


def _raise_table_result(graph: Graph, node: Node) -> bool:
    return _raise_table(graph, node, 1)


def _raise_norm(graph: Graph, node: Node) -> bool:
    if not flag(node, "affine"):
        return True  # the zero point itself is added
    return _raise_constant(graph, node, 2, node.integer("gain_shift"))


def _raise_scalar(graph: Graph, node: Node) -> bool:
    """The bias is an attribute; choosing it left room for this (`quantize/requant.py`)."""
    bias = node.integer("bias") + (RAISED << node.integer("shift"))
    if bias > DType.I32.bounds[1]:
        return False
    node.attributes["bias"] = bias
    return True


def _raise_constant(graph: Graph, node: Node, index: int, shift: int) -> bool:
    value = node.inputs[index]
    raised = value.array.astype(np.int64) + (RAISED << shift)
    if raised.max(initial=0) > DType.I32.bounds[1]:
        return False
    node.set_input(index, graph.constant(raised.astype(np.int32), value.name))
    return True


def _raise_table(graph: Graph, node: Node, index: int) -> bool:
    value = node.inputs[index]
    raised = (value.array.astype(np.int16) + RAISED).astype(np.uint8)
    node.set_input(index, graph.constant(raised, value.name))
    return True


_WRITERS: dict[str, Callable[[Graph, Node], bool]] = {
    "q_linear": _raise_product,
    "q_conv": _raise_product,
    "q_layer_norm": _raise_norm,
    "q_attention": _raise_scalar,
    "q_requantize": _raise_scalar,
    "q_table": _raise_table_result,
}
