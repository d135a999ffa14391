"""Resize: along every axis a constant linear map."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.converters.reductions import along_axis
from edgecomp.frontend.limits import MAX_ELEMENTS
from edgecomp.frontend.registry import converts

_ROUNDING: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


@dataclass(frozen=True)
class _Axis:
    """One resized axis: sizes before and after, and the scale that maps coordinates."""

    axis: int
    before: int
    after: int
    scale: float

    def coordinates(self, mode: str) -> np.ndarray:
        """Where in the input each element of the output lies, float64 [after]."""
        x = np.arange(self.after, dtype=np.float64)
        if mode == "half_pixel":
            return (x + 0.5) / self.scale - 0.5
        if mode == "pytorch_half_pixel":
            return (x + 0.5) / self.scale - 0.5 if self.after > 1 else np.zeros(1)
        if mode == "half_pixel_symmetric":
            centre = self.before / 2 * (1 - self.after / (self.before * self.scale))
            return centre + (x + 0.5) / self.scale - 0.5
        if mode == "align_corners":
            return x * (self.before - 1) / (self.after - 1) if self.after > 1 else np.zeros(1)
        if mode == "asymmetric":
            return x / self.scale
        raise Unsupported(f"coordinates are {mode!r}", "use half_pixel or align_corners")


@converts("Resize")
def resize(call: Call) -> Operand:
    """Resize, linear or nearest, in every coordinate mode but tf_crop_and_resize."""
    method = call.text("mode", "nearest")
    if method not in ("linear", "nearest"):
        raise Unsupported(f"mode is {method!r}", "use linear or nearest interpolation")
    if call.integer("antialias", 0):
        raise Unsupported("it filters against aliasing", "use antialias=False")
    coordinates = call.text("coordinate_transformation_mode", "half_pixel")
    result = call.operand(0)
    for axis in _axes(call):
        if axis.after != axis.before or axis.scale != 1.0:
            places = axis.coordinates(coordinates)
            apply = _linear if method == "linear" else _nearest
            result = apply(call, result, axis, places)
    return result


def _axes(call: Call) -> list[_Axis]:
    """The axes that are resized, with sizes from the operands scales or sizes."""
    shape = call.shape(0)
    axes = [call.axis(a, len(shape)) for a in call.integers("axes", range(len(shape)))]
    if call.has(3) and call.array(3, "sizes").size:
        if call.text("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise Unsupported("it keeps the aspect ratio", "state the sizes")
        sizes = call.numbers(3, "sizes")
        scales = [after / shape[a] for a, after in zip(axes, sizes, strict=True)]
    else:
        scales = [float(s) for s in call.array(2, "scales").reshape(-1)]
        pairs = zip(axes, scales, strict=True)
        sizes = [math.floor(shape[a] * scale) for a, scale in pairs]
    if any(size < 1 or size * shape[a] > MAX_ELEMENTS for a, size in zip(axes, sizes, strict=True)):
        raise EdgecompError(f"{shape} cannot be resized to {sizes}")
    return [_Axis(a, shape[a], n, s) for a, n, s in zip(axes, sizes, scales, strict=True)]


def _linear(call: Call, x: Operand, axis: _Axis, places: np.ndarray) -> Operand:
    """Two neighbours per element; the border is repeated."""
    clipped = np.clip(places, 0.0, axis.before - 1)
    below = np.floor(clipped).astype(np.int64)
    above = np.minimum(below + 1, axis.before - 1)
    fraction = clipped - below
    matrix = np.zeros((axis.before, axis.after), np.float32)
    columns = np.arange(axis.after)
    np.add.at(matrix, (below, columns), 1.0 - fraction)
    np.add.at(matrix, (above, columns), fraction)
    return along_axis(call, x, axis.axis, matrix)


def _nearest(call: Call, x: Operand, axis: _Axis, places: np.ndarray) -> Operand:
    """One neighbour per element."""
    mode = call.text("nearest_mode", "round_prefer_floor")
    if mode not in _ROUNDING:
        raise EdgecompError(f"nearest_mode {mode!r} does not exist")
    indices = np.clip(_ROUNDING[mode](places), 0, axis.before - 1).astype(np.int64)
    return call.gather(x, indices, axis.axis)
