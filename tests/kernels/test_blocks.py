"""Shapes around the blocks of four by four that fast kernels compute at a time.

Every kernel of the product family on tiles with gaps, at odd addresses and with remainders in all
directions, against numpy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

SHAPES = [(4, 4, 4), (5, 9, 16), (8, 32, 64), (13, 27, 31), (16, 24, 20), (50, 36, 12), (7, 64, 8)]
ENDS = ["i8", "u8", "i16", "table", "residual"]
CORES = [1, 8]


def odd(kernels: Any, data: np.ndarray, gap: int) -> Any:
    """A tile whose rows start anywhere: the first at an odd address where its type allows."""
    tile = kernels.tile(data, gap)
    if data.dtype.itemsize == 1:
        storage = np.empty(tile.buffer.size + 1, tile.buffer.dtype)
        storage[1:] = tile.buffer
        tile.buffer = storage[1:]
    return tile


def operands(kernels: Any, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, Any]:
    rows, columns, depth = shape
    a, b = kernels.integers((rows, depth), np.int8), kernels.integers((columns, depth), np.int8)
    return a, b, a.astype(np.int64) @ b.astype(np.int64).T


def ending(kernels: Any, acc: np.ndarray, end: str) -> tuple[dict[str, Any], np.ndarray]:
    """The fields that finish ``acc`` one way, and what must come out."""
    columns = acc.shape[1]
    bound = max(int(np.abs(acc).max()), 1)
    bits = 16 if end in ("i16", "residual") else 8
    multiplier, bias, shift = kernels.requantization(bound, columns, bits)
    kind = {"table": "i8", "residual": "i16"}.get(end, end)
    dtype = {"i8": np.int8, "u8": np.uint8, "i16": np.int16}[kind]
    info = np.iinfo(dtype)
    expected = np.clip((acc * multiplier + bias) >> shift, info.min, info.max)
    fields = {"multiplier": multiplier, "bias": bias, "shift": shift, "y_type": kind}
    y = kernels.output(acc.shape, dtype, 3)
    if end == "table":
        fields["table"] = kernels.integers(256, np.int8)
        expected = fields["table"][expected + 128]
    elif end == "residual":
        residual = kernels.integers(acc.shape, np.int16)
        expected = np.clip(expected + residual, -32768, 32767)
        y = kernels.tile(residual, 3)
        fields["residual"] = y
    return fields | {"y": y}, expected


@pytest.mark.parametrize("cores", CORES)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_linear(kernels: Any, shape: tuple[int, int, int], end: str, cores: int) -> None:
    """Every way to finish a product; the residual in place."""
    a, b, acc = operands(kernels, shape)
    fields, expected = ending(kernels, acc, end)
    size = dict(zip(("rows", "columns", "depth"), shape, strict=True))
    x, w = odd(kernels, a, 1), odd(kernels, b, 2)
    kernels.call("linear", cores, x=x, w=w, **size, **fields)
    np.testing.assert_array_equal(fields["y"].read(), expected)


@pytest.mark.parametrize("cores", CORES)
def test_linear_with_a_residual_elsewhere(kernels: Any, cores: int) -> None:
    """The residual is not written."""
    a, b, acc = operands(kernels, (13, 18, 32))
    fields, expected = ending(kernels, acc, "residual")
    fields["y"] = kernels.output(acc.shape, np.int16, 5)
    before = fields["residual"].buffer.copy()
    size = {"rows": 13, "columns": 18, "depth": 32}
    kernels.call("linear", cores, x=kernels.tile(a), w=kernels.tile(b), **size, **fields)
    np.testing.assert_array_equal(fields["y"].read(), expected)
    np.testing.assert_array_equal(fields["residual"].buffer, before)


@pytest.mark.parametrize("cores", CORES)
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("shape", SHAPES)
def test_accumulate(kernels: Any, shape: tuple[int, int, int], first: int, cores: int) -> None:
    """The first part of a depth and a later one."""
    a, b, product = operands(kernels, shape)
    before = kernels.random.integers(-(10**6), 10**6, product.shape).astype(np.int32)
    acc = kernels.tile(before, 3)
    size = dict(zip(("rows", "columns", "depth"), shape, strict=True))
    x, w = odd(kernels, a, 3), odd(kernels, b, 0)
    kernels.call("linear_accumulate", cores, x=x, w=w, acc=acc, first=first, **size)
    np.testing.assert_array_equal(acc.read(), product + (0 if first else before))


@pytest.mark.parametrize("cores", CORES)
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_scores(kernels: Any, shape: tuple[int, int, int], biased: bool, cores: int) -> None:
    """A block of keys in the middle of the rows of scores."""
    rows, columns, depth = shape
    q, k, product = operands(kernels, shape)
    wide = kernels.random.integers(-(10**6), 10**6, (rows, columns + 5)).astype(np.int32)
    scores, bias = kernels.tile(wide), kernels.tile(wide[:, ::-1].copy(), 1)
    fields = {"rows": rows, "columns": columns, "depth": depth, "first_column": 3}
    if biased:
        fields["score_bias"] = bias
        product = product + wide[:, ::-1][:, 3 : 3 + columns]
    q_tile, k_tile = odd(kernels, q, 1), odd(kernels, k, 2)
    kernels.call("attention_scores", cores, q=q_tile, k=k_tile, scores=scores, **fields)
    wide[:, 3 : 3 + columns] = product
    np.testing.assert_array_equal(scores.read(), wide)


@pytest.mark.parametrize("cores", CORES)
@pytest.mark.parametrize("gap", [0, 1, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_scores_in_8_bits(kernels: Any, shape: tuple[int, int, int], gap: int, cores: int) -> None:
    """As above, requantized; a part of them saturates."""
    rows, columns, depth = shape
    q, k, product = operands(kernels, shape)
    bound = max(depth, 1) << 14
    multiplier, bias, shift = kernels.requantization(bound, 1, 8)
    wide = kernels.integers((rows, columns + 5), np.int8)
    scores = kernels.tile(wide, gap)
    fields = {"rows": rows, "columns": columns, "depth": depth, "first_column": 3}
    fields |= {"multiplier": multiplier[0], "bias": bias[0], "shift": shift}
    q_tile, k_tile = odd(kernels, q, 1), odd(kernels, k, 2)
    kernels.call("attention_scores_i8", cores, q=q_tile, k=k_tile, scores=scores, **fields)
    scaled = (product.astype(np.int64) * int(multiplier[0]) + int(bias[0])) >> shift
    wide[:, 3 : 3 + columns] = np.clip(scaled, -128, 127)
    np.testing.assert_array_equal(scores.read(), wide)


def interleaved(v: np.ndarray) -> np.ndarray:
    """``v`` with its whole blocks of four by four transposed."""
    result = v.copy()
    for i in range(0, len(v) - 3, 4):
        for e in range(0, v.shape[1] - 3, 4):
            result[i : i + 4, e : e + 4] = v[i : i + 4, e : e + 4].T
    return result


@pytest.mark.parametrize("cores", CORES)
@pytest.mark.parametrize("shape", [(4, 4), (3, 9), (9, 3), (8, 64), (27, 13), (80, 21), (0, 8)])
def test_interleave(kernels: Any, shape: tuple[int, int], cores: int) -> None:
    """Keys and columns beyond whole blocks stay; doing it twice restores the values."""
    v = kernels.integers(shape, np.int8)
    tile = odd(kernels, v, 1)
    for expected in (interleaved(v), v):
        kernels.call("attention_interleave", cores, v=tile, columns=shape[0], depth=shape[1])
        np.testing.assert_array_equal(tile.read(), expected)


@pytest.mark.parametrize("cores", CORES)
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("shape", [*SHAPES, (9, 7, 129), (16, 12, 300), (3, 8, 8), (8, 3, 260)])
def test_values(kernels: Any, shape: tuple[int, int, int], first: int, cores: int) -> None:
    """Interleaved values; shape is rows, value columns, keys."""
    rows, depth, keys = shape
    p = kernels.integers((rows, keys + 2), np.uint8)
    v = kernels.integers((keys, depth), np.int8)
    before = kernels.random.integers(-(10**6), 10**6, (rows, depth)).astype(np.int32)
    acc = kernels.tile(before, 1)
    fields = {"rows": rows, "columns": keys, "depth": depth, "first_column": 2, "first": first}
    weights, values = odd(kernels, p, 1), odd(kernels, v, 3)
    kernels.call("attention_interleave", cores, v=values, columns=keys, depth=depth)
    kernels.call("attention_values", cores, p=weights, v=values, acc=acc, **fields)
    product = p[:, 2:].astype(np.int64) @ v.astype(np.int64)
    np.testing.assert_array_equal(acc.read(), product + (0 if first else before))


@pytest.mark.parametrize("cores", CORES)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("size", [(1, 5), (8, 24), (13, 27), (64, 32), (9, 64), (50, 36)])
def test_requantize_rows(kernels: Any, size: tuple[int, int], end: str, cores: int) -> None:
    """Finished sums, every end."""
    acc = kernels.random.integers(-(10**6), 10**6, size).astype(np.int32)
    fields, expected = ending(kernels, acc.astype(np.int64), end)
    tile = kernels.tile(acc, 1)
    kernels.call("requantize_rows", cores, acc=tile, rows=size[0], columns=size[1], **fields)
    np.testing.assert_array_equal(fields["y"].read(), expected)


@pytest.mark.parametrize("value", [-128, 127])
def test_the_largest_sums(kernels: Any, value: int) -> None:
    """All weights -128 and a depth of 3072: sums far beyond 16 bits."""
    a = np.full((8, 3072), value, np.int8)
    b = np.full((8, 3072), -128, np.int8)
    acc = kernels.output((8, 8), np.int32)
    size = {"rows": 8, "columns": 8, "depth": 3072, "first": 1}
    kernels.call("linear_accumulate", 8, x=kernels.tile(a), w=kernels.tile(b), acc=acc, **size)
    np.testing.assert_array_equal(acc.read(), np.full((8, 8), value * -128 * 3072))
