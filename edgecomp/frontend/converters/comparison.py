"""Comparisons, and what joins them: truth values that depend on the input are 0.0 and 1.0."""

from __future__ import annotations

import numpy as np

from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.converters.elementwise import holds_lowest, negation
from edgecomp.frontend.registry import converts
from edgecomp.ir import Value


@converts("Greater", "LessOrEqual")
def greater(call: Call) -> Operand:
    """Greater: a step of the difference. LessOrEqual is its opposite."""
    above = _step(call, call.operand(0), call.operand(1))
    return above if call.op == "Greater" else negation(call, above)


@converts("Less", "GreaterOrEqual")
def less(call: Call) -> Operand:
    """Less: a step of the difference. GreaterOrEqual is its opposite."""
    below = _step(call, call.operand(1), call.operand(0))
    return below if call.op == "Less" else negation(call, below)


@converts("Equal")
def equal(call: Call) -> Operand:
    """Equal: neither above nor below. Nothing computed of finite numbers is infinite."""
    a, b = call.operand(0), call.operand(1)
    for x, y in ((a, b), (b, a)):
        if isinstance(x, np.ndarray) and np.isinf(x).all():
            if isinstance(y, Value) and holds_lowest(y):
                raise Unsupported(
                    "it asks for infinite values, which masks have as large numbers here",
                    "leave rows that are masked as a whole out of the network",
                )
            return np.broadcast_to(np.zeros((), bool), np.broadcast_shapes(a.shape, b.shape))
    different = call.emit("add", _step(call, a, b), _step(call, b, a))
    return negation(call, different)


@converts("And", "Or")
def both(call: Call) -> Operand:
    """And: the product. Or: the maximum."""
    operands = (_real(call.operand(index)) for index in range(2))
    return call.emit("mul" if call.op == "And" else "maximum", *operands)


@converts("Not")
def opposite(call: Call) -> Operand:
    """Not."""
    return negation(call, call.operand(0))


def _step(call: Call, a: Operand, b: Operand) -> Operand:
    """1 where ``a > b``, else 0."""
    is_zero = isinstance(b, np.ndarray) and b.ndim <= len(a.shape) and b.size == 1 and not b.any()
    return call.unary("step", a if is_zero else call.emit("sub", a, b))


def _real(operand: Operand) -> Operand:
    return operand.astype(np.float32) if isinstance(operand, np.ndarray) else operand
