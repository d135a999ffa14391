"""Einsum as a chain of batched matrix products."""

from __future__ import annotations

import math
import string
from dataclasses import dataclass

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.registry import converts


@dataclass(frozen=True)
class _Term:
    """A tensor with a letter for each axis."""

    tensor: Operand
    axes: str

    def size(self, letters: str) -> list[int]:
        """The sizes of the axes called ``letters``."""
        return [self.tensor.shape[self.axes.index(c)] for c in letters]


@converts("Einsum")
def einsum(call: Call) -> Operand:
    """Einsum of any number of tensors, multiplied from left to right."""
    terms, result = _equation(call)
    joined, *others = terms
    for index, term in enumerate(others):
        rest = "".join(later.axes for later in others[index + 1 :])
        joined = _product(call, joined, term, set(result + rest))
    return _ordered(call, _summed(call, joined, set(result)), result)


def _product(call: Call, a: _Term, b: _Term, kept: set[str]) -> _Term:
    """``a`` times ``b``, summed over what is not kept."""
    a = _summed(call, a, {*b.axes, *kept})
    b = _summed(call, b, {*a.axes, *kept})
    shared = [c for c in a.axes if c in b.axes]
    batch = "".join(c for c in shared if c in kept)
    inner = "".join(c for c in shared if c not in kept)
    rows = "".join(c for c in a.axes if c not in b.axes)
    columns = "".join(c for c in b.axes if c not in a.axes)
    left = _matrix(call, a, (batch, rows, inner))
    right = _matrix(call, b, (batch, inner, columns))
    product = call.emit("matmul" if inner else "mul", left, right)
    shape = [*a.size(batch + rows), *b.size(columns)]
    return _Term(call.reshape(product, shape), batch + rows + columns)


def _summed(call: Call, term: _Term, kept: set[str]) -> _Term:
    """``term`` without the axes that are not kept."""
    over = tuple(i for i, c in enumerate(term.axes) if c not in kept)
    if not over:
        return term
    total = call.emit("reduce", term.tensor, function="sum", axes=over, keep=False)
    return _Term(total, "".join(c for c in term.axes if c in kept))


def _ordered(call: Call, term: _Term, axes: str) -> Operand:
    return call.transpose(term.tensor, [term.axes.index(c) for c in axes])


def _matrix(call: Call, term: _Term, groups: tuple[str, str, str]) -> Operand:
    """``term`` as [batch axes, one axis for each of the other two groups]."""
    batch, *merged = groups
    turned = _ordered(call, term, "".join(groups))
    return call.reshape(turned, [*term.size(batch), *(math.prod(term.size(g)) for g in merged)])


def _equation(call: Call) -> tuple[list[_Term], str]:
    """The operands with their axes, and the axes of the result."""
    equation = call.text("equation", "").replace(" ", "")
    spelled = _without_ellipsis(call, equation)
    left, arrow, result = spelled.partition("->")
    names = left.split(",")
    if len(names) != len(call.operands):
        raise EdgecompError(f"equation {equation!r} has not a term for each operand")
    if not arrow:
        result = "".join(c for c in sorted(set(left) - {","}) if left.count(c) == 1)
    if any(len(set(term)) != len(term) for term in (*names, result)):
        raise Unsupported(f"equation {equation!r} repeats an axis", "use MatMul")
    for index, name in enumerate(names):
        if len(name) != len(call.shape(index)):
            raise EdgecompError(f"{name!r} does not name the axes of {call.shape(index)}")
    if not set(result) <= set(left):
        raise EdgecompError(f"the result of equation {equation!r} has an axis of no operand")
    return _terms(call, equation, names), result


def _without_ellipsis(call: Call, equation: str) -> str:
    """``equation`` with letters for the axes that ``...`` stands for, as many in every term."""
    for index, name in enumerate(equation.partition("->")[0].split(",")):
        if "..." in name:
            count = len(call.shape(index)) - len(name) + len("...")
            free = [c for c in string.ascii_letters if c not in equation]
            if "->" not in equation:
                raise Unsupported(f"equation {equation!r} does not state its result", "state it")
            return equation.replace("...", "".join(free[: max(count, 0)]))
    return equation


def _terms(call: Call, equation: str, names: list[str]) -> list[_Term]:
    terms = [_Term(call.operand(i), name) for i, name in enumerate(names)]
    sizes: dict[str, int] = {}
    for term in terms:
        for letter, size in zip(term.axes, term.tensor.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise Unsupported(
                    f"equation {equation!r} joins axes of {sizes[letter]} and {size} elements",
                    "use MatMul, which broadcasts",
                )
    return terms
