"""ec_table, ec_requantize, ec_add and ec_mul against their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

NUMPY = {"i8": np.int8, "u8": np.uint8, "i16": np.int16, "i32": np.int32}


def axes(array: np.ndarray, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides in elements over four axes of the broadcast ``shape``."""
    view = np.broadcast_to(array, (1,) * (4 - len(shape)) + shape)
    return tuple(
        0 if s == 1 else b // array.itemsize for s, b in zip(view.shape, view.strides, strict=True)
    )


def binary(kernels: Any, op: str, cores: int, a: Any, b: Any, dtype: str, **p: Any) -> Any:
    shape = np.broadcast_shapes(a.shape, b.shape)
    y = np.zeros(shape, NUMPY[dtype])
    types = {np.dtype(v): k for k, v in NUMPY.items()}
    kernels.call(
        op,
        cores,
        a=a,
        b=b,
        y=y,
        size=(1,) * (4 - len(shape)) + shape,
        a_stride=axes(a, shape),
        b_stride=axes(b, shape),
        y_stride=axes(y, shape),
        a_type=types[a.dtype],
        b_type=types[b.dtype],
        y_type=dtype,
        **p,
    )
    return y


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (20, 7)])
def test_table(kernels: Any, shape: tuple[int, int], cores: int) -> None:
    """Every index, few rows and many."""
    x, table = kernels.integers(shape, np.int8), kernels.integers(256, np.int8)
    x.ravel()[:2] = (-128, 127)[: x.size]
    y = kernels.output(shape, np.int8, 1)
    size = {"rows": shape[0], "columns": shape[1]}
    kernels.call("table", cores, x=kernels.tile(x, 2), table=table, y=y, **size)
    expected = kernels.evaluate("q_table", [x, table], dtype="i8")
    np.testing.assert_array_equal(y.read(), expected)


@pytest.mark.parametrize("target", ["i8", "u8", "i16"])
@pytest.mark.parametrize("source", ["i8", "u8", "i16", "i32"])
@pytest.mark.parametrize(("cores", "gap"), [(1, 0), (8, 0), (8, 1)])
def test_requantize(kernels: Any, cores: int, gap: int, source: str, target: str) -> None:
    """Between all pairs of types, with saturation."""
    x = kernels.integers((5, 33), NUMPY[source])
    p = {"multiplier": 1 if source == "i32" else 9001, "bias": -77, "shift": 10}
    x = np.maximum(x, np.iinfo(x.dtype).min + 77) if source == "i32" else x
    expected = kernels.evaluate("q_requantize", [x], **p, dtype=target)
    y = kernels.output(x.shape, NUMPY[target], gap)
    fields = {"x_type": source, "y_type": target, "rows": 5, "columns": 33}
    kernels.call("requantize", cores, x=kernels.tile(x, 2 * gap), y=y, **fields, **p)
    np.testing.assert_array_equal(y.read(), expected)


def test_requantize_in_place(kernels: Any) -> None:
    """The result takes the place of the operand, negative multiplier."""
    x = kernels.integers((9, 31), np.int16)
    p = {"multiplier": -700, "bias": 1 << 8, "shift": 9}
    expected = kernels.evaluate("q_requantize", [x], **p, dtype="i16")
    tile = kernels.tile(x, 1)
    fields = {"x_type": "i16", "y_type": "i16", "rows": 9, "columns": 31}
    kernels.call("requantize", 8, x=tile, y=tile, **fields, **p)
    np.testing.assert_array_equal(tile.read(), expected)


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [
        ((4, 9), (4, 9)),
        ((3, 5, 7), (7,)),
        ((2, 1, 3, 4), (5, 1, 4)),
        ((6,), (1,)),
        ((25, 70), (25, 1)),
        ((7, 11, 64), (64,)),
    ],
)
@pytest.mark.parametrize(
    ("a_type", "b_type"), [("i8", "i8"), ("i16", "i8"), ("i8", "i16"), ("i16", "i16")]
)
@pytest.mark.parametrize("target", ["i8", "u8", "i16"])
def test_add_and_mul(
    kernels: Any, target: str, a_shape: Any, b_shape: Any, a_type: str, b_type: str, cores: int
) -> None:
    """Broadcasting on either side, mixed types, a negative multiplier."""
    a, b = kernels.integers(a_shape, NUMPY[a_type]), kernels.integers(b_shape, NUMPY[b_type])
    p = {"multiplier_a": 20000, "multiplier_b": -12345, "bias": 1 << 18, "shift": 19}
    expected = kernels.evaluate("q_add", [a, b], **p, dtype=target)
    np.testing.assert_array_equal(binary(kernels, "add", cores, a, b, target, **p), expected)
    scale = {("i8", "i8"): 32767, ("i16", "i16"): 1}.get((a_type, b_type), 250)
    p = {"zero_a": 3, "zero_b": -2, "multiplier": scale, "bias": -9, "shift": 18}
    expected = kernels.evaluate("q_mul", [a, b], **p, dtype=target)
    np.testing.assert_array_equal(binary(kernels, "mul", cores, a, b, target, **p), expected)


def test_residual_addition_saturates(kernels: Any) -> None:
    """Multipliers of 1 and no shift: int16 addition that clips."""
    a = np.array([[30000, -30000, 5]], np.int16)
    p = {"multiplier_a": 1, "multiplier_b": 1, "bias": 0, "shift": 0}
    expected = np.array([[32767, -32768, 10]], np.int16)
    np.testing.assert_array_equal(kernels.evaluate("q_add", [a, a], **p, dtype="i16"), expected)
    np.testing.assert_array_equal(binary(kernels, "add", 8, a, a, "i16", **p), expected)


@pytest.mark.parametrize("op", ["q_add", "q_mul"])
def test_overflow_is_an_error(kernels: Any, op: str) -> None:
    """Sums and products beyond int32 are refused."""
    a = np.full((1, 1), 32767, np.int16)
    p = {"multiplier_a": 65535, "multiplier_b": 65535, "zero_a": 0, "zero_b": 0, "multiplier": 3}
    with pytest.raises(OverflowError, match="beyond int32"):
        kernels.evaluate(op, [a, a], **p, bias=0, shift=16, dtype="i16")
