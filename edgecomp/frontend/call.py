"""What a converter sees of one ONNX node, and how it emits IR."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx

from edgecomp.errors import EdgecompError
from edgecomp.frontend.limits import MAX_ELEMENTS, MAX_RANK, excessive
from edgecomp.ir import Attribute, Graph, Value, create

Operand = np.ndarray | Value
"""A tensor during import: known now (an array) or at run time (a value)."""

_NAME_LIMIT = 120


class Unsupported(Exception):
    """A node that edgecomp cannot express; says why and what to do instead."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


def clean(name: str) -> str:
    """``name`` in printable ASCII and of bounded length, fit for messages and reports."""
    return re.sub(r"[^\x21-\x7e]", "_", name)[:_NAME_LIMIT]


def identifier(name: str) -> str:
    """``name`` as the name of an IR value."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:_NAME_LIMIT] or "value"


class Call:
    """One ONNX node with its operands and attributes, and the graph that receives its IR.

    ``arrays`` names the arrays that came from the model (by identity), so that messages and
    constants carry the model's names; it returns an empty text for all others.
    """

    def __init__(
        self,
        graph: Graph,
        node: onnx.NodeProto,
        operands: Sequence[Operand | None],
        opset: int,
        arrays: Callable[[np.ndarray], str],
        constants: dict[int, tuple[np.ndarray, Value]],
    ) -> None:
        self.graph = graph
        self.node = node
        self.opset = opset
        self.operands = list(operands)
        self._arrays = arrays
        self._constants = constants
        self._attributes: dict[str, Any] = {
            a.name: onnx.helper.get_attribute_value(a) for a in node.attribute
        }

    # -- reading ------------------------------------------------------------------------------

    @property
    def op(self) -> str:
        """The ONNX operator."""
        return self.node.op_type

    def has(self, index: int) -> bool:
        """Whether operand ``index`` is given."""
        return index < len(self.operands) and self.operands[index] is not None

    def operand(self, index: int) -> Operand:
        """Operand ``index``, which must be given."""
        found = self.operands[index] if index < len(self.operands) else None
        if found is None:
            raise EdgecompError(f"operand {index} is missing")
        return found

    def shape(self, index: int) -> tuple[int, ...]:
        """The shape of operand ``index``."""
        return tuple(self.operand(index).shape)

    def array(self, index: int, role: str) -> np.ndarray:
        """Operand ``index`` as an array; ``Unsupported`` where it depends on the input."""
        found = self.operand(index)
        if isinstance(found, Value):
            raise Unsupported(
                f"its {role} depends on the network's input",
                f"export the model so that the {role} is a constant",
            )
        return found

    def numbers(self, index: int, role: str) -> list[int]:
        """Operand ``index``, a constant list of integers."""
        return [int(v) for v in self.array(index, role).reshape(-1)]

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self._attributes.get(name, default))

    def integers(self, name: str, default: Sequence[int] = ()) -> tuple[int, ...]:
        """A list attribute of integers."""
        return tuple(int(v) for v in self._attributes.get(name, default))

    def real(self, name: str, default: float) -> float:
        """A float attribute."""
        return float(self._attributes.get(name, default))

    def text(self, name: str, default: str) -> str:
        """A text attribute."""
        value = self._attributes.get(name, default)
        return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

    def given(self, name: str) -> bool:
        """Whether the attribute is written down."""
        return name in self._attributes

    def axis(self, value: int, rank: int) -> int:
        """``value`` as an axis of a tensor of ``rank``, counted from the front."""
        if not -rank <= value < rank:
            raise EdgecompError(f"axis {value} does not exist in a tensor with {rank} axes")
        return value % rank

    def only_first_result(self) -> None:
        """``Unsupported`` where a result other than the first has a name."""
        if any(self.node.output[1:]):
            raise Unsupported("only its first result is supported", "use the first result only")

    # -- emitting -----------------------------------------------------------------------------

    def emit(self, op: str, *operands: Operand, **attributes: Attribute) -> Value:
        """The only result of a new IR node."""
        values = [self._value(operand) for operand in operands]
        origin = clean(self.node.name or self.node.output[0])
        wish = identifier(f"{self.node.output[0]}.{op}")
        result = create(self.graph, op, values, attributes, name=origin, result=wish).output
        if excessive(result.shape):
            raise EdgecompError(
                f"its result would have shape {result.shape}; "
                f"edgecomp accepts {MAX_ELEMENTS} elements and {MAX_RANK} axes"
            )
        return result

    def unary(self, function: str, x: Operand, *parameters: float) -> Value:
        """``function`` of every element of ``x``."""
        numbers = tuple(float(p) for p in parameters)
        return self.emit("unary", x, function=function, parameters=numbers)

    def reshape(self, x: Operand, shape: Sequence[int]) -> Operand:
        """``x`` in another shape of as many elements."""
        if isinstance(x, np.ndarray):
            return x.reshape(tuple(shape))
        return x if x.shape == tuple(shape) else self.emit("reshape", x, shape=tuple(shape))

    def transpose(self, x: Operand, permutation: Sequence[int]) -> Operand:
        """``x`` with its axes permuted."""
        if isinstance(x, np.ndarray):
            return x.transpose(permutation)
        if list(permutation) == list(range(len(x.shape))):
            return x
        return self.emit("transpose", x, permutation=tuple(permutation))

    def gather(self, x: Operand, indices: np.ndarray, axis: int) -> Value:
        """``x`` at constant ``indices``, which may count from the end."""
        size = x.shape[axis]
        if indices.size and not -size <= indices.min() <= indices.max() < size:
            raise EdgecompError(f"an index is outside of axis {axis}, which has {size} elements")
        counted = np.where(indices < 0, indices + size, indices).astype(np.int64)
        constant = self.graph.constant(counted, identifier(f"{self.node.output[0]}.indices"))
        values = self._value(x)
        return self.emit("gather", values, constant, axis=axis)

    def _value(self, operand: Operand) -> Value:
        if isinstance(operand, Value):
            return operand
        known = self._constants.get(id(operand))
        if known is None:
            known = (operand, self._constant(operand))
            self._constants[id(operand)] = known
        return known[1]

    def _constant(self, array: np.ndarray) -> Value:
        name = self._arrays(array)
        if array.size == 0:
            raise EdgecompError(f"it reads an empty tensor, of shape {array.shape}")
        data = np.asarray(array).astype(np.float32)
        if not np.isfinite(data).all():
            described = f"constant {clean(name)!r}" if name else "a constant derived here"
            raise EdgecompError(
                f"{described} holds NaN or infinite values",
                "such a network cannot be quantized: repair the weights",
            )
        return self.graph.constant(data, identifier(name or f"{self.node.output[0]}.constant"))
