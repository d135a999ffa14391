"""Cases of kernels that few encoders use, among them what `xpulp` leaves to the reference."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.kernels.case import (
    DTYPES,
    I8,
    I16,
    NAMES,
    Case,
    Scalars,
    evaluate,
    integers,
    strided,
)
from edgecomp.ir import DType, TensorType, Value
from edgecomp.ir.fixed_point import exponential_table, softmax_parameters
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.layers.convolution_rows import charged_bytes as row_bytes
from edgecomp.tiling.layers.depthwise import charged_bytes, charged_outputs, shifted


def matmul(rows: int, columns: int, depth: int) -> Case:
    """Two activations, the right one packed and the terms of zero points computed."""
    a, b = integers((rows, depth), np.int8), integers((columns, depth), np.int8)
    zero_a, zero_b = 3, -5
    fixed = {"multiplier": 200, "bias": 4567, "shift": 12, "pre_shift": 4}
    zeros = {"zero_a": zero_a, "zero_b": zero_b}
    expected = evaluate("q_matmul", [a, b], **fixed, **zeros, transpose_b=True, dtype="i8")
    y = np.zeros((rows, columns), np.int8)
    constant = depth * zero_a * zero_b + 8
    packed = np.pad(b, ((0, 0), (0, -depth % 4)))
    arrays = {"a": a, "b": packed, "y": y}
    arrays["row_terms"] = (-zero_b * a.sum(-1, dtype=np.int32)).astype(np.int32)
    arrays["column_terms"] = (constant - zero_a * b.sum(-1, dtype=np.int32)).astype(np.int32)
    scalars: Scalars = {"rows": rows, "columns": columns, "depth": depth, "y_type": I8}
    scalars |= fixed | strided(a=a, b=packed, y=y)
    shape = f"a[{rows},{depth}] b[{columns},{depth}]"
    return Case("matmul", shape, arrays, scalars, "y", expected, a.size * columns, "MAC/cycle")


def matmul_terms(rows: int, depth: int) -> Case:
    """Sums of rows."""
    x, terms = integers((rows, depth), np.int8), np.zeros(rows, np.int32)
    scalars: Scalars = {"rows": rows, "depth": depth, "x_stride": depth}
    scalars |= {"factor": -5, "offset": 77}
    expected = 77 - 5 * x.sum(-1, dtype=np.int32)
    arrays = {"x": x, "terms": terms}
    return Case("matmul_terms", f"[{rows},{depth}]", arrays, scalars, "terms", expected, x.size)


def matmul_pack(depth: int, columns: int) -> Case:
    """Rows of the depth to rows of the columns."""
    b = integers((depth, columns), np.int8)
    expected = np.pad(b.T, ((0, 0), (0, -depth % 4)))
    arrays = {"b": b, "y": np.zeros(expected.shape, np.int8)}
    scalars: Scalars = {"columns": columns, "depth": depth, "transpose_b": 0, **strided(**arrays)}
    shape = f"[{depth},{columns}]"
    return Case("matmul_pack", shape, arrays, scalars, "y", expected, expected.size)


def mul(rows: int, columns: int, x_type: int) -> Case:
    """Two activations of one shape."""
    a, b = (integers((rows, columns), DTYPES[x_type]) for _ in range(2))
    fixed = {"zero_a": 1, "zero_b": -1, "multiplier": 1, "bias": 5, "shift": 9}
    expected = evaluate("q_mul", [a, b], **fixed, dtype="i8")
    scalars: Scalars = {"size": (1, 1, rows, columns), **fixed}
    scalars |= {f"{name}_stride": (0, 0, columns, 1) for name in "aby"}
    scalars |= {"a_type": x_type, "b_type": x_type, "y_type": I8}
    arrays = {"a": a, "b": b, "y": np.zeros((rows, columns), np.int8)}
    shape = f"[{rows},{columns}] {NAMES[x_type]}"
    return Case("mul", shape, arrays, scalars, "y", expected, a.size)


def softmax(rows: int, columns: int) -> Case:
    """Rows of 8-bit scores."""
    x, table = integers((rows, columns), np.int8), exponential_table()
    limit, multiplier, shift = softmax_parameters(0.05)
    score = {"score_multiplier": multiplier, "score_shift": shift}
    output = {"multiplier": 256, "bias": 1 << 15, "shift": 16}
    expected = evaluate(
        "q_softmax", [x, table], score_limit=limit, **score, **output, zero=-128, dtype="i8"
    )
    scalars: Scalars = {"rows": rows, "columns": columns, "x_stride": columns, "y_stride": columns}
    scalars |= {"limit": limit, **score, **output, "x_type": I8, "y_type": I8}
    arrays = {"x": x, "exp_table": table, "y": np.zeros((rows, columns), np.int8)}
    return Case("softmax", f"[{rows},{columns}]", arrays, scalars, "y", expected, x.size)


def _reduction(kept: int, reduced: int, inner: bool) -> tuple[tuple[int, int], Scalars]:
    """The shape, and what the kernel is told of it, for the last axis (``inner``) or the first."""
    steps = (reduced, 1) if inner else (1, kept)
    return (kept, reduced) if inner else (reduced, kept), {
        "kept": (1, 1, 1, kept),
        "reduced": (1, 1, 1, reduced),
        "x_kept_stride": (0, 0, 0, steps[0]),
        "x_reduced_stride": (0, 0, 0, steps[1]),
        "y_stride": (0, 0, 0, 1),
    }


def reduce(kept: int, reduced: int, inner: bool, x_type: int) -> Case:
    """A mean over the last axis (``inner``) or over the first."""
    shape, scalars = _reduction(kept, reduced, inner)
    x = integers(shape, DTYPES[x_type])
    fixed = {"multiplier": 50, "bias": 4321, "shift": 12, "pre_shift": 0}
    axis = 1 if inner else 0
    attributes = {"function": "mean", "axes": (axis,), "keep": False, "dtype": "i16"}
    if x_type == I16:
        fixed |= {"pre_shift": 4, "shift": 8}
    expected = evaluate("q_reduce", [x], **attributes, **fixed)
    scalars |= {**fixed, "reduction": 0, "x_type": x_type, "y_type": I16}
    arrays = {"x": x, "y": np.zeros(kept, np.int16)}
    text = f"[{shape[0]},{shape[1]}] {NAMES[x_type]} over axis {axis}"
    rate = "reduce" if inner else "reduce_across"
    return Case(
        "reduce", text, arrays, scalars, "y", expected, x.size, rate=rate, charged_rows=kept
    )


def norm(kept: int, reduced: int, inner: bool) -> Case:
    """Over the last axis (``inner``) or over the first."""
    shape, scalars = _reduction(kept, reduced, inner)
    x = integers(shape, np.int8)
    fixed = {"zero_x": -5, "fraction": 3, "multiplier": 50, "bias": 4321, "shift": 12}
    expected = evaluate("q_norm", [x], axes=(int(inner),), keep=False, dtype="i8", **fixed)
    scalars |= {**fixed, "x_type": I8, "y_type": I8}
    arrays = {"x": x, "y": np.zeros(kept, np.int8)}
    text = f"[{shape[0]},{shape[1]}] over axis {int(inner)}"
    rate = "norm" if inner else "norm_across"
    return Case("norm", text, arrays, scalars, "y", expected, x.size, rate=rate, charged_rows=kept)


def _image(height: int, width: int, channels: int) -> tuple[np.ndarray, Scalars]:
    x = integers((1, height, width, channels), np.int8)
    scalars: Scalars = {"height": height, "width": width, "channels": channels}
    return x, scalars | {"x_row_stride": width * channels, "x_pixel_stride": channels}


def _result(y: np.ndarray) -> Scalars:
    height, width, channels = y.shape
    scalars: Scalars = {"out_height": height, "out_width": width, "y_type": I8}
    return scalars | {"y_row_stride": width * channels, "y_pixel_stride": channels}


def conv(
    image: tuple[int, int, int], out: int, kernel: tuple[int, int], stride: int, groups: int = 1
) -> Case:
    """Without padding; ``image`` is (height, width, channels), ``stride`` along the width."""
    x, scalars = _image(*image)
    w = integers((out, *kernel, image[2] // groups), np.int8)
    m = np.full(out, 3, np.int32)
    b = np.full(out, 1 << 10, np.int32)
    attributes = {"strides": (1, stride), "pads": (0,) * 4, "dilations": (1, 1), "zero_x": 0}
    expected = evaluate("q_conv", [x, w, m, b], **attributes, groups=groups, shift=11, dtype="i8")[
        0
    ]
    scalars |= _result(expected) | {"out_channels": out, "groups": groups, "shift": 11}
    scalars |= {"kernel_h": kernel[0], "kernel_w": kernel[1], "dilation_h": 1, "dilation_w": 1}
    scalars |= {"stride_h": 1, "stride_w": stride}
    y = np.zeros(expected.shape, np.int8)
    arrays = {"x": x[0].copy(), "w": w, "multiplier": m, "bias": b, "y": y}
    macs = expected.size * math.prod(w.shape[1:])
    shape = f"x{list(image)} w{list(w.shape)} stride {stride}"
    return Case("conv", shape, arrays, scalars, "y", expected, macs, "MAC/cycle")


def conv_rows(
    image: tuple[int, int, int], kernel: tuple[int, int], stride: tuple[int, int]
) -> Case:
    """Windows as rows, without padding."""
    x, scalars = _image(*image)
    windows = sliding_window_view(x[0], kernel, (0, 1))[:: stride[0], :: stride[1]]
    height, width = windows.shape[:2]
    taps = math.prod(kernel) * image[2]
    rows = windows.transpose(0, 1, 3, 4, 2).reshape(height * width, taps)
    expected = np.pad(rows, ((0, 0), (0, -taps % 4)))
    scalars |= {"out_height": height, "out_width": width, "y_stride": expected.shape[1]}
    scalars |= {"kernel_h": kernel[0], "kernel_w": kernel[1], "dilation_h": 1, "dilation_w": 1}
    scalars |= {"stride_h": stride[0], "stride_w": stride[1]}
    arrays = {"x": x[0].copy(), "y": np.zeros_like(expected)}
    work = int(row_bytes(len(expected), expected.shape[1], kernel[0]).evaluate({}))
    shape = f"x{list(image)} kernel {list(kernel)} stride {list(stride)}"
    return Case("conv_rows", shape, arrays, scalars, "y", expected, work)


def depthwise(
    image: tuple[int, int, int], kernel: tuple[int, int], stride: tuple[int, int]
) -> Iterator[Case]:
    """Both calls on an image that has its padding already."""
    height, width, channels = image
    x = integers((1, *image), np.int8)
    w = integers((channels, *kernel, 1), np.int8)
    m, b = np.full(channels, 3, np.int32), np.full(channels, 1 << 10, np.int32)
    attributes = {"strides": stride, "pads": (0,) * 4, "dilations": (1, 1), "zero_x": 0}
    fixed = {"groups": channels, "shift": 9, "dtype": "i8"}
    expected = evaluate("q_conv", [x, w, m, b], **attributes, **fixed)[0]
    weights = shifted(Value("w", TensorType(w.shape, DType.I8), w), kernel[0], stride[1]).array
    columns = (expected.shape[1] - 1) // 4 * 4 * stride[1] + 4 * weights.shape[2]
    plane, pitch = height * columns, height * columns // 8 * 8 + 4
    moved = np.pad(x[0], ((0, 0), (0, max(columns - width, 0)), (0, 0)))[:, :columns]
    planes = np.zeros((channels, pitch), np.int8)
    planes[:, :plane] = moved.transpose(2, 0, 1).reshape(channels, plane)
    shape = f"x{list(image)} kernel {list(kernel)} stride {list(stride)}"
    scalars: Scalars = {"height": height, "width": width, "channels": channels}
    scalars |= {"x_row_stride": width * channels, "x_pixel_stride": channels}
    scalars |= {"rows": height, "columns": columns, "y_plane_stride": pitch}
    arrays = {"x": x[0].copy(), "y": np.zeros_like(planes)}
    work = int(charged_bytes(height, columns, channels).evaluate({}))
    yield Case("depthwise_planes", shape, arrays, scalars, "y", planes, work)
    scalars = _result(expected) | {"out_channels": channels, "multiple": 1, "shift": 9}
    scalars |= {"x_plane_stride": pitch, "x_row_stride": columns, "dilation_h": 1}
    scalars |= {"kernel_h": kernel[0], "words": weights.shape[2]}
    scalars |= {"stride_h": stride[0], "stride_w": stride[1]}
    y = np.zeros(expected.shape, np.int8)
    arrays = {"x": planes, "w": weights, "multiplier": m, "bias": b, "y": y}
    outputs, charged = (int(wrap(n).evaluate({})) for n in charged_outputs(*expected.shape))
    macs = outputs * weights[0].size // 4
    yield Case(
        "depthwise", shape, arrays, scalars, "y", expected, macs, "MAC/cycle", charged=charged
    )


def pool(image: tuple[int, int, int], kernel: tuple[int, int], function: str) -> Case:
    """Windows that touch, without padding."""
    x, scalars = _image(*image)
    fixed = {"multiplier": 256 // math.prod(kernel), "bias": 128, "shift": 8, "pre_shift": 0}
    attributes = {"strides": kernel, "pads": (0,) * 4, "zero_x": 0, "kernel": kernel}
    expected = evaluate("q_pool", [x], function=function, **attributes, **fixed, dtype="i8")[0]
    scalars |= _result(expected) | fixed | {"reduction": 1 if function == "max" else 0}
    scalars |= {"kernel_h": kernel[0], "kernel_w": kernel[1]}
    scalars |= {"stride_h": kernel[0], "stride_w": kernel[1]}
    arrays = {"x": x[0].copy(), "y": np.zeros(expected.shape, np.int8)}
    read = expected.size * math.prod(kernel)
    shape = f"x{list(image)} {kernel[0]}x{kernel[1]} {function}"
    return Case("pool", shape, arrays, scalars, "y", expected, read)


def fallback_cases() -> Iterator[Case]:
    """Small and large tiles of each."""
    for rows, columns, depth in [
        (64, 64, 64),
        (32, 80, 64),
        (16, 64, 192),
        (48, 88, 256),
        (64, 64, 400),
        (64, 16, 32),
        (30, 22, 64),
        (37, 66, 37),
        (8, 8, 8),
    ]:
        yield matmul(rows, columns, depth)
    for rows, depth in [(64, 64), (48, 256), (88, 256), (16, 192), (64, 32), (8, 8)]:
        yield matmul_terms(rows, depth)
    for depth, columns in [
        (64, 64),
        (256, 88),
        (192, 64),
        (64, 22),
        (37, 66),
        (32, 16),
        (8, 8),
    ]:
        yield matmul_pack(depth, columns)
    for rows, columns in [(64, 192), (16, 192), (32, 64), (8, 32)]:
        for x_type in (I8, I16):
            yield mul(rows, columns, x_type)
    for rows, columns in [(64, 80), (16, 400), (8, 64), (128, 32)]:
        yield softmax(rows, columns)
    for kept, reduced in [(192, 80), (64, 400), (8, 192), (192, 8), (8, 16), (5000, 2)]:
        for inner in (True, False):
            for x_type in (I8, I16):
                yield reduce(kept, reduced, inner, x_type)
    for kept, reduced in [(5000, 2), (101, 2), (400, 8), (64, 200)]:
        for inner in (True, False):
            yield norm(kept, reduced, inner)
    yield conv((1, 200, 8), 64, (1, 10), 10)
    yield conv((8, 64, 16), 16, (3, 3), 1)
    yield conv((4, 32, 64), 32, (1, 3), 1)
    yield conv((16, 16, 32), 32, (1, 1), 1)
    yield conv((2, 32, 8), 8, (1, 3), 1)
    yield conv((1, 16, 8), 8, (1, 1), 1)
    yield conv((8, 64, 32), 32, (1, 5), 1, groups=32)
    yield conv((1, 200, 16), 16, (1, 25), 1, groups=16)
    for image, kernel, strides in [
        ((1, 206, 64), (1, 7), (1, 1)),
        ((1, 114, 96), (1, 15), (1, 1)),
        ((1, 263, 16), (1, 64), (1, 1)),
        ((1, 215, 16), (1, 16), (1, 1)),
        ((1, 204, 32), (1, 5), (1, 1)),
        ((18, 18, 32), (3, 3), (1, 1)),
        ((17, 17, 32), (3, 3), (2, 2)),
        ((16, 16, 32), (5, 5), (1, 1)),
        ((14, 14, 32), (7, 7), (1, 1)),
        ((1, 200, 16), (1, 25), (1, 1)),
        ((9, 9, 64), (3, 3), (1, 1)),
        ((1, 24, 16), (1, 9), (1, 1)),
    ]:
        yield from depthwise(image, kernel, strides)
    for image, kernel, strides in [
        ((1, 131, 12), (1, 32), (1, 1)),
        ((19, 64, 3), (7, 7), (2, 2)),
        ((1, 400, 1), (1, 64), (1, 1)),
        ((1, 800, 1), (1, 10), (1, 1)),
        ((10, 34, 16), (3, 3), (1, 1)),
        ((1, 102, 64), (1, 3), (1, 1)),
        ((9, 33, 6), (3, 3), (2, 2)),
    ]:
        yield conv_rows(image, kernel, strides)
    for function in ("max", "average"):
        yield pool((8, 64, 32), (1, 2), function)
        yield pool((16, 32, 16), (2, 2), function)
        yield pool((1, 200, 32), (1, 4), function)
        yield pool((8, 16, 8), (2, 4), function)
        yield pool((1, 16, 8), (1, 2), function)
