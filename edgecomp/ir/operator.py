"""The operator registry: what every operator must know of itself, and how it is found.

An operator is one file in :mod:`edgecomp.ops`. Float operators state the mathematics; integer
operators (``q_*``) state the bits, and their :meth:`Operator.evaluate` is the integer reference
that every C kernel must reproduce.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from edgecomp.ir.graph import Attribute, Graph, Node, Value
from edgecomp.ir.types import TensorType


class OperandError(ValueError):
    """Operands or attributes that an operator does not accept."""


class TooShort(OperandError):
    """An operand that is shorter along an axis than what must fit into it."""


class Operator(ABC):
    """Shape rule and meaning of one operator.

    ``name`` is its spelling in textual IR; ``commutative`` allows operands to be swapped.
    """

    name: str
    commutative = False

    @abstractmethod
    def infer(self, node: Node) -> list[TensorType]:
        """Output types from operands and attributes; ``OperandError`` where they do not fit."""

    @abstractmethod
    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The results for ``operands``, which have the types of ``node.inputs``."""

    def macs(self, node: Node) -> int:
        """Multiply-accumulates, each counted once; 0 for anything but products."""
        return 0


_REGISTRY: dict[str, Operator] = {}


def register(operator: type[Operator]) -> type[Operator]:
    """Class decorator that makes an operator known under its ``name``."""
    if operator.name in _REGISTRY:
        raise ValueError(f"operator {operator.name} is registered twice")
    _REGISTRY[operator.name] = operator()
    return operator


def _load_all() -> None:
    package = importlib.import_module("edgecomp.ops")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"edgecomp.ops.{module.name}")


def operators() -> dict[str, Operator]:
    """Every known operator by name."""
    _load_all()
    return dict(sorted(_REGISTRY.items()))


def lookup(name: str) -> Operator:
    """The operator called ``name``; ``KeyError`` where there is none."""
    if name not in _REGISTRY:
        _load_all()
    return _REGISTRY[name]


def create(
    graph: Graph,
    op: str,
    inputs: Sequence[Value],
    attributes: dict[str, Attribute] | None = None,
    *,
    name: str = "",
    result: str = "",
    before: Node | None = None,
    after: Node | None = None,
) -> Node:
    """Make a node with inferred output types and place it (at the end by default).

    ``result`` is the wish for the first output's name.
    """
    operator = lookup(op)
    probe = Node(op, inputs, [], attributes, name)
    try:
        types = operator.infer(probe)
    finally:
        probe.drop_inputs()
    names = [result if index == 0 else "" for index in range(len(types))]
    node = Node(op, inputs, types, attributes, name, names)
    if before is not None:
        return graph.insert_before(before, node)
    if after is not None:
        return graph.insert_after(after, node)
    return graph.append(node)
