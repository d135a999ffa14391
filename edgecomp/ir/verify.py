"""The verifier: what must hold of a graph at any time between two passes."""

from __future__ import annotations

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.ir.graph import Graph, Node, Value
from edgecomp.ir.operator import lookup
from edgecomp.ir.types import DType, TensorType


class VerificationError(EdgecompError):
    """The IR breaks one of its own rules: a defect of edgecomp, not of the user's model."""


def verify(graph: Graph) -> None:
    """Check order, uniqueness, uses, constants and types.

    ``VerificationError`` names the first rule that is broken and the node that breaks it.
    """
    known: set[Value] = set()
    names: set[str] = set()
    for value in graph.inputs:
        _declare(value, known, names)
    for node in graph.nodes:
        _verify_operands(node, known, names)
        _verify_types(node)
        for value in node.outputs:
            if value.producer is not node:
                raise _broken(node, f"{value} does not name it as its producer")
            _declare(value, known, names)
    for value in graph.outputs:
        if value not in known and not value.is_constant:
            raise VerificationError(f"network output {value} is never computed")
    _verify_uses(graph)


def _verify_operands(node: Node, known: set[Value], names: set[str]) -> None:
    for index, value in enumerate(node.inputs):
        if value.is_constant and value not in known:
            _verify_constant(node, value)
            _declare(value, known, names)
        if value not in known:
            raise _broken(node, f"operand {value} is used before it is computed")
        if (node, index) not in value.uses:
            raise _broken(node, f"operand {value} does not record this use")


def _verify_constant(node: Node, value: Value) -> None:
    data = value.array
    if data.shape != value.shape or DType.of(data) is not value.type.dtype:
        raise _broken(node, f"constant {value} holds {data.dtype} {data.shape}")
    if data.dtype == np.float32 and not np.isfinite(data).all():
        raise _broken(node, f"constant {value} holds NaN or infinite values")


def _verify_types(node: Node) -> None:
    try:
        expected = lookup(node.op).infer(node)
    except KeyError:
        raise _broken(node, f"operator {node.op} is not registered") from None
    except (ValueError, TypeError) as error:
        raise _broken(node, str(error)) from error
    actual = [value.type for value in node.outputs]
    if not _agree(expected, actual):
        raise _broken(node, f"its results are {actual}, inferred were {expected}")


def _agree(expected: list[TensorType], actual: list[TensorType]) -> bool:
    if len(expected) != len(actual):
        return False
    return all(e == a for e, a in zip(expected, actual, strict=True))


def _verify_uses(graph: Graph) -> None:
    members = set(graph.nodes)
    for value in graph.values():
        for node, index in value.uses:
            if node not in members or node.inputs[index] is not value:
                raise VerificationError(f"{value} records a use by {node} that does not exist")


def _declare(value: Value, known: set[Value], names: set[str]) -> None:
    if value.name in names:
        raise VerificationError(f"two values are called %{value.name}")
    known.add(value)
    names.add(value.name)


def _broken(node: Node, rule: str) -> VerificationError:
    where = f" (from {node.name})" if node.name else ""
    return VerificationError(f"invalid IR at {node}{where}: {rule}")
