"""Transposes, broadcasts and normalisations in the tiles of Tiny-BioMoE's and EEG-DINO's layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.kernels.case import (
    DTYPES,
    I8,
    I16,
    NAMES,
    RANDOM,
    Case,
    Scalars,
    evaluate,
    integers,
)
from edgecomp.ir.fixed_point import layer_norm_parameters


def transpose(shape: tuple[int, ...], order: tuple[int, ...], kind: int) -> Case:
    """A tile of a transpose."""
    x = integers(shape, DTYPES[kind])
    view = x.transpose(order)
    y = np.zeros(view.shape, x.dtype)
    lead = 5 - len(shape)
    scalars: Scalars = {"size": (1,) * lead + view.shape, "element_bytes": x.itemsize}
    for name, array in (("x", view), ("y", y)):
        steps = tuple(step // array.itemsize for step in array.strides)
        scalars[f"{name}_stride"] = (0,) * lead + steps
    text = f"{list(shape)} {NAMES[kind]} to {list(view.shape)}"
    rate = "transpose" if kind == I8 else "transpose_wide"
    rate = "" if order[-1] == len(order) - 1 else rate
    arrays = {"x": x, "y": y}
    return Case("copy", text, arrays, scalars, "y", view.copy(), x.size, rate=rate)


def binary(op: str, shape: tuple[int, int], other: tuple[int, int], kinds: str) -> Case:
    """An addition or product whose second operand is broadcast; kinds of a, b and y."""
    types = [{"b": I8, "h": I16}[kind] for kind in kinds]
    a, b = integers(shape, DTYPES[types[0]]), integers(other, DTYPES[types[1]])
    fixed = {"multiplier_a": 300, "multiplier_b": -200, "bias": 1 << 15, "shift": 16}
    if op == "mul":
        fixed = {"zero_a": 1, "zero_b": -1, "multiplier": 1, "bias": 5, "shift": 9}
    expected = evaluate(f"q_{op}", [a, b], **fixed, dtype=NAMES[types[2]])
    scalars: Scalars = {"size": (1, 1, *shape), **fixed}
    for name, array in (("a", a), ("b", b), ("y", expected)):
        rows, columns = array.shape
        scalars[f"{name}_stride"] = (0, 0, columns * (rows != 1), int(columns != 1))
    scalars |= {f"{name}_type": kind for name, kind in zip("aby", types, strict=True)}
    arrays = {"a": a, "b": b, "y": np.zeros_like(expected)}
    text = f"{list(shape)} {NAMES[types[0]]} and {list(other)} {NAMES[types[1]]}"
    rate = "add_any" if op == "add" else ""
    rows = shape[0] if other != shape else 1
    return Case(op, text, arrays, scalars, "y", expected, a.size, rate=rate, charged_rows=rows)


def zero_pad(rows: int, columns: int) -> Case:
    """The rows of a head as whole words."""
    x = integers((rows, columns), np.int8)
    expected = np.pad(x, [(0, -rows % 4), (0, -columns % 4)])
    y = np.zeros_like(expected)
    scalars: Scalars = {"rows": rows, "columns": columns, "x_stride": columns}
    scalars |= {"y_rows": y.shape[0], "y_columns": y.shape[1], "y_stride": y.shape[1]}
    arrays = {"x": x, "y": y}
    text = f"[{rows},{columns}] to {list(y.shape)}"
    return Case("zero_pad", text, arrays, scalars, "y", expected, y.size)


def affine_layer_norm(rows: int, columns: int, kind: int) -> Case:
    """The normalisation of an image's channels, with gain and offset."""
    x = np.clip(RANDOM.normal(0, 3000, (rows, columns)), -32768, 32767).astype(np.int16)
    gain = RANDOM.integers(2000, 16000, columns).astype(np.int16)
    offset = RANDOM.integers(-(1 << 24), 1 << 24, columns).astype(np.int32)
    multiplier, shift = layer_norm_parameters(columns, 1 / 4096)
    gain_shift = 13 if kind == I16 else 20
    fixed = {"epsilon_q8": 100, "multiplier": multiplier, "shift": shift, "gain_shift": gain_shift}
    attributes = fixed | {"affine": True, "dtype": NAMES[kind]}
    expected = evaluate("q_layer_norm", [x, gain, offset], **attributes)
    y = np.zeros_like(expected)
    scalars: Scalars = {"x_stride": columns, "y_stride": columns, **fixed}
    scalars |= {"rows": rows, "columns": columns, "x_type": I16, "y_type": kind}
    arrays = {"x": x, "gain": gain, "offset": offset, "y": y}
    text = f"[{rows},{columns}] i16 to {NAMES[kind]}, affine"
    rate = "layer_norm_affine"
    return Case("layer_norm", text, arrays, scalars, "y", expected, y.size, rate=rate)


def move_cases() -> Iterator[Case]:
    """Strides of powers of two and others; axes of two and of three elements."""
    for rows, columns in [(191, 25), (49, 6), (190, 101)]:
        yield zero_pad(rows, columns)
    for columns in (64, 128, 320):
        yield affine_layer_norm(12544 // columns, columns, I16)
        yield affine_layer_norm(12544 // columns, columns, I8)
    for op in ("add", "mul"):
        yield binary(op, (112, 64), (1, 64), "hhh")
        yield binary(op, (25, 760), (25, 1), "bhb")
        yield binary(op, (56, 224), (1, 1), "bhh")
        yield binary(op, (49, 49), (49, 49), "bhb")
        yield binary(op, (64, 192), (64, 192), "hbb")
    yield transpose((56, 64, 2, 7), (3, 1, 0, 2), I8)
    yield transpose((7, 64, 56, 2), (2, 1, 3, 0), I8)
    yield transpose((256, 112), (1, 0), I8)
    yield transpose((7, 56, 64), (0, 2, 1), I16)
    yield transpose((7, 64, 56), (0, 2, 1), I16)
    yield transpose((196, 128), (1, 0), I16)
    yield transpose((128, 196), (1, 0), I16)
    yield transpose((3, 12544), (1, 0), I8)
    yield transpose((2, 2, 7, 7, 96), (4, 0, 2, 1, 3), I16)
    yield transpose((49, 384), (1, 0), I8)
    yield transpose((4, 38, 200), (0, 2, 1), I8)
    yield transpose((25, 190, 8), (1, 2, 0), I8)
    yield transpose((25, 190, 8), (1, 0, 2), I8)
    yield transpose((95, 8, 25), (2, 0, 1), I16)
    yield transpose((49, 49), (1, 0), I8)
    yield transpose((16, 24), (1, 0), I16)
