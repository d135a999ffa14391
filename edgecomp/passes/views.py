"""The shortest reshape/slice/transpose sequence that reads given elements of a value.

A view is stated as an array of indices into the flattened source: what comes out at each
place. :func:`plan_view` finds the steps without caring which nodes described the view before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Attribute, Graph, Node, Value, create

COST = {"reshape": 1, "slice": 10, "transpose": 11, "gather": 14, "expand": 14, "concat": 16}
"""Relative price of movement; a reshape moves nothing."""


@dataclass(frozen=True)
class Step:
    """One node of a view: its operator and attributes."""

    op: str
    attributes: dict[str, Attribute]


Plan = tuple[Step, ...]


def plan_cost(plan: Plan) -> int:
    """Price of all steps."""
    return sum(COST[step.op] for step in plan)


def emit_view(graph: Graph, source: Value, plan: Plan, before: Node) -> Value:
    """The nodes of ``plan`` on ``source``, placed just before ``before``."""
    for step in plan:
        node = create(graph, step.op, [source], dict(step.attributes), before=before)
        source = node.output
    return source


def plan_view(shape: tuple[int, ...], index: np.ndarray) -> Plan | None:
    """Steps that read ``index`` (flat, row-major) from a source of ``shape``.

    The cheapest of the forms tried; None where the view is not made of whole strides.
    """
    if index.size == 0 or math.prod(shape) == 0:
        return None
    plans = [_cut_rows(shape, index), _cut(shape, index), _permuted(shape, index)]
    if not any(plan is not None for plan in plans):
        plans = [_strided(shape, index), _repeated(shape, index)]
    return min((plan for plan in plans if plan is not None), key=plan_cost, default=None)


def _reshape(current: tuple[int, ...], wanted: tuple[int, ...]) -> Plan:
    return () if current == wanted else (Step("reshape", {"shape": wanted}),)


def _slice(shape: tuple[int, ...], starts: tuple[int, ...], stops: tuple[int, ...]) -> Plan:
    if stops == shape and not any(starts):
        return ()
    steps = (1,) * len(shape)
    return (Step("slice", {"starts": starts, "stops": stops, "steps": steps}),)


def _cut_rows(shape: tuple[int, ...], index: np.ndarray) -> Plan | None:
    """Source reshaped to the rows of the result, then a range of every row."""
    rows = index.shape[:-1]
    if index.ndim == 0 or math.prod(shape) % math.prod(rows):
        return None
    wide = (*rows, math.prod(shape) // math.prod(rows))
    plan = _box(wide, index)
    return None if plan is None else _reshape(shape, wide) + plan


def _cut(shape: tuple[int, ...], index: np.ndarray) -> Plan | None:
    """A box of the source, then reshaped."""
    low = np.unravel_index(int(index.min()), shape)
    high = np.unravel_index(int(index.max()), shape)
    sizes = tuple(int(b) - int(a) + 1 for a, b in zip(low, high, strict=True))
    if math.prod(sizes) != index.size:
        return None
    plan = _box(shape, index.reshape(sizes))
    return None if plan is None else plan + _reshape(sizes, index.shape)


def _box(shape: tuple[int, ...], index: np.ndarray) -> Plan | None:
    """A slice of step one, if the elements of ``index`` are one."""
    starts = tuple(int(i) for i in np.unravel_index(int(index.flat[0]), shape))
    stops = tuple(a + n for a, n in zip(starts, index.shape, strict=True))
    if any(stop > size for stop, size in zip(stops, shape, strict=True)):
        return None
    expected = np.arange(math.prod(shape)).reshape(shape)[
        tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))
    ]
    return _slice(shape, starts, stops) if np.array_equal(expected, index) else None


def _permuted(shape: tuple[int, ...], index: np.ndarray) -> Plan | None:
    """All axes of the source in another order, then reshaped."""
    atoms = _atoms(index)
    if atoms is None or index.size != math.prod(shape):
        return None
    strides = {math.prod(shape[axis + 1 :]): axis for axis in range(len(shape)) if shape[axis] > 1}
    order: list[int] = []
    for size, stride in atoms:
        inner: list[int] = []
        while size > 1:
            axis = strides.get(stride)
            if axis is None or size % shape[axis]:
                return None
            inner.insert(0, axis)
            size, stride = size // shape[axis], stride * shape[axis]
        order += inner
    permutation = _with_unit_axes(shape, order, index.shape)
    moved = tuple(shape[axis] for axis in permutation)
    step = Step("transpose", {"permutation": permutation})
    return (step, *_reshape(moved, index.shape))


def _with_unit_axes(
    shape: tuple[int, ...], order: list[int], wanted: tuple[int, ...]
) -> tuple[int, ...]:
    """``order`` completed by the axes of size one, where ``wanted`` has them if it can be."""
    units = [axis for axis, size in enumerate(shape) if size == 1]
    if len(wanted) != len(shape) or wanted.count(1) != len(units):
        return (*units, *order)
    rest, ones = iter(order), iter(units)
    return tuple(next(ones) if size == 1 else next(rest) for size in wanted)


def _strided(shape: tuple[int, ...], index: np.ndarray) -> Plan | None:
    """reshape, slice, transpose, reshape for an index that is a sum of strides."""
    atoms = _atoms(index)
    if atoms is None:
        return None
    order = sorted(range(len(atoms)), key=lambda a: -atoms[a][1])
    extents = _extents(math.prod(shape), [atoms[a] for a in order])
    if extents is None:
        return None
    sizes = [atoms[a][0] for a in order] + [1] * (len(extents) - len(order))
    starts = tuple(int(i) for i in np.unravel_index(int(index.flat[0]), extents))
    stops = tuple(a + n for a, n in zip(starts, sizes, strict=True))
    if any(stop > extent for stop, extent in zip(stops, extents, strict=True)):
        return None
    permutation = tuple(order.index(a) for a in range(len(atoms)))
    plan = _reshape(shape, extents) + _slice(extents, starts, stops)
    if len(extents) > len(order):
        plan += _reshape(tuple(sizes), tuple(sizes[:-1]))
    if permutation != tuple(range(len(atoms))):
        plan += (Step("transpose", {"permutation": permutation}),)
    return plan + _reshape(tuple(n for n, _ in atoms), index.shape)


def _repeated(shape: tuple[int, ...], index: np.ndarray) -> Plan | None:
    """A view of fewer elements, then expanded along the axes on which ``index`` is constant."""
    atoms = _generators(index)
    if atoms is None or all(stride != 0 for _, stride in atoms):
        return None
    sizes = tuple(size for size, _ in atoms)
    kept = tuple(slice(None) if stride else slice(1) for _, stride in atoms)
    once = index.reshape(sizes)[kept]
    plan = plan_view(shape, once)
    if plan is None:
        return None
    return (*plan, Step("expand", {"shape": sizes}), *_reshape(sizes, index.shape))


def _atoms(index: np.ndarray) -> list[tuple[int, int]] | None:
    """(size, stride) of the axes, outer to inner, that generate ``index``.

    None where no strides do or where an element is read twice.
    """
    atoms = _generators(index)
    return None if atoms is None or any(stride == 0 for _, stride in atoms) else atoms


def _generators(index: np.ndarray) -> list[tuple[int, int]] | None:
    """(size, stride), outer to inner, strides being 0 or positive; None where there are none."""
    atoms: list[tuple[int, int]] = []
    expected = np.asarray(index.flat[0])
    for axis in range(index.ndim):
        corner = (0,) * axis + (slice(None),) + (0,) * (index.ndim - axis - 1)
        line = index[corner] - index.flat[0]
        found = _runs(line)
        if found is None:
            return None
        atoms += found
        expected = expected[..., None] + line
    if any(stride < 0 for _, stride in atoms) or not np.array_equal(expected, index):
        return None
    return _joined(atoms)


def _runs(line: np.ndarray) -> list[tuple[int, int]] | None:
    """The nested strides of offsets along one axis."""
    if len(line) == 1:
        return []
    stride = int(line[1])
    regular = line == np.arange(len(line)) * stride
    count = len(line) if regular.all() else int(np.argmin(regular))
    if len(line) % count or not np.array_equal(
        line.reshape(-1, count), line[::count, None] + line[:count]
    ):
        return None
    outer = _runs(line[::count])
    return None if outer is None else [*outer, (count, stride)]


def _joined(atoms: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbours that continue each other as one."""
    merged: list[tuple[int, int]] = []
    for size, stride in atoms:
        if merged and merged[-1][1] == size * stride:
            merged[-1] = (merged[-1][0] * size, stride)
        else:
            merged.append((size, stride))
    return merged


def _extents(total: int, atoms: list[tuple[int, int]]) -> tuple[int, ...] | None:
    """Sizes of the source axes that have the strides of ``atoms`` (descending)."""
    extents: list[int] = []
    outer = total
    for size, stride in atoms:
        if outer % stride or outer // stride < size:
            return None
        extents.append(outer // stride)
        outer = stride
    return (*extents, outer) if outer > 1 else tuple(extents)
