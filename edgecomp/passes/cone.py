"""Cones of elementwise nodes as functions of one real variable, evaluated in double precision."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgecomp.ir import Node, Value
from edgecomp.ops.unary import FUNCTIONS
from edgecomp.passes.patterns import uniform

BINARY = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}
BINARY |= {"pow": np.power, "maximum": np.maximum, "minimum": np.minimum}
"""Operators of two operands that cones are made of, beside ``unary``."""


def elementwise(value: Value) -> Node | None:
    """The elementwise node that computes ``value``."""
    node = value.producer
    return node if node is not None and (node.op in BINARY or node.op == "unary") else None


def evaluate(
    value: Value, known: Mapping[Value, np.ndarray], budget: list[int]
) -> np.ndarray | None:
    """``value`` for the numbers in ``known`` at each of which a cone is evaluated.

    None where it depends on anything else. ``budget`` bounds how many nodes are visited.
    """
    if value in known:
        return known[value]
    number = uniform(value)
    if number is not None:
        return np.asarray(number, np.float64)
    node = elementwise(value)
    budget[0] -= 1
    if node is None or budget[0] < 0:
        return None
    operands = [evaluate(operand, known, budget) for operand in node.inputs]
    arrays = [array for array in operands if array is not None]
    if len(arrays) != len(operands):
        return None
    if node.op == "unary":
        return _apply(node, arrays[0])
    return np.asarray(BINARY[node.op](*arrays))


def _apply(node: Node, operand: np.ndarray) -> np.ndarray:
    parameters = node.attributes.get("parameters", ())
    if not isinstance(parameters, tuple):
        raise TypeError(f"parameters of {node} are no tuple")
    return np.asarray(FUNCTIONS[node.text("function")](operand, *parameters), np.float64)
