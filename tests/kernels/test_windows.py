"""ec_conv and ec_pool against q_conv and q_pool, and the definitions against plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.ir import DType, TensorType, Value
from edgecomp.tiling.layers.depthwise import shifted

CASES = {
    "pointwise": {"c": 6, "o": 5, "kernel": (1, 1)},
    "three by three": {"c": 4, "o": 3, "kernel": (3, 3), "pads": (1, 1, 1, 1)},
    "strided, uneven padding": {
        "c": 3,
        "o": 8,
        "kernel": (7, 5),
        "strides": (2, 3),
        "pads": (3, 0, 2, 4),
    },
    "dilated": {"c": 2, "o": 2, "kernel": (3, 3), "dilations": (2, 3), "pads": (2, 3, 2, 3)},
    "depthwise": {"c": 9, "o": 9, "groups": 9, "kernel": (3, 3), "pads": (1, 1, 1, 1)},
    "two groups": {"c": 6, "o": 4, "groups": 2, "kernel": (2, 3), "pads": (0, 1, 1, 1)},
    "one channel, one row": {"c": 1, "o": 7, "h": 1, "kernel": (1, 10), "strides": (1, 4)},
    "no multiple of a word": {"c": 5, "o": 10, "kernel": (3, 3), "pads": (1, 2, 1, 0)},
    "much padding, many outputs": {
        "c": 2,
        "o": 6,
        "h": 2,
        "kernel": (5, 5),
        "pads": (4, 4, 4, 4),
    },
    "padding beyond the image": {"c": 2, "o": 2, "h": 2, "kernel": (5, 5), "pads": (4, 4, 4, 4)},
}


def image_fields(
    kernels: Any, x: np.ndarray, y: Any, a: dict[str, Any], gap: int = 2
) -> dict[str, Any]:
    """Sizes and strides that convolution and pooling share; x [H, W, C], y a tile."""
    return {
        "x": kernels.tile(x, gap),
        "height": x.shape[0],
        "width": x.shape[1],
        "channels": x.shape[2],
        "x_pixel_stride": x.shape[2] + gap,
        "x_row_stride": x.shape[1] * (x.shape[2] + gap),
        "y": y,
        "out_height": y.shape[0],
        "out_width": y.shape[1],
        "y_pixel_stride": y.stride,
        "y_row_stride": y.shape[1] * y.stride,
        "stride_h": a["strides"][0],
        "stride_w": a["strides"][1],
        "pad_top": a["pads"][0],
        "pad_left": a["pads"][1],
        "zero_x": a["zero_x"],
        "shift": a["shift"],
        "y_type": "i8",
    }


def conv_attributes(case: dict[str, Any]) -> dict[str, Any]:
    defaults = {"strides": (1, 1), "pads": (0,) * 4, "dilations": (1, 1), "groups": 1}
    return defaults | {k: v for k, v in case.items() if k in defaults} | {"zero_x": -7}


def call_conv(
    kernels: Any, cores: int, x: Any, w: Any, m: Any, b: Any, y: Any, a: Any, gap: int = 2
) -> Any:
    kernels.call(
        "conv",
        cores,
        w=w,
        multiplier=m,
        bias=b,
        out_channels=len(w),
        kernel_h=w.shape[1],
        kernel_w=w.shape[2],
        dilation_h=a["dilations"][0],
        dilation_w=a["dilations"][1],
        groups=a["groups"],
        **image_fields(kernels, x, y, a, gap),
    )
    return y.read()


@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("name", CASES)
def test_conv(kernels: Any, name: str, cores: int, gap: int) -> None:
    """Every kind of window, bit for bit, on dense images and on parts of wider ones."""
    case = CASES[name]
    x = kernels.integers((1, case.get("h", 9), 11, case["c"]), np.int8)
    a = conv_attributes(case)
    w = kernels.integers((case["o"], *case["kernel"], case["c"] // a["groups"]), np.int8)
    m, b, a["shift"] = kernels.requantization(w[0].size * 128 * 128, case["o"], 8)
    expected = kernels.evaluate("q_conv", [x, w, m, b], **a, dtype="i8")[0]
    y = kernels.output(expected.shape, np.int8, 1)
    result = call_conv(kernels, cores, x[0], w, m, b, y, a, gap)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("name", CASES)
def test_conv_rows(kernels: Any, name: str, cores: int, gap: int) -> None:
    """Rows are the windows, padding included, and zeros up to whole words."""
    case = CASES[name]
    x = kernels.integers((1, case.get("h", 9), 11, case["c"]), np.int8)
    a = conv_attributes(case) | {"groups": 1, "shift": 0}
    taps = case["c"] * case["kernel"][0] * case["kernel"][1]
    # every output channel has a weight of 1 at one tap, so that the convolution is the rows
    w = np.eye(taps, dtype=np.int8).reshape(taps, *case["kernel"], case["c"])
    m, b = np.ones(taps, np.int32), np.zeros(taps, np.int32)
    windows = kernels.evaluate("q_conv", [x, w, m, b], **a, dtype="i8")[0]
    expected = np.pad(windows.reshape(-1, taps), ((0, 0), (0, -taps % 4)))
    image = image_fields(kernels, x[0], kernels.output(windows.shape, np.int8), a, gap)
    names = ("x", "height", "width", "channels", "x_row_stride", "x_pixel_stride", "pad_top")
    names += ("out_height", "out_width", "stride_h", "stride_w", "pad_left", "zero_x")
    fields = {name: image[name] for name in names}
    fields |= {"kernel_h": w.shape[1], "kernel_w": w.shape[2]}
    fields |= {"dilation_h": a["dilations"][0], "dilation_w": a["dilations"][1]}
    y = np.full(expected.shape, 0x5A, np.int8)
    kernels.call("conv_rows", cores, y=y, y_stride=expected.shape[1], **fields)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("end", ["table", "u8", "i16"])
@pytest.mark.parametrize("outputs", [3, 9])
def test_conv_to_other_types(kernels: Any, outputs: int, end: str) -> None:
    """A table behind 8 bits, and the other element types."""
    x, w = kernels.integers((1, 5, 6, 4), np.int8), kernels.integers((outputs, 3, 3, 4), np.int8)
    a = conv_attributes({"pads": (1, 1, 1, 1)})
    m, b, a["shift"] = kernels.requantization(36 * 128 * 128, outputs, 16 if end == "i16" else 8)
    dtype = "i8" if end == "table" else end
    kind = {"i8": np.int8, "u8": np.uint8, "i16": np.int16}[dtype]
    table = kernels.integers(256, np.int8)
    operands = [x, w, m, b, *([table] if end == "table" else [])]
    expected = kernels.evaluate("q_conv", operands, **a, dtype=dtype, table=end == "table")[0]
    y = kernels.output(expected.shape, kind, 1)
    fields = image_fields(kernels, x[0], y, a, 0) | {"y_type": dtype, "w": w}
    fields |= {"multiplier": m, "bias": b, "out_channels": outputs, "groups": 1}
    fields |= {"kernel_h": 3, "kernel_w": 3, "dilation_h": 1, "dilation_w": 1}
    fields |= {"table": table} if end == "table" else {}
    kernels.call("conv", 8, **fields)
    np.testing.assert_array_equal(y.read(), expected)


def test_conv_tile_of_rows(kernels: Any) -> None:
    """Output rows 2 to 4 from the input rows they read, without the padding at the top."""
    x, w = kernels.integers((1, 9, 6, 3), np.int8), kernels.integers((4, 3, 3, 3), np.int8)
    a = conv_attributes({"pads": (1, 1, 1, 1)})
    m, b, a["shift"] = kernels.requantization(27 * 128 * 128, 4, 8)
    expected = kernels.evaluate("q_conv", [x, w, m, b], **a, dtype="i8")[0]
    y = kernels.output((3, 6, 4), np.int8)
    tile = call_conv(kernels, 8, x[0, 1:6], w, m, b, y, a | {"pads": (0, 1, 0, 1)})
    np.testing.assert_array_equal(tile, expected[2:5])


@pytest.mark.parametrize("name", CASES)
def test_conv_definition(kernels: Any, name: str) -> None:
    """Against a convolution written as loops, two images."""
    case = CASES[name]
    a = conv_attributes(case)
    x = kernels.integers((2, case.get("h", 6), 11, case["c"]), np.int8)
    w = kernels.integers((case["o"], *case["kernel"], case["c"] // a["groups"]), np.int8)
    m, b = np.ones(case["o"], np.int32), np.zeros(case["o"], np.int32)
    y = kernels.evaluate("q_conv", [x, w, m, b], **a, shift=4, dtype="i16")
    t, le, bo, r = a["pads"]
    padded = np.pad(x, ((0, 0), (t, bo), (le, r), (0, 0)), constant_values=a["zero_x"]).astype(int)
    depth = case["c"] // a["groups"]
    for n, oy, ox, o in np.ndindex(y.shape):
        rows = oy * a["strides"][0] + np.arange(w.shape[1]) * a["dilations"][0]
        columns = ox * a["strides"][1] + np.arange(w.shape[2]) * a["dilations"][1]
        start = o // (case["o"] // a["groups"]) * depth
        window = padded[n][np.ix_(rows, columns, range(start, start + depth))]
        assert y[n, oy, ox, o] == np.clip((window * w[o]).sum() >> 4, -32768, 32767)


def test_conv_table(kernels: Any) -> None:
    """The table is applied after clipping, in the kernel too."""
    x, w = kernels.integers((1, 5, 5, 3), np.int8), kernels.integers((4, 1, 1, 3), np.int8)
    a = conv_attributes({})
    m, b, a["shift"] = kernels.requantization(3 * 128 * 128, 4, 8)
    table = kernels.integers(256, np.int8)
    expected = kernels.evaluate("q_conv", [x, w, m, b, table], **a, table=True, dtype="i8")[0]
    y = kernels.output(expected.shape, np.int8)
    fields = image_fields(kernels, x[0], y, a) | {"w": w, "multiplier": m, "bias": b}
    ones = dict.fromkeys(("kernel_h", "kernel_w", "dilation_h", "dilation_w", "groups"), 1)
    kernels.call("conv", 8, out_channels=4, table=table, **fields, **ones)
    np.testing.assert_array_equal(y.read(), expected)


def constant(array: np.ndarray) -> Value:
    return Value("w", TensorType(array.shape, DType.I8), array)


def call_depthwise(kernels: Any, cores: int, x: Any, w: Any, numbers: Any, y: Any, a: Any) -> Any:
    """Both calls of a tile; x [H, W, C], w [O, KH, KW], numbers (multiplier, bias, table)."""
    (stride_h, stride_w), dilation = a["strides"], a["dilations"][0]
    filled = shifted(constant(w), w.shape[1], stride_w).array
    rows = (y.shape[0] - 1) * stride_h + (w.shape[1] - 1) * dilation + 1
    columns = (y.shape[1] - 1) // 4 * 4 * stride_w + 4 * filled.shape[2]
    plane = rows * columns + 4
    planes = np.full(plane * x.shape[2], 0x5A, np.int8)
    image = image_fields(kernels, x, y, a)
    names = ("x", "height", "width", "channels", "x_row_stride", "x_pixel_stride", "pad_top")
    kept = {name: image[name] for name in (*names, "pad_left", "zero_x")}
    size = {"rows": rows, "columns": columns, "y_plane_stride": plane}
    kernels.call("depthwise_planes", cores, y=planes, **size, **kept)
    padded = np.full((rows, max(columns, x.shape[1] + a["pads"][1]), x.shape[2]), a["zero_x"])
    inside = x[: max(rows - a["pads"][0], 0)]
    padded[a["pads"][0] :][: len(inside), a["pads"][1] :][:, : x.shape[1]] = inside
    found = planes.reshape(x.shape[2], plane)[:, :-4].reshape(x.shape[2], rows, columns)
    np.testing.assert_array_equal(found, padded[:, :columns].transpose(2, 0, 1))
    names = ("out_height", "out_width", "y_row_stride", "y_pixel_stride", "stride_h", "stride_w")
    kept = {name: image[name] for name in (*names, "shift")}
    multiplier, bias, table = numbers
    fields = {"multiplier": multiplier, "bias": bias, "x": planes, "w": filled, "y": y}
    fields |= {"table": table} if table is not None else {}
    shape = {"kernel_h": w.shape[1], "words": filled.shape[2], "dilation_h": dilation}
    shape |= {"out_channels": len(w), "multiple": len(w) // x.shape[2]}
    strides = {"x_plane_stride": plane, "x_row_stride": columns}
    kernels.call("depthwise", cores, **fields, **shape, **strides, **kept, y_type=a["y_type"])
    return y.read()


DEPTHWISE = {
    "one row": {"c": 9, "h": 1, "w": 21, "kernel": (1, 7), "pads": (0, 3, 0, 3)},
    "many taps": {"c": 5, "h": 1, "w": 90, "kernel": (1, 64), "pads": (0, 31, 0, 32)},
    "three by three": {"c": 8, "kernel": (3, 3), "pads": (1, 1, 1, 1)},
    "strided": {"c": 6, "kernel": (5, 7), "strides": (2, 3), "pads": (2, 3, 2, 3)},
    "columns left over": {"c": 4, "w": 23, "kernel": (2, 2), "strides": (4, 5)},
    "dilated rows": {"c": 3, "kernel": (3, 2), "dilations": (3, 1), "pads": (3, 0, 3, 1)},
    "narrow": {"c": 7, "h": 13, "w": 2, "kernel": (3, 2), "pads": (1, 0, 1, 0)},
    "one output": {"c": 10, "h": 22, "w": 3, "kernel": (22, 1)},
    "twice as many outputs": {"c": 6, "o": 12, "kernel": (3, 1), "pads": (1, 0, 1, 0)},
    "padding beyond the image": {"c": 5, "h": 2, "w": 1, "kernel": (5, 5), "pads": (5, 5, 5, 5)},
    "one channel": {"c": 1, "o": 3, "w": 40, "kernel": (1, 10), "strides": (1, 4)},
}


@pytest.mark.parametrize("end", ["i8", "u8", "i16", "table"])
@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("name", DEPTHWISE)
def test_depthwise(kernels: Any, name: str, cores: int, end: str) -> None:
    """Planes and their products are q_conv with as many groups as channels."""
    case = DEPTHWISE[name]
    channels, outputs = case["c"], case.get("o", case["c"])
    x = kernels.integers((1, case.get("h", 9), case.get("w", 11), channels), np.int8)
    w = kernels.integers((outputs, *case["kernel"], 1), np.int8)
    check_depthwise(kernels, cores, x, w, conv_attributes(case), end)


@pytest.mark.parametrize("zero", [-128, 127])
def test_depthwise_of_extreme_values(kernels: Any, zero: int) -> None:
    """All bytes at either end, in the image, in the padding and in the weights."""
    a = conv_attributes({"pads": (1, 4, 1, 4)}) | {"zero_x": zero}
    for value in (-128, 127):
        x, w = np.full((1, 4, 13, 4), value, np.int8), np.full((4, 3, 9, 1), -128, np.int8)
        check_depthwise(kernels, 8, x, w, a, "i16")


def check_depthwise(kernels: Any, cores: int, x: Any, w: Any, a: Any, end: str) -> None:
    bits = 16 if end == "i16" else 8
    m, b, a["shift"] = kernels.requantization(w[0].size * 128 * 128, len(w), bits)
    table = kernels.integers(256, np.int8) if end == "table" else None
    a["groups"] = x.shape[3]
    dtype = "i8" if end == "table" else end
    operands = [x, w, m, b, *([table] if end == "table" else [])]
    expected = kernels.evaluate("q_conv", operands, **a, dtype=dtype, table=end == "table")[0]
    y = kernels.output(expected.shape, expected.dtype.type, 1)
    result = call_depthwise(
        kernels, cores, x[0], w[..., 0], (m, b, table), y, a | {"y_type": dtype}
    )
    np.testing.assert_array_equal(result, expected)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    cores=st.integers(1, 9),
    function=st.sampled_from(["max", "average"]),
    pre_shift=st.integers(0, 3),
)
def test_pool(
    kernels: Any, height, width, kernel, strides, pads, cores, function, pre_shift
) -> None:
    """Windows of any shape, also ones that lie in the padding as a whole."""
    room = (height + pads[0] + pads[2] - kernel[0], width + pads[1] + pads[3] - kernel[1])
    if min(room) < 0:
        return
    x = kernels.integers((1, height, width, 5), np.int8)
    a = {"strides": strides, "pads": pads, "zero_x": 9, "shift": 8 - pre_shift}
    p = {"multiplier": 256 // (kernel[0] * kernel[1]), "bias": 128, "pre_shift": pre_shift}
    expected = kernels.evaluate(
        "q_pool", [x], function=function, kernel=kernel, **a, **p, dtype="i8"
    )[0]
    y = kernels.output(expected.shape, np.int8, 1)
    fields = image_fields(kernels, x[0], y, a) | p
    reduction = 1 if function == "max" else 0
    size = {"kernel_h": kernel[0], "kernel_w": kernel[1]}
    kernels.call("pool", cores, reduction=reduction, **size, **fields)
    np.testing.assert_array_equal(y.read(), expected)
