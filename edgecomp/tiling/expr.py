"""Integer expressions over tile indices: evaluated in numpy by the cost model, printed as C.

Only what tile programs need: constants, variables, ``+ - *``, floor division, ``min`` and
``max``. All values are non-negative, so C's division agrees with Python's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Number = int | np.ndarray


class Expr:
    """Base of all expressions; build them with operators, :func:`least` and :func:`most`."""

    def __add__(self, other: Expr | int) -> Expr:
        return combine("+", self, wrap(other))

    def __radd__(self, other: int) -> Expr:
        return combine("+", wrap(other), self)

    def __sub__(self, other: Expr | int) -> Expr:
        return combine("-", self, wrap(other))

    def __rsub__(self, other: int) -> Expr:
        return combine("-", wrap(other), self)

    def __mul__(self, other: Expr | int) -> Expr:
        return combine("*", self, wrap(other))

    def __rmul__(self, other: int) -> Expr:
        return combine("*", wrap(other), self)

    def __floordiv__(self, other: Expr | int) -> Expr:
        return combine("/", self, wrap(other))

    def evaluate(self, indices: Mapping[str, Number]) -> Number:
        """The value for given variables (arrays broadcast)."""
        raise NotImplementedError

    def c(self, variable: Callable[[str], str] = str, number: Callable[[int], str] = str) -> str:
        """C text, parenthesised where it has operators; how variables and literals are spelled."""
        raise NotImplementedError


@dataclass(frozen=True, eq=True)
class Const(Expr):
    """A literal."""

    value: int

    def evaluate(self, indices: Mapping[str, Number]) -> Number:
        """See :meth:`Expr.evaluate`."""
        return self.value

    def c(self, variable: Callable[[str], str] = str, number: Callable[[int], str] = str) -> str:
        """See :meth:`Expr.c`."""
        return number(self.value)


@dataclass(frozen=True, eq=True)
class Var(Expr):
    """A loop's tile index."""

    name: str

    def evaluate(self, indices: Mapping[str, Number]) -> Number:
        """See :meth:`Expr.evaluate`."""
        return indices[self.name]

    def c(self, variable: Callable[[str], str] = str, number: Callable[[int], str] = str) -> str:
        """See :meth:`Expr.c`."""
        return variable(self.name)


@dataclass(frozen=True, eq=True)
class Binary(Expr):
    """``left operator right``; ``min`` and ``max`` print as the runtime's macros."""

    operator: str
    left: Expr
    right: Expr

    def evaluate(self, indices: Mapping[str, Number]) -> Number:
        """See :meth:`Expr.evaluate`."""
        return _apply(self.operator, self.left.evaluate(indices), self.right.evaluate(indices))

    def c(self, variable: Callable[[str], str] = str, number: Callable[[int], str] = str) -> str:
        """See :meth:`Expr.c`."""
        left, right = self.left.c(variable, number), self.right.c(variable, number)
        if self.operator in ("min", "max"):
            return f"EC_{self.operator.upper()}({left}, {right})"
        return f"({left} {self.operator} {right})"


def _apply(operator: str, left: Number, right: Number) -> Number:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left // right
        case "min":
            return _plain(np.minimum(left, right))
        case "max":
            return _plain(np.maximum(left, right))
    raise ValueError(f"unknown operator {operator}")


def _plain(value: np.ndarray) -> Number:
    return int(value) if np.ndim(value) == 0 else value


def combine(operator: str, left: Expr, right: Expr) -> Expr:
    """``left operator right``, folded where that is known."""
    known_left = left.value if isinstance(left, Const) else None
    known_right = right.value if isinstance(right, Const) else None
    if known_left is not None and known_right is not None:
        return Const(int(_apply(operator, known_left, known_right)))
    if (known_right == 0 and operator in "+-") or (known_right == 1 and operator in "*/"):
        return left
    if (known_left == 0 and operator == "+") or (known_left == 1 and operator == "*"):
        return right
    if operator == "*" and 0 in (known_left, known_right):
        return Const(0)
    return Binary(operator, left, right)


def wrap(value: Expr | int) -> Expr:
    """``value`` as an expression."""
    return value if isinstance(value, Expr) else Const(int(value))


def least(left: Expr | int, right: Expr | int) -> Expr:
    """The smaller of two expressions."""
    return combine("min", wrap(left), wrap(right))


def most(left: Expr | int, right: Expr | int) -> Expr:
    """The larger of two expressions."""
    return combine("max", wrap(left), wrap(right))


def is_zero(index: Expr) -> Expr:
    """1 where ``index`` is 0, else 0."""
    return wrap(1) - least(index, 1)
