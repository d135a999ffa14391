"""Which converter handles which ONNX operator.

A converter is a function in :mod:`edgecomp.frontend.converters`, one file per operator family;
it is found there by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence

from edgecomp.frontend.call import Call, Operand

Converter = Callable[[Call], Operand | Sequence[Operand]]

_REGISTRY: dict[str, Converter] = {}


def converts(*operators: str) -> Callable[[Converter], Converter]:
    """Decorate the converter of standard ONNX ``operators``.

    It returns the node's result, or its results in order.
    """

    def register(converter: Converter) -> Converter:
        for operator in operators:
            if operator in _REGISTRY:
                raise ValueError(f"ONNX operator {operator} has two converters")
            _REGISTRY[operator] = converter
        return converter

    return register


def converter_of(domain: str, operator: str) -> Converter | None:
    """The converter of an operator; None where there is none."""
    _load_all()
    return _REGISTRY.get(operator) if domain in ("", "ai.onnx") else None


def converted_operators() -> set[str]:
    """The standard ONNX operators that have a converter."""
    _load_all()
    return set(_REGISTRY)


def _load_all() -> None:
    if not _REGISTRY:
        package = importlib.import_module("edgecomp.frontend.converters")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"edgecomp.frontend.converters.{module.name}")
