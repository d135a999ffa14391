"""Convolution and pooling."""

from __future__ import annotations

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.registry import converts

_POOLS = {"MaxPool": "max", "AveragePool": "average"}
_GLOBAL = {"GlobalAveragePool": "mean", "GlobalMaxPool": "max"}


@converts("Conv")
def conv(call: Call) -> Operand:
    """Conv over one or two spatial axes; a missing bias is zero."""
    x, w = call.operand(0), call.operand(1)
    spatial = len(x.shape) - 2
    if spatial not in (1, 2):
        raise Unsupported(f"it has {spatial} spatial axes", "use one or two")
    if len(w.shape) != spatial + 2:
        raise EdgecompError(f"weights of shape {tuple(w.shape)} do not fit {tuple(x.shape)}")
    kernel = tuple(w.shape[2:])
    if call.integers("kernel_shape", kernel) != kernel:
        raise EdgecompError(f"kernel_shape does not agree with weights of shape {tuple(w.shape)}")
    strides = call.integers("strides", (1,) * spatial)
    dilations = call.integers("dilations", (1,) * spatial)
    bias = call.operand(2) if call.has(2) else np.zeros(w.shape[0], np.float32)
    return call.emit(
        "conv",
        x,
        w,
        bias,
        strides=strides,
        dilations=dilations,
        pads=_pads(call, x.shape[2:], kernel, strides, dilations),
        groups=call.integer("group", 1),
    )


@converts(*_POOLS)
def pool(call: Call) -> Operand:
    """MaxPool and AveragePool; windows that ceil_mode adds see a border that never counts."""
    call.only_first_result()
    x = call.operand(0)
    kernel = call.integers("kernel_shape")
    ones = (1,) * len(kernel)
    if len(x.shape) != len(kernel) + 2:
        raise EdgecompError(f"kernel_shape {kernel} does not fit {tuple(x.shape)}")
    if call.integers("dilations", ones) != ones:
        raise Unsupported("its windows are dilated", "use dilation 1")
    if call.integer("storage_order", 0):
        raise Unsupported("storage_order is column major", "use storage_order 0")
    strides = call.integers("strides", ones)
    pads = _pads(call, x.shape[2:], kernel, strides, ones)
    extra = _ceil_extra(call, x.shape[2:], kernel, strides, pads)
    count_pads = bool(call.integer("count_include_pad", 0)) and call.op == "AveragePool"
    if count_pads and any(extra):
        x = call.emit("pad", x, pads=_outer(pads), value=0.0)
        pads, count_pads = (0,) * len(pads), False
    ends = tuple(a + b for a, b in zip(pads[len(kernel) :], extra, strict=True))
    return call.emit(
        "pool",
        x,
        function=_POOLS[call.op],
        kernel=kernel,
        strides=strides,
        pads=(*pads[: len(kernel)], *ends),
        count_include_pad=count_pads,
    )


@converts(*_GLOBAL)
def global_pool(call: Call) -> Operand:
    """GlobalAveragePool and GlobalMaxPool: reductions over the spatial axes."""
    axes = tuple(range(2, len(call.shape(0))))
    return call.emit("reduce", call.operand(0), function=_GLOBAL[call.op], axes=axes, keep=True)


def _outer(pads: tuple[int, ...]) -> tuple[int, ...]:
    """Spatial pads as pads of the whole tensor ``[N,C,*S]``."""
    half = len(pads) // 2
    return (0, 0, *pads[:half], 0, 0, *pads[half:])


def _pads(
    call: Call,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> tuple[int, ...]:
    """Explicit pads, or those that auto_pad stands for."""
    mode = call.text("auto_pad", "NOTSET")
    rank = len(sizes)
    if mode in ("NOTSET", ""):
        return call.integers("pads", (0,) * (2 * rank))
    if mode == "VALID":
        return (0,) * (2 * rank)
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise EdgecompError(f"auto_pad {mode!r} does not exist")
    begins, ends = [], []
    for size, k, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        covered = (-(-size // stride) - 1) * stride + dilation * (k - 1) + 1
        total = max(0, covered - size)
        small, large = total // 2, total - total // 2
        begins.append(small if mode == "SAME_UPPER" else large)
        ends.append(large if mode == "SAME_UPPER" else small)
    return (*begins, *ends)


def _ceil_extra(
    call: Call,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    pads: tuple[int, ...],
) -> tuple[int, ...]:
    """Border at the end that rounding up adds; a window that starts in it is dropped."""
    rank = len(sizes)
    if not call.integer("ceil_mode", 0) or call.text("auto_pad", "NOTSET") != "NOTSET":
        return (0,) * rank
    extra = []
    for axis in range(rank):
        padded = sizes[axis] + pads[axis] + pads[axis + rank]
        steps = -(-(padded - kernel[axis]) // strides[axis])
        if steps * strides[axis] >= sizes[axis] + pads[axis]:
            steps -= 1
        extra.append(max(0, steps * strides[axis] + kernel[axis] - padded))
    return tuple(extra)
