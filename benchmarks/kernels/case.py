"""One kernel call with its operands, its expected result and the work that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgecomp.ir import Graph, create, lookup

I8, U8, I16, I32 = range(4)
DTYPES = {I8: np.int8, U8: np.uint8, I16: np.int16, I32: np.int32}
NAMES = {I8: "i8", U8: "u8", I16: "i16"}
RANDOM = np.random.default_rng(1)

Scalars = dict[str, int | tuple[int, ...]]


@dataclass
class Case:
    """One call: its operands, the name of the output among them and what it must become.

    ``work`` is what the cost model charges: products where ``unit`` is MAC/cycle, else elements;
    ``charged_rows`` are its rows where no argument says so, ``rate`` is whose rates it charges
    where those are not the kernel's own.
    ``charged``: elements charged, where not those that are written.
    ``calibrates``: whether rates are fitted to it. Jobs of NE16 do not: alone, their start shows.
    """

    op: str
    shape: str
    arrays: dict[str, np.ndarray]
    scalars: Scalars
    output: str
    expected: np.ndarray
    work: int
    unit: str = "cycles/element"
    calibrates: bool = True
    rate: str = ""
    charged_rows: int = 0
    charged: int = 0

    @property
    def rows(self) -> int:
        """Rows of a matrix, or of the output image; 1 where there are none."""
        if self.charged_rows:
            return self.charged_rows
        rows = self.scalars.get("rows", self.scalars.get("out_height", 1))
        assert isinstance(rows, int)
        return rows

    @property
    def macs(self) -> int:
        """Products."""
        return self.work if self.unit == "MAC/cycle" else 0

    @property
    def elements(self) -> int:
        """Elements written; read, of a pool and a reduction."""
        return self.charged or (self.expected.size if self.macs else self.work)


def integers(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Random values over the whole range."""
    info = np.iinfo(dtype)
    return RANDOM.integers(info.min, int(info.max) + 1, shape).astype(dtype)


def evaluate(op: str, operands: list[np.ndarray], **attributes: Any) -> np.ndarray:
    """The integer reference of an operator."""
    graph = Graph()
    values = [graph.constant(array) for array in operands]
    node = create(graph, op, values, {"scale": 1.0, "zero": 0} | attributes)
    result: np.ndarray = lookup(op).evaluate(node, operands)[0]
    return result


def strided(**arrays: np.ndarray) -> Scalars:
    """The strides of dense matrices."""
    return {f"{name}_stride": array.shape[-1] for name, array in arrays.items()}
