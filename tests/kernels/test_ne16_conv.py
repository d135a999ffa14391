"""ec_ne16_conv as a job against q_conv: on a model of the engine here, on GVSoC's there."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from edgecomp.tiling.ne16_weights import pack_filter_weights, raised_input_bias

# height, width, channels, out_channels: outputs of less than one part, of whole parts, of both
SHAPES = [(3, 3, 1, 1), (4, 7, 16, 32), (8, 5, 20, 33), (6, 6, 40, 5), (3, 11, 7, 70)]
PADS = list(product((0, 1), repeat=4))
NUMPY = {"i8": np.int8, "u8": np.uint8, "i32": np.int32}


def raised(values: np.ndarray) -> np.ndarray:
    """int8 values as the engine reads them, 128 higher."""
    return (values.astype(np.int16) + 128).astype(np.uint8)


def padded(values: np.ndarray) -> np.ndarray:
    """Multipliers or biases with what is read behind them."""
    return np.pad(values, (0, 16 - len(values) % 32 + 32))


def packed(w: np.ndarray, depthwise: bool, bits: int = 8) -> np.ndarray:
    """``[O, 3, 3, C]`` as the engine reads it."""
    return pack_filter_weights(w.transpose(3, 1, 2, 0) if depthwise else w, bits)


def sizes(x: np.ndarray, pads: tuple[int, ...], outputs: int, gap: int, y_gap: int) -> Any:
    """Sizes and strides for an image [H, W, C] whose pixels are ``gap`` apart."""
    height, width, channels = x.shape
    out_height, out_width = height + pads[0] + pads[2] - 2, width + pads[1] + pads[3] - 2
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "x_pixel_stride": channels + gap,
        "x_row_stride": width * (channels + gap),
        "out_height": out_height,
        "out_width": out_width,
        "out_channels": outputs,
        "y_pixel_stride": outputs + y_gap,
        "y_row_stride": out_width * (outputs + y_gap),
        "pad_top": pads[0],
        "pad_left": pads[1],
    }


def check(
    kernels: Any,
    x: np.ndarray,
    w: np.ndarray,
    pads: tuple[int, ...],
    dtype: str = "i8",
    gaps: tuple[int, int] = (0, 0),
    zero_x: int = -7,
) -> None:
    """A job on ``x`` [H, W, C] with weights ``w`` [O, 3, 3, C or 1]."""
    depthwise = w.shape[3] == 1 and x.shape[2] > 1
    m, b, shift = kernels.requantization(w[0].size * 128 * 128, len(w), 8)
    expected = kernels.evaluate(
        "q_conv",
        [x[None], w, m, b],
        strides=(1, 1),
        pads=pads,
        dilations=(1, 1),
        groups=x.shape[2] if depthwise else 1,
        zero_x=zero_x,
        shift=shift,
        dtype=dtype,
    )[0]
    y = kernels.output(expected.shape, NUMPY[dtype], gaps[1])
    kernels.call(
        "ne16_conv",
        1,
        x=kernels.tile(raised(x), gaps[0]),
        w=packed(w, depthwise),
        multiplier=padded(m.astype(np.uint16)),
        bias=padded(raised_input_bias(b, m, w)),
        y=y,
        pad_value=zero_x + 128,
        depthwise=depthwise,
        weight_bits=8,
        multiplier_bits=16,
        shift=shift,
        y_type=dtype,
        **sizes(x, pads, len(w), *gaps),
    )
    np.testing.assert_array_equal(y.read(), expected)


@pytest.mark.parametrize("pads", PADS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bits_of_q_conv(kernels: Any, shape: tuple[int, ...], pads: tuple[int, ...]) -> None:
    """Every padding of one with every kind of remainder."""
    height, width, channels, outputs = shape
    x, w = (
        kernels.integers((height, width, channels), np.int8),
        kernels.integers((outputs, 3, 3, channels), np.int8),
    )
    check(kernels, x, w, pads)


@pytest.mark.parametrize("pads", PADS, ids=str)
@pytest.mark.parametrize("shape", [(3, 3, 2), (4, 7, 16), (8, 5, 20), (6, 6, 33)], ids=str)
def test_bits_of_depthwise(kernels: Any, shape: tuple[int, ...], pads: tuple[int, ...]) -> None:
    """One output channel for each input channel."""
    x, w = kernels.integers(shape, np.int8), kernels.integers((shape[2], 3, 3, 1), np.int8)
    check(kernels, x, w, pads)


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("dtype", ["i8", "u8"])
@pytest.mark.parametrize("zero_x", [-128, 0, 127])
def test_parts_of_wider_tiles(kernels: Any, zero_x: int, dtype: str, depthwise: bool) -> None:
    """Pixels that are apart, both element types, extreme zero points."""
    x = kernels.integers((7, 8, 24), np.int8)
    w = kernels.integers((24, 3, 3, 1) if depthwise else (40, 3, 3, 24), np.int8)
    check(kernels, x, w, (1, 1, 1, 1), dtype, (5, 9), zero_x)


@pytest.mark.parametrize("pads", [(2, 2, 0, 0), (2, 1, 1, 0), (2, 2, 2, 2)], ids=str)
def test_padding_of_two(kernels: Any, pads: tuple[int, ...]) -> None:
    """At the top and left always, elsewhere where the last part has two rows or more."""
    x, w = kernels.integers((6, 6, 16), np.int8), kernels.integers((8, 3, 3, 16), np.int8)
    check(kernels, x, w, pads)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (2, 1)], ids=str)
def test_images_smaller_than_the_filter(kernels: Any, shape: tuple[int, int]) -> None:
    """Padding on both sides of one pixel."""
    x, w = kernels.integers((*shape, 18), np.int8), kernels.integers((18, 3, 3, 18), np.int8)
    check(kernels, x, w, (1, 1, 1, 1))
    check(kernels, x, w[..., :1], (1, 1, 1, 1))


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("value", [-128, 127])
def test_products_that_wrap(kernels: Any, value: int, depthwise: bool) -> None:
    """Raised sums times multipliers leave 32 bits, and come back with the bias."""
    x = np.full((5, 5, 80), value, np.int8)
    depth = 1 if depthwise else 80
    w = np.concatenate([np.full((40, 3, 3, depth), sign * 127, np.int8) for sign in (-1, 1)])
    check(kernels, x, w, (1, 1, 1, 1), zero_x=-value - 1)


@pytest.mark.parametrize("depthwise", [False, True])
def test_before_clipping(kernels: Any, depthwise: bool) -> None:
    """Quantized 32-bit output: what 16-bit results are clipped from."""
    x = kernels.integers((5, 7, 20), np.int8)
    w = kernels.integers((20, 3, 3, 1) if depthwise else (37, 3, 3, 20), np.int8)
    m, b, _ = kernels.requantization(w[0].size * 128 * 128, len(w), 16)
    unit = {"strides": (1, 1), "dilations": (1, 1), "groups": 20 if depthwise else 1}
    expected = kernels.evaluate(
        "q_conv", [x[None], w, m, b], **unit, pads=(0,) * 4, zero_x=0, shift=13, dtype="i16"
    )[0]
    y = kernels.output(expected.shape, np.int32, 3)
    kernels.call(
        "ne16_conv",
        1,
        x=kernels.tile(raised(x), 0),
        w=packed(w, depthwise),
        multiplier=padded(m.astype(np.uint16)),
        bias=padded(raised_input_bias(b, m, w)),
        y=y,
        depthwise=depthwise,
        weight_bits=8,
        multiplier_bits=16,
        shift=13,
        y_type="i32",
        **sizes(x, (0,) * 4, len(w), 0, 3),
    )
    np.testing.assert_array_equal(np.clip(y.read(), -32768, 32767), expected)


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 7])
def test_narrow_weights(kernels: Any, bits: int, depthwise: bool) -> None:
    """Sums as they are, with weights of fewer bits."""
    half = 1 << (bits - 1)
    x = kernels.integers((4, 5, 20), np.int8)
    shape = (20, 3, 3, 1) if depthwise else (33, 3, 3, 20)
    w = kernels.random.integers(-half, half, shape).astype(np.int8)
    views = np.lib.stride_tricks.sliding_window_view(raised(x), (3, 3), axis=(0, 1))
    terms = "hwcij,cijk->hwc" if depthwise else "hwcij,oijc->hwo"
    expected = np.einsum(terms, views.astype(np.int64), w.astype(np.int64))
    y = kernels.output(expected.shape, np.int32)
    kernels.call(
        "ne16_conv",
        1,
        x=kernels.tile(raised(x), 0),
        w=packed(w, depthwise, bits),
        y=y,
        depthwise=depthwise,
        weight_bits=bits,
        y_type="i32",
        **sizes(x, (0,) * 4, len(w), 0, 0),
    )
    np.testing.assert_array_equal(y.read(), expected)
