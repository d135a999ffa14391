"""Sliding windows, shared by the convolutions and poolings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.operator import OperandError, TooShort


def window_counts(
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
) -> tuple[int, ...]:
    """Count the window positions per axis; ``pads`` holds all begins, then all ends.

    ``OperandError`` where an attribute has the wrong length, ``TooShort`` where no window fits.
    """
    rank = len(sizes)
    lengths = (len(kernel), len(strides), len(dilations), len(pads) / 2)
    if any(length != rank for length in lengths):
        raise OperandError(f"kernel, strides, dilations and pads do not describe {rank} axes")
    if min((*kernel, *strides, *dilations), default=1) < 1 or min(pads, default=0) < 0:
        raise OperandError("kernel, strides and dilations must be positive, pads not negative")
    counts = []
    for axis, size in enumerate(sizes):
        room = size + pads[axis] + pads[axis + rank] - dilations[axis] * (kernel[axis] - 1) - 1
        if room < 0:
            raise TooShort(f"kernel {tuple(kernel)} exceeds the padded input {tuple(sizes)}")
        counts.append(room // strides[axis] + 1)
    return tuple(counts)


def pad_axes(x: np.ndarray, first: int, pads: Sequence[int], value: float = 0.0) -> np.ndarray:
    """``x`` with ``pads`` (begins, then ends) of ``value`` around the axes from ``first`` on."""
    rank = len(pads) // 2
    widths = [(0, 0)] * x.ndim
    for axis in range(rank):
        widths[first + axis] = (pads[axis], pads[axis + rank])
    return np.pad(x, widths, constant_values=value) if any(pads) else x


def windows(
    x: np.ndarray,
    first: int,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> np.ndarray:
    """View ``x`` as one window per position.

    The axes from ``first`` on become position axes; the axes of the kernel are appended.
    """
    axes = range(first, first + len(kernel))
    extents = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(x, extents, tuple(axes))
    index: list[slice] = [slice(None)] * view.ndim
    for axis, stride, dilation in zip(axes, strides, dilations, strict=True):
        index[axis] = slice(None, None, stride)
        index[x.ndim + axis - first] = slice(None, None, dilation)
    return view[tuple(index)]
