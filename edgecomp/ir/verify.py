"""The verifier: what must hold of a graph at any time between two passes."""

from __future__ import annotations

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.ir.graph import Graph, Node, Value
from edgecomp.ir.operator import lookup
from edgecomp.ir.types import TensorType


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
        if value.is_constant and value not in known:
            _verify_constant(value)
            _declare(value, known, names)
        if value not in known:
            raise VerificationError(f"network output {value} is never computed")
    _verify_uses(graph)


def _verify_operands(node: Node, known: set[Value], names: set[str]) -> None:
    for value in node.inputs:
        if value.is_constant and value not in known:
            _verify_constant(value)
            _declare(value, known, names)
        if value not in known:
            raise _broken(node, f"operand {value} is used before it is computed")


def _verify_constant(value: Value) -> None:
    data = value.array
    if data.shape != value.shape or data.dtype != value.type.dtype.numpy:
        raise VerificationError(f"constant {value} holds {data.dtype} {data.shape}")
    if data.dtype == np.float32 and not np.isfinite(data).all():
        raise VerificationError(f"constant {value} holds NaN or infinite values")


def _verify_types(node: Node) -> None:
    try:
        operator = lookup(node.op)
    except KeyError:
        raise _broken(node, f"operator {node.op} is not registered") from None
    try:
        expected = operator.infer(node)
    except KeyError as error:
        raise _broken(node, f"attribute {error} is missing") from error
    except (ValueError, TypeError, IndexError, ArithmeticError) as error:
        raise _broken(node, str(error)) from error
    actual = [value.type for value in node.outputs]
    if not _agree(expected, actual):
        raise _broken(node, f"its results are {actual}, inferred were {expected}")


def _agree(expected: list[TensorType], actual: list[TensorType]) -> bool:
    if len(expected) != len(actual):
        return False
    return all(e == a for e, a in zip(expected, actual, strict=True))


def _verify_uses(graph: Graph) -> None:
    reads = {(n, index): value for n in graph.nodes for index, value in enumerate(n.inputs)}
    for value in graph.values():
        for use in value.uses:
            if reads.pop(use, None) is not value:
                raise VerificationError(f"{value} records a use by {use[0]} that does not exist")
    for (node, _), value in reads.items():
        raise _broken(node, f"operand {value} does not record this use")


def _declare(value: Value, known: set[Value], names: set[str]) -> None:
    if value.name in names:
        raise VerificationError(f"two values are called %{value.name}")
    known.add(value)
    names.add(value.name)


def _broken(node: Node, rule: str) -> VerificationError:
    where = f" (from {node.name})" if node.name else ""
    return VerificationError(f"invalid IR at {node}{where}: {rule}")
