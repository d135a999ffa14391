"""Every element of a value as a sparse linear combination of the elements of an earlier value.

Data movement, products with constants, sums and concatenations are linear. Following them
back to the one value they all start from (the *root*) gives, for each element,

    value[e] = sum_k coefficient[k, e] * root.flat[index[k, e]] + constant[e]

with few terms. Passes prove from it that a chain of nodes is a mere view of the root, or that a
rotation cancels, whatever nodes an exporter wrote it with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Node, Value, lookup

MAX_TERMS = 4
MOVEMENT = frozenset({"reshape", "transpose", "slice", "gather", "expand"})
"""Operators of one data operand whose results are elements of it."""
_SCALING = frozenset({"mul", "div"})
_SUMS = frozenset({"add", "sub"})


@dataclass(frozen=True)
class LinearForm:
    """A value in terms of ``root``.

    index, coefficient: [terms, *shape], indices into the flattened root and float64 factors;
    unused terms have factor 0, used ones come first in ascending order of their index.
    constant: [*shape]. A constant value has no terms and root None.
    """

    root: Value | None
    index: np.ndarray
    coefficient: np.ndarray
    constant: np.ndarray

    @property
    def terms(self) -> int:
        """Number of terms of the longest sum."""
        return int(self.index.shape[0])


def root_of(value: Value) -> Value | None:
    """The only non-constant value that linear operators compute ``value`` from."""
    roots: dict[Value, None] = {}
    seen: set[Value] = set()
    pending = [value]
    while pending:
        current = pending.pop()
        if current in seen or current.is_constant:
            continue
        seen.add(current)
        node = current.producer
        if node is not None and is_linear(node):
            pending.extend(node.inputs)
        else:
            roots[current] = None
    return next(iter(roots)) if len(roots) == 1 else None


def is_linear(node: Node) -> bool:
    """Whether the result of ``node`` is linear (with a constant part) in its operands."""
    if node.op in MOVEMENT or node.op in _SUMS or node.op == "concat":
        return True
    if node.op == "unary":
        return node.text("function") == "neg"
    if node.op == "div":
        return node.inputs[1].is_constant
    return node.op == "mul" and any(v.is_constant for v in node.inputs)


def linear_form(value: Value, root: Value | None = None) -> LinearForm | None:
    """``value`` in terms of ``root``, which linear operators compute it from; :func:`root_of` it.

    None where there is no single root or where a sum has more than ``MAX_TERMS`` terms.
    """
    root = root_of(value) if root is None else root
    if root is None:
        return None
    return _Analysis(root).form(value)


class _Analysis:
    """Forms of values relative to one root, each computed once."""

    def __init__(self, root: Value) -> None:
        self.root = root
        self.known: dict[Value, LinearForm | None] = {root: _identity(root)}

    def form(self, value: Value) -> LinearForm | None:
        order = self._order(value)
        for current in order:
            self.known[current] = self._transfer(current)
        return self.known[value]

    def _order(self, value: Value) -> list[Value]:
        """Values between the root and ``value``, operands first."""
        done: dict[Value, None] = dict.fromkeys(self.known)
        stack = [value]
        while stack:
            current = stack[-1]
            node = current.producer
            waiting = [] if node is None else [v for v in node.inputs if v not in done]
            if current in done or not waiting:
                done.setdefault(stack.pop())
            else:
                stack.extend(waiting)
        return [v for v in done if v not in self.known]

    def _transfer(self, value: Value) -> LinearForm | None:
        node = value.producer
        if node is None:
            return _constant(value.array)
        if node.op in MOVEMENT:
            return self._moved(node)
        forms = [self.known[operand] for operand in node.inputs]
        operands = [form for form in forms if form is not None]
        if len(operands) != len(forms):
            return None
        if node.op == "concat":
            return _joined(node, operands)
        if node.op == "unary":
            return _scaled(operands[0], np.float64(-1.0), value.shape)
        if node.op in _SCALING:
            return _product(node, operands, value.shape)
        return _sum(node, operands, value.shape)

    def _moved(self, node: Node) -> LinearForm | None:
        form = self.known[node.inputs[0]]
        if form is None:
            return None
        return _apply(node, [form])


def _identity(root: Value) -> LinearForm:
    index = np.arange(root.type.size, dtype=np.int64).reshape(1, *root.shape)
    return LinearForm(root, index, np.ones(index.shape), np.zeros(root.shape))


def _constant(array: np.ndarray) -> LinearForm:
    none = np.zeros((0, *array.shape))
    return LinearForm(None, none.astype(np.int64), none, array.astype(np.float64))


def _apply(node: Node, forms: list[LinearForm]) -> LinearForm:
    """Data movement applied to every array of the forms of its data operands."""
    operator = lookup(node.op)
    rest = [value.array for value in node.inputs[len(forms) :]]

    def move(arrays: list[np.ndarray]) -> np.ndarray:
        return operator.evaluate(node, [*arrays, *rest])[0]

    terms = max(form.terms for form in forms)
    padded = [_padded(form, terms) for form in forms]
    shape = (terms, *node.output.shape)
    index, coefficient = np.zeros(shape, np.int64), np.zeros(shape)
    for k in range(terms):
        index[k] = move([form.index[k] for form in padded])
        coefficient[k] = move([form.coefficient[k] for form in padded])
    constant = move([form.constant for form in padded])
    return LinearForm(_common_root(forms), index, coefficient, constant)


def _joined(node: Node, forms: list[LinearForm]) -> LinearForm:
    return _apply(node, forms)


def _padded(form: LinearForm, terms: int) -> LinearForm:
    missing = ((0, terms - form.terms), *((0, 0),) * form.constant.ndim)
    return LinearForm(
        form.root, np.pad(form.index, missing), np.pad(form.coefficient, missing), form.constant
    )


def _common_root(forms: list[LinearForm]) -> Value | None:
    return next((form.root for form in forms if form.root is not None), None)


def _broadcast(form: LinearForm, shape: tuple[int, ...]) -> LinearForm:
    if form.constant.shape == shape:
        return form
    ones = (1,) * (len(shape) - form.constant.ndim)
    stacked = (form.terms, *ones, *form.constant.shape)
    full = (form.terms, *shape)
    return LinearForm(
        form.root,
        np.broadcast_to(form.index.reshape(stacked), full),
        np.broadcast_to(form.coefficient.reshape(stacked), full),
        np.broadcast_to(form.constant, shape),
    )


def _scaled(
    form: LinearForm, factor: np.ndarray | np.float64, shape: tuple[int, ...]
) -> LinearForm:
    wide = _broadcast(form, shape)
    return LinearForm(wide.root, wide.index, wide.coefficient * factor, wide.constant * factor)


def _product(node: Node, forms: list[LinearForm], shape: tuple[int, ...]) -> LinearForm | None:
    first, second = forms
    if second.root is not None:
        first, second = second, first
    factor = 1.0 / second.constant if node.op == "div" else second.constant
    if not np.isfinite(factor).all():
        return None
    return _scaled(first, factor, shape)


def _sum(node: Node, forms: list[LinearForm], shape: tuple[int, ...]) -> LinearForm | None:
    sign = np.float64(-1.0 if node.op == "sub" else 1.0)
    first, second = _broadcast(forms[0], shape), _scaled(forms[1], sign, shape)
    index = np.concatenate([first.index, second.index])
    coefficient = np.concatenate([first.coefficient, second.coefficient])
    constant = first.constant + second.constant
    index, coefficient = _merged(index, coefficient)
    if index.shape[0] > MAX_TERMS:
        return None
    return LinearForm(_common_root(forms), index, coefficient, constant)


def _merged(index: np.ndarray, coefficient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Terms of one index added up, zero terms last, the others in order of their index."""
    index, coefficient = index.copy(), coefficient.copy()
    for later in range(1, index.shape[0]):
        for earlier in range(later):
            same = (index[later] == index[earlier]) & (coefficient[later] != 0.0)
            coefficient[earlier] += np.where(same, coefficient[later], 0.0)
            coefficient[later] = np.where(same, 0.0, coefficient[later])
    beyond = np.iinfo(np.int64).max
    order = np.argsort(np.where(coefficient == 0.0, beyond, index), axis=0, kind="stable")
    index = np.take_along_axis(index, order, axis=0)
    coefficient = np.take_along_axis(coefficient, order, axis=0)
    used = int((coefficient != 0.0).reshape(coefficient.shape[0], -1).any(axis=1).sum())
    return index[:used], coefficient[:used]
