"""Elementwise operators on two or more tensors."""

from __future__ import annotations

import numpy as np

from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.registry import converts
from edgecomp.ir import Value

_BINARY = {"Sub": "sub", "Mul": "mul", "Div": "div"}
_VARIADIC = {"Max": "maximum", "Min": "minimum", "Sum": "add", "Mean": "add"}
_POWERS = {2.0: "square", 0.5: "sqrt", -1.0: "reciprocal"}
_LOWEST = np.finfo(np.float32).min / 2
"""Stands for minus infinity in additive masks: any sum with it is still finite, and its
exponential is zero."""


@converts(*_BINARY)
def binary(call: Call) -> Operand:
    """Sub, Mul, Div."""
    return call.emit(_BINARY[call.op], call.operand(0), call.operand(1))


@converts("Add")
def add(call: Call) -> Operand:
    """Add; minus infinity in a constant mask becomes a large negative number."""
    return call.emit("add", _finite_mask(call.operand(0)), _finite_mask(call.operand(1)))


@converts(*_VARIADIC)
def variadic(call: Call) -> Operand:
    """Max, Min, Sum and Mean of any number of tensors."""
    result = call.operand(0)
    for index in range(1, len(call.operands)):
        result = call.emit(_VARIADIC[call.op], result, call.operand(index))
    if call.op == "Mean" and len(call.operands) > 1:
        result = call.emit("mul", result, np.full((), 1.0 / len(call.operands), np.float32))
    return result


@converts("Pow")
def power(call: Call) -> Operand:
    """Pow; squares, roots and reciprocals are functions of one variable."""
    base, exponent = call.operand(0), call.operand(1)
    if isinstance(exponent, np.ndarray) and exponent.size == 1 and exponent.ndim <= len(base.shape):
        number = float(exponent.reshape(()))
        if number == 1.0:
            return base
        if number in _POWERS:
            return call.unary(_POWERS[number], base)
    return call.emit("pow", base, exponent)


@converts("Where")
def where(call: Call) -> Operand:
    """Where: ``x * condition + y * (not condition)``; no products by a constant condition."""
    found, x, y = (call.operand(index) for index in range(3))
    if isinstance(found, Value):
        chosen = call.emit("mul", _finite_mask(x), found)
        return call.emit("add", chosen, call.emit("mul", _finite_mask(y), negation(call, found)))
    condition = found.astype(bool)
    shape = np.broadcast_shapes(condition.shape, x.shape, y.shape)
    if condition.all() and tuple(x.shape) == shape:
        return x
    if not condition.any() and tuple(y.shape) == shape:
        return y
    return call.emit("add", _masked(call, x, condition), _masked(call, y, ~condition))


@converts("PRelu")
def prelu(call: Call) -> Operand:
    """PRelu; one slope for all elements is a leaky ReLU."""
    x, slope = call.operand(0), call.operand(1)
    if isinstance(slope, np.ndarray) and slope.size and (slope == slope.flat[0]).all():
        return call.unary("leaky_relu", x, float(slope.flat[0]))
    negative = call.emit("minimum", x, np.zeros((), np.float32))
    return call.emit("add", call.unary("relu", x), call.emit("mul", negative, slope))


@converts("Cast", "CastLike")
def cast(call: Call) -> Operand:
    """Cast between floating-point types: everything is computed in 32 bits."""
    target = call.integer("to", 1)
    if call.op == "Cast" and target not in (1, 10, 11, 16):
        raise Unsupported(
            "a tensor that depends on the network's input becomes integer or boolean",
            "keep the data path in floating point",
        )
    return call.operand(0)


def negation(call: Call, truth: Operand) -> Operand:
    """``1 - truth``: truth values computed from the input are 0.0 and 1.0."""
    return call.emit("sub", np.ones((), np.float32), truth)


def holds_lowest(value: Value) -> bool:
    """Whether ``value`` is made of a constant in which `_LOWEST` stands for minus infinity."""
    pending, seen = [value], {value}
    while pending:
        each = pending.pop()
        if each.is_constant:
            if each.array.size and each.array.min() <= _LOWEST:
                return True
        elif each.producer is not None:
            new = [operand for operand in each.producer.inputs if operand not in seen]
            seen.update(new)
            pending += new
    return False


def _finite_mask(operand: Operand) -> Operand:
    return operand if isinstance(operand, Value) else _finite(operand)


def _finite(array: np.ndarray) -> np.ndarray:
    """``array`` itself, or without minus infinity where it holds that."""
    infinite = np.isneginf(array)
    return np.where(infinite, np.float32(_LOWEST), array) if infinite.any() else array


def _masked(call: Call, x: Operand, keep: np.ndarray) -> Operand:
    """``x`` where ``keep``, else zero."""
    if isinstance(x, np.ndarray):
        return np.where(keep, _finite(x), np.zeros((), np.float32))
    return call.emit("mul", x, keep.astype(np.float32))
