"""Jobs of NE16 alone: from the call that starts one to its end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.kernels.case import DTYPES, I8, I32, Case, Scalars, integers
from edgecomp.tiling.ne16_weights import pack_filter_weights, pack_weights, raised_input_bias

BLOCK = 32
"""Multipliers and biases are read for so many channels at a time."""


def job(op: str, shape: str, w: np.ndarray, product: np.ndarray, macs: int, y_type: int) -> Case:
    """A job without its sizes; ``product`` are the sums of int8 activations, ``w`` [N, ...]."""
    outputs = len(w)
    largest = min(65535, (1 << 30) // (w[0].size << 14))
    multiplier = integers((outputs,), np.uint16) % (largest - largest // 2) + largest // 2
    bias = integers((outputs,), np.int32) >> 4
    shift = 21 if y_type == I8 else 13
    results = (product.astype(np.int64) * multiplier + bias) >> shift
    low, high = (-128, 127) if y_type == I8 else (-(1 << 31), (1 << 31) - 1)
    expected = np.clip(results, low, high).astype(DTYPES[y_type])
    room = (0, 2 * BLOCK - outputs % BLOCK)
    arrays = {
        "multiplier": np.pad(multiplier.astype(np.uint16), room),
        "bias": np.pad(raised_input_bias(bias, multiplier, w), room),
        "y": np.zeros(product.shape, DTYPES[y_type]),
    }
    scalars: Scalars = {"weight_bits": 8, "multiplier_bits": 16, "shift": shift, "y_type": y_type}
    ending = "i8" if y_type == I8 else "i32"
    title = f"{shape} {ending}"
    return Case(op, title, arrays, scalars, "y", expected, macs, "MAC/cycle", calibrates=False)


def raised(x: np.ndarray) -> np.ndarray:
    """int8 activations as the engine reads them."""
    return x.view(np.uint8) ^ np.uint8(0x80)


def linear(rows: int, columns: int, depth: int, y_type: int) -> Case:
    """A 1x1 job."""
    x, w = integers((rows, depth), np.int8), integers((columns, depth), np.int8)
    product = x.astype(np.int32) @ w.T.astype(np.int32)
    shape = f"x[{rows},{depth}] w[{columns},{depth}]"
    case = job("ne16_linear", shape, w, product, product.size * depth, y_type)
    case.arrays |= {"x": raised(x), "w": pack_weights(w)}
    case.scalars |= {"rows": rows, "columns": columns, "depth": depth}
    case.scalars |= {"x_stride": depth, "y_stride": columns}
    return case


def convolution(
    image: tuple[int, int, int], outputs: int, y_type: int, depthwise: bool = False
) -> Case:
    """3x3 with padding of 1 all around."""
    height, width, channels = image
    x = integers(image, np.int8)
    w = integers((outputs, 3, 3, 1 if depthwise else channels), np.int8)
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0))).astype(np.int32)
    views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    terms = "hwoij,oijk->hwo" if depthwise else "hwkij,oijk->hwo"
    product = np.einsum(terms, views, w.astype(np.int32))
    kind = "depthwise " if depthwise else ""
    shape = f"{kind}x{list(image)} w{list(w.shape)}"
    case = job("ne16_conv", shape, w, product, product.size * w[0].size, y_type)
    packed = pack_filter_weights(w.transpose(3, 1, 2, 0) if depthwise else w)
    case.arrays |= {"x": raised(x), "w": packed}
    case.scalars |= {"height": height, "width": width, "channels": channels}
    case.scalars |= {"x_row_stride": width * channels, "x_pixel_stride": channels}
    case.scalars |= {"out_height": height, "out_width": width, "out_channels": outputs}
    case.scalars |= {"y_row_stride": width * outputs, "y_pixel_stride": outputs}
    case.scalars |= {"pad_top": 1, "pad_left": 1, "pad_value": 128, "depthwise": int(depthwise)}
    return case


def job_cases() -> Iterator[Case]:
    """Whole parts of 3x3 pixels, and sizes that leave remainders."""
    for y_type in (I8, I32):
        for rows, columns, depth in [(90, 64, 192), (36, 64, 768), (90, 64, 64), (80, 40, 40)]:
            yield linear(rows, columns, depth, y_type)
        for image, outputs in [
            ((12, 12, 64), 64),
            ((15, 27, 32), 32),
            ((9, 9, 96), 32),
            ((14, 14, 64), 32),
            ((12, 12, 16), 16),
        ]:
            yield convolution(image, outputs, y_type)
        for image in [(12, 12, 64), (15, 27, 32), (14, 14, 64), (6, 6, 16)]:
            yield convolution(image, image[2], y_type, depthwise=True)
