"""What a multi-head matrix operand is made of: whole heads of a root value, mixed by a matrix.

The operand has the shape [groups, tokens, D]. The proof found here is that

    operand[g, t, :] = matrix[g] @ root.flat[index[g, t, :]]

with one D x D matrix per group that does not depend on the token. A plain head has the identity;
a rotary embedding by head index has one rotation per group; one by token index has no such form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Node, Value
from edgecomp.passes.linear_form import MOVEMENT, LinearForm, linear_form
from edgecomp.passes.views import COST


@dataclass(frozen=True)
class HeadView:
    """root; index: [groups, tokens, D] into the flattened root; matrix: [groups, D, D].

    ``price`` is that of the data movement before the root which another view could do without.
    """

    root: Value
    index: np.ndarray
    matrix: np.ndarray
    price: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether nothing is mixed or scaled."""
        return bool((self.matrix == np.eye(self.matrix.shape[-1])).all())


def plain_views(value: Value, transposed: bool, groups: tuple[int, ...]) -> list[HeadView]:
    """Views of ``value`` that mix nothing: itself, and what data movement reads it from."""
    chain: list[Node] = []
    root = value
    while (node := root.producer) is not None and node.op in MOVEMENT:
        chain.append(node)
        root = node.inputs[0]
    price, found = 0, []
    for node in reversed([None, *chain]):
        root = value if node is None else node.inputs[0]
        form = linear_form(value, root)
        view = None if form is None else head_view(form, transposed, groups, price)
        if view is not None and view.is_plain:
            found.append(view)
        price += 0 if node is None else COST[node.op]
    return found


def head_view(
    form: LinearForm, transposed: bool, groups: tuple[int, ...], price: int = 0
) -> HeadView | None:
    """The proof for an operand [*groups, T, D], or [*groups, D, T] if ``transposed``."""
    if form.root is None or form.terms == 0 or form.constant.any():
        return None
    index, coefficient = (_grouped(a, transposed, groups) for a in (form.index, form.coefficient))
    if not (coefficient[:, :, :1] == coefficient).all():
        return None
    pattern = coefficient[:, :, 0]
    base = _token_offsets(index, pattern)
    if base is None:
        return None
    support = _supports(index[:, :, 0], pattern)
    if support is None:
        return None
    matrix = _matrices(index[:, :, 0], pattern, support)
    return HeadView(form.root, support[:, None] + base[:, :, None], matrix, price)


def _grouped(array: np.ndarray, transposed: bool, groups: tuple[int, ...]) -> np.ndarray:
    """[terms, *leading, T, D] -> [terms, G, T, D], leading axes broadcast to ``groups``."""
    if transposed:
        array = array.swapaxes(-1, -2)
    terms, rows = array.shape[0], array.shape[-2:]
    leading = array.shape[1:-2]
    ones = (1,) * (len(groups) - len(leading))
    wide = np.broadcast_to(array.reshape(terms, *ones, *leading, *rows), (terms, *groups, *rows))
    return wide.reshape(terms, -1, *rows)


def _token_offsets(index: np.ndarray, pattern: np.ndarray) -> np.ndarray | None:
    """[G, T]: by how much token t reads behind token 0, the same for every channel and term."""
    used = np.broadcast_to((pattern != 0.0)[:, :, None], index.shape)
    offsets = index - index[:, :, :1]
    base = offsets[0, :, :, 0]
    same = offsets == base[None, :, :, None]
    return np.asarray(base) if same[used].all() else None


def _supports(index: np.ndarray, pattern: np.ndarray) -> np.ndarray | None:
    """[G, D]: what every group reads for token 0, as many elements as channels.

    In the order of the channels if each reads one element, else ascending.
    """
    terms, groups, channels = index.shape
    if not (pattern[0] != 0.0).all():
        return None
    if terms == 1:
        return np.asarray(index[0])
    rows = []
    for group in range(groups):
        row = np.unique(index[:, group][pattern[:, group] != 0.0])
        if len(row) != channels:
            return None
        rows.append(row)
    return np.stack(rows)


def _matrices(index: np.ndarray, pattern: np.ndarray, support: np.ndarray) -> np.ndarray:
    terms, groups, channels = index.shape
    matrix = np.zeros((groups, channels, channels))
    if terms == 1:
        matrix[:, np.arange(channels), np.arange(channels)] = pattern[0]
        return matrix
    for group in range(groups):
        for term in range(terms):
            used = np.flatnonzero(pattern[term, group])
            columns = np.searchsorted(support[group], index[term, group, used])
            matrix[group, used, columns] += pattern[term, group, used]
    return matrix
