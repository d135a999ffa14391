"""Transposes and broadcasts in the tiles of Tiny-BioMoE's and EEG-DINO's layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.kernels.case import DTYPES, I8, I16, NAMES, Case, Scalars, evaluate, integers


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
    return Case("copy", text, {"x": x, "y": y}, scalars, "y", view.copy(), x.size, rate="transpose")


def move_cases() -> Iterator[Case]:
    """Strides of powers of two and others; axes of two and of three elements."""
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
