"""Interpolation along one axis, spelled out as gathers and weighted sums, is a linear layer."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, Value, create
from edgecomp.passes.linear_form import LinearForm, is_linear, linear_form, root_of

LARGEST = 1 << 20
"""Elements of the largest interpolation matrix that is made."""
_ARITHMETIC = frozenset({"add", "sub", "mul", "div"})


class RecognizeResampling(RewritePass):
    """A sum that maps one axis to another length, alike everywhere else, becomes ``linear``."""

    name = "recognize_resampling"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite the sum ``node``, the last of its kind on the way."""
        if node.op not in ("add", "sub") or any(v.is_constant for v in node.inputs):
            return False
        root = root_of(node.output)
        axis = None if root is None else _changed_axis(root.shape, node.output.shape)
        if root is None or axis is None or _is_inner(node, root):
            return False
        form = linear_form(node.output)
        matrix = None if form is None else _matrix(form, root.shape, axis)
        if matrix is None:
            return False
        _emit(graph, node, root, axis, matrix)
        return True


def _changed_axis(before: tuple[int, ...], after: tuple[int, ...]) -> int | None:
    """The only axis whose size differs."""
    if len(before) != len(after):
        return None
    changed = [axis for axis in range(len(before)) if before[axis] != after[axis]]
    return changed[0] if len(changed) == 1 else None


def _is_inner(node: Node, root: Value) -> bool:
    """Whether the sum is part of a larger one."""
    users = (user for user in node.output.users if user.op in _ARITHMETIC and is_linear(user))
    return any(root_of(user.output) is root for user in users)


def _matrix(form: LinearForm, shape: tuple[int, ...], axis: int) -> np.ndarray | None:
    """[after, before]: the map along ``axis``; None where it is not the same everywhere."""
    before, after = shape[axis], form.constant.shape[axis]
    if form.constant.any() or form.terms < 2 or before * after > LARGEST:
        return None
    stride = math.prod(shape[axis + 1 :])
    index = np.moveaxis(form.index, axis + 1, 1).reshape(form.terms, after, -1)
    factor = np.moveaxis(form.coefficient, axis + 1, 1).reshape(form.terms, after, -1)
    origins = np.arange(math.prod(shape)).reshape(shape).take(0, axis).reshape(-1)
    steps = index - origins
    used = factor != 0.0
    positions = steps[:, :, :1] // stride
    if not (factor == factor[:, :, :1]).all() or (steps != positions * stride)[used].any():
        return None
    matrix = np.zeros((after, before))
    for term in range(form.terms):
        rows = np.flatnonzero(used[term, :, 0])
        columns = positions[term, rows, 0]
        if columns.size and not 0 <= columns.min() <= columns.max() < before:
            return None
        np.add.at(matrix, (rows, columns), factor[term, rows, 0])
    return matrix.astype(np.float32)


def _emit(graph: Graph, node: Node, root: Value, axis: int, matrix: np.ndarray) -> None:
    last = root.type.rank - 1
    swap = list(range(last + 1))
    swap[axis], swap[last] = swap[last], swap[axis]
    permutation = {"permutation": tuple(swap)}
    weight = graph.constant(matrix, "interpolation")
    bias = graph.constant(np.zeros(len(matrix), np.float32), "bias")
    x = create(graph, "transpose", [root], {**permutation}, before=node).output
    y = create(graph, "linear", [x, weight, bias], name=node.name, before=node).output
    back = create(graph, "transpose", [y], {**permutation}, before=node)
    graph.replace(node.output, back.output)
