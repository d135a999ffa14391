"""Operators that select or surround parts of a tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.limits import excessive
from edgecomp.frontend.registry import converts

_PAD_MODES = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


@converts("Slice")
def slice_(call: Call) -> Operand:
    """Slice; an axis read backwards becomes a gather."""
    x = call.operand(0)
    ranges = [range(size) for size in x.shape]
    backwards: dict[int, range] = {}
    for axis, start, stop, step in _bounds(call):
        chosen = range(x.shape[axis])[start:stop:step]
        if step < 0:
            backwards[axis] = chosen
        else:
            ranges[axis] = chosen
    result = part(call, x, ranges)
    for axis, chosen in backwards.items():
        result = call.gather(result, np.array(chosen, np.int64), axis)
    return result


def _bounds(call: Call) -> list[tuple[int, int, int, int]]:
    rank = len(call.shape(0))
    starts, stops = call.numbers(1, "starts"), call.numbers(2, "ends")
    axes = call.numbers(3, "axes") if call.has(3) else list(range(len(starts)))
    steps = call.numbers(4, "steps") if call.has(4) else [1] * len(starts)
    if not len(starts) == len(stops) == len(axes) == len(steps) or 0 in steps:
        raise EdgecompError("starts, ends, axes and steps do not fit each other")
    axes = [call.axis(axis, rank) for axis in axes]
    return list(zip(axes, starts, stops, steps, strict=True))


def part(call: Call, x: Operand, ranges: Sequence[range]) -> Operand:
    """``x`` restricted to one range of indices per axis; a constant where nothing is left."""
    if any(len(r) == 0 for r in ranges):
        return np.empty([len(r) for r in ranges], np.float32)
    if all(len(r) == size for r, size in zip(ranges, x.shape, strict=True)):
        return x
    starts = tuple(r.start for r in ranges)
    stops = tuple(r[-1] + 1 for r in ranges)
    steps = tuple(r.step if len(r) > 1 else 1 for r in ranges)
    return call.emit("slice", x, starts=starts, stops=stops, steps=steps)


@converts("Split")
def split(call: Call) -> list[Operand]:
    """Split into slices: sizes given as operand, or parts of equal size (the last smaller)."""
    x = call.operand(0)
    axis = call.axis(call.integer("axis", 0), len(x.shape))
    count = len(call.node.output)
    if call.has(1):
        sizes = call.numbers(1, "list of sizes")
    else:
        each = -(-x.shape[axis] // call.integer("num_outputs", count))
        sizes = [min(each, x.shape[axis] - i * each) for i in range(count)]
    if sum(sizes) != x.shape[axis] or len(sizes) != count or min(sizes) < 0:
        raise EdgecompError(f"parts of {sizes} do not make up {x.shape[axis]} elements")
    results = []
    for index, size in enumerate(sizes):
        ranges = [range(s) for s in x.shape]
        ranges[axis] = range(sum(sizes[:index]), sum(sizes[:index]) + size)
        results.append(part(call, x, ranges))
    return results


@converts("Gather")
def gather(call: Call) -> Operand:
    """Gather with constant indices."""
    x = call.operand(0)
    axis = call.axis(call.integer("axis", 0), len(x.shape))
    indices = call.array(1, "indices")
    run = _as_range(indices, x.shape[axis])
    if run is None:
        return call.gather(x, indices, axis)
    ranges = [range(s) for s in x.shape]
    ranges[axis] = run
    chosen = part(call, x, ranges)
    return call.reshape(chosen, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def _as_range(indices: np.ndarray, size: int) -> range | None:
    """The indices as a rising regular range inside of an axis of ``size``; None otherwise."""
    flat = [int(i) + size if i < 0 else int(i) for i in indices.reshape(-1)]
    if not flat or min(flat) < 0 or max(flat) >= size:
        return None
    step = flat[1] - flat[0] if len(flat) > 1 else 1
    if step < 1 or any(b - a != step for a, b in pairwise(flat)):
        return None
    return range(flat[0], flat[-1] + 1, step)


@converts("GatherND")
def gather_nd(call: Call) -> Operand:
    """GatherND with constant indices: a gather from the merged leading axes."""
    x, indices = call.operand(0), call.array(1, "indices").astype(np.int64)
    if call.integer("batch_dims", 0):
        raise Unsupported("batch_dims is not 0", "use Gather")
    depth = indices.shape[-1] if indices.ndim else 0
    if not 1 <= depth <= len(x.shape):
        raise EdgecompError(f"indices of shape {indices.shape} do not fit {tuple(x.shape)}")
    leading = np.array(x.shape[:depth])
    if (indices < -leading).any() or (indices >= leading).any():
        raise EdgecompError(f"an index is outside of a tensor of shape {tuple(x.shape)}")
    counted = np.where(indices < 0, indices + leading, indices)
    flat = np.ravel_multi_index(tuple(np.moveaxis(counted, -1, 0)), tuple(leading))
    merged = call.reshape(x, (math.prod(x.shape[:depth]), *x.shape[depth:]))
    return call.gather(merged, np.asarray(flat), 0)


@converts("Pad")
def pad(call: Call) -> Operand:
    """Pad; a mirrored or repeated border is a gather, a negative pad a slice."""
    x, mode = call.operand(0), call.text("mode", "constant")
    begins, ends = _pad_widths(call)
    kept = [
        range(max(0, -b), s - max(0, -e)) for s, b, e in zip(x.shape, begins, ends, strict=True)
    ]
    x = part(call, x, kept)
    begins, ends = [max(0, b) for b in begins], [max(0, e) for e in ends]
    if not any((*begins, *ends)):
        return x
    if mode == "constant":
        value = float(call.array(2, "value").reshape(())) if call.has(2) else 0.0
        return call.emit("pad", x, pads=(*begins, *ends), value=value)
    if mode not in _PAD_MODES:
        raise Unsupported(f"mode is {mode!r}", "use constant, reflect or edge")
    for axis, widths in enumerate(zip(begins, ends, strict=True)):
        if any(widths):
            indices = np.pad(np.arange(x.shape[axis]), widths, mode=_PAD_MODES[mode])  # type: ignore[call-overload]
            x = call.gather(x, indices, axis)
    return x


def _pad_widths(call: Call) -> tuple[list[int], list[int]]:
    rank = len(call.shape(0))
    pads = call.numbers(1, "pads")
    axes = call.numbers(3, "axes") if call.has(3) else list(range(rank))
    if len(pads) != 2 * len(axes):
        raise EdgecompError(f"{len(pads)} pads do not fit {len(axes)} axes")
    begins, ends = [0] * rank, [0] * rank
    for index, axis in enumerate(axes):
        begins[call.axis(axis, rank)] = pads[index]
        ends[call.axis(axis, rank)] = pads[index + len(axes)]
    sizes = [s + b + e for s, b, e in zip(call.shape(0), begins, ends, strict=True)]
    if excessive(sizes):
        raise EdgecompError(f"pads {pads} make a tensor of shape {sizes}")
    return begins, ends


@converts("Trilu")
def trilu(call: Call) -> Operand:
    """Trilu: a product with a triangle of ones."""
    x = call.operand(0)
    diagonal = call.numbers(1, "diagonal")[0] if call.has(1) else 0
    ones = np.ones(tuple(x.shape[-2:]), np.float32)
    triangle = np.triu(ones, diagonal) if call.integer("upper", 1) else np.tril(ones, diagonal)
    return call.emit("mul", x, triangle)
