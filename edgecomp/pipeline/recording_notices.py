"""What a user should know of a recording before trusting what is computed from it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from edgecomp.ir import Graph

CLIPPED = 0.01
"""A larger part of the values beyond the network's range than calibration itself gives up."""

_LISTED = 8


def silence(windows: Mapping[str, np.ndarray]) -> list[str]:
    """Notices on windows, and on channels of all windows, that hold one value only.

    ``windows``: input name -> [windows, *shape]. Channels are those of [channels, samples] alone.
    """
    notices = []
    for name, array in windows.items():
        if array[0].size < 2:
            continue
        values = array.reshape(array.shape[0], -1)
        empty = int((values == values[:, :1]).all(axis=1).sum())
        if empty:
            notices.append(
                f"{empty} of {len(values)} calibration windows for {name} hold one value only: "
                "ranges and accuracy come from a signal that is none"
            )
        if array[0].ndim < 2 or array[0].size > math.prod(array.shape[-2:]):  # an image, or patches
            continue
        channels = array.reshape(array.shape[0], *array.shape[-2:])
        constant = (channels == channels[:1, :, :1]).all(axis=(0, 2))
        if channels.shape[-1] > 1 and constant.any() and not constant.all():
            notices.append(
                f"{_listed(np.flatnonzero(constant) + 1)} of {name}, of {constant.size}, "
                "never changes in the calibration windows: an electrode that was off?"
            )
    return notices


def clipped(graph: Graph, windows: Mapping[str, np.ndarray]) -> list[str]:
    """Notices on inputs of the integer ``graph`` whose ``windows`` go beyond its range."""
    notices = []
    for value in graph.inputs:
        if value.type.quantization is None:
            continue
        ends = np.array(value.type.dtype.bounds)
        low, high = value.type.quantization.dequantize(ends).tolist()
        margin = value.type.scale_or_one / 2
        array = windows[value.name]
        beyond = float(np.mean((array < low - margin) | (array > high + margin)))
        if beyond > CLIPPED:
            notices.append(
                f"{beyond:.1%} of the values for {value.name} are clipped to {low:.4g} ... "
                f"{high:.4g}, the range of the calibration windows: calibrate on recordings "
                "like this one, in the same unit"
            )
    return notices


def _listed(channels: np.ndarray) -> str:
    numbers = ", ".join(map(str, channels[:_LISTED])) + (" ..." if len(channels) > _LISTED else "")
    return f"channel{'s' if len(channels) > 1 else ''} {numbers}"
