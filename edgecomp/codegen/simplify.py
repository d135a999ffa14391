"""Expressions over tile indices in their shortest form.

What an expression is at the steps of a program decides, not how it was written: sums of multiples
of indices get one spelling, and minima that never apply go. Functions of equal structure then
have equal text, and less of it.
"""

from __future__ import annotations

import numpy as np

from edgecomp.tiling.expr import Binary, Const, Expr, Var, combine
from edgecomp.tiling.parts import Nest


def simplified(expr: Expr, nest: Nest) -> Expr:
    """An expression with the value of ``expr`` at every step of ``nest``."""
    if not isinstance(expr, Binary):
        return expr
    linear = _linear(expr, nest)
    if linear is not None:
        return linear
    left, right = simplified(expr.left, nest), simplified(expr.right, nest)
    if expr.operator in ("min", "max"):
        at_left, at_right = nest.at_steps(left), nest.at_steps(right)
        smaller, larger = (left, right) if expr.operator == "min" else (right, left)
        if (at_left <= at_right).all():
            return smaller
        if (at_left >= at_right).all():
            return larger
    if expr.operator == "*":
        return _scaled(left, right)
    return combine(expr.operator, left, right)


def _scaled(left: Expr, right: Expr) -> Expr:
    """The product, with one constant where there were two."""
    for product, factor in ((left, right), (right, left)):
        if isinstance(product, Binary) and product.operator == "*" and isinstance(factor, Const):
            for inner, other in ((product.left, product.right), (product.right, product.left)):
                if isinstance(inner, Const):
                    return other * (inner.value * factor.value)
    return left * right


def _linear(expr: Expr, nest: Nest) -> Expr | None:
    """``expr`` as a constant and multiples of the indices; None where it is no such sum."""
    axes = [loop for loop in nest.loops if loop.trips > 1]
    origin = {loop.name: 0 for loop in nest.loops}
    constant = int(expr.evaluate(origin))
    slopes = {a.name: int(expr.evaluate({**origin, a.name: 1})) - constant for a in axes}
    found = np.full(nest.steps, constant, np.int64)
    for name, slope in slopes.items():
        found += slope * nest.indices[name]
    if not np.array_equal(found, nest.at_steps(expr)):
        return None
    result: Expr = Const(constant)
    for name, slope in slopes.items():
        result = result + Var(name) * slope
    return result
