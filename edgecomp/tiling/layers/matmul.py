"""Tiles of ``q_matmul``: blocks of rows by blocks of columns, the depth whole.

A tile of ``b`` is packed by columns whenever it is loaded, and filled up to words; columns that are
rows of whole words are taken as they are. What the zero points add to the sums is computed once a
load of either operand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from edgecomp.ir import Node
from edgecomp.ir.stated import flag, optional_integer
from edgecomp.tiling.boxes import collapse
from edgecomp.tiling.candidates import (
    COLUMNS_MULTIPLE,
    ROWS_MULTIPLE,
    When,
    buffers_for,
    first_uses,
    requantization,
    round_up,
    tile_sizes,
)
from edgecomp.tiling.expr import Expr, wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Operand,
    Pointer,
    Region,
    Scalar,
    Scratch,
    TileProgram,
    c_type,
)
from edgecomp.tiling.search import tiler


@tiler("q_matmul")
def matmul(node: Node) -> Iterator[TileProgram]:
    """All row and column tile sizes, matrix by matrix of the batch; either operand may stay."""
    rows, columns = node.output.shape[-2:]
    sizes = product(
        [*tile_sizes(rows, ROWS_MULTIPLE), 1], [*tile_sizes(columns, COLUMNS_MULTIPLE), 1]
    )
    for row_step, column_step in dict.fromkeys(sizes):
        tiles = _Tiles(node, row_step, column_step)
        yield tiles.program((tiles.m, tiles.n))
        if tiles.m.trips > 1 and tiles.n.trips > 1:
            yield tiles.program((tiles.n, tiles.m))


@dataclass
class _Tiles:
    node: Node
    row_step: int
    column_step: int

    def __post_init__(self) -> None:
        node = self.node
        self.a, self.b = node.inputs
        self.depth = self.a.shape[-1]
        self.row = round_up(self.depth, 4)
        self.transposed = flag(node, "transpose_b")
        self.packs = not self.transposed or self.row != self.depth
        rows, columns = node.output.shape[-2:]
        self.m, self.n = Loop("m", rows, self.row_step), Loop("n", columns, self.column_step)
        self.shapes = collapse([self.a.shape[:-2], self.b.shape[:-2]], node.output.shape[:-2])
        self.batch = tuple(Loop(f"b{i}", size, 1) for i, size in enumerate(self.shapes[-1]))
        bases = [_matrix(shape, self.batch) for shape in self.shapes]
        self.a_base, self.b_base, self.y_base = bases
        self.a_key = self.a_base * self.m.trips + self.m.index
        self.b_key = self.b_base * self.n.trips + self.n.index

    def program(self, order: tuple[Loop, Loop]) -> TileProgram:
        """The operand of the inner loop's tiles passes, the other one stays."""
        loops = (*self.batch, *order)
        a_new = first_uses((*self._moving(self.shapes[0]), self.m), loops)
        b_new = first_uses((*self._moving(self.shapes[1]), self.n), loops)
        packed = Scratch("packed", self.n.step * self.row, self.b_key)
        scratch = (
            Scratch("row_terms", 4 * self.m.step, self.a_key),
            Scratch("column_terms", 4 * self.n.step, self.b_key),
            *([packed] if self.packs else []),
        )
        calls = (
            self._row_terms(a_new),
            *([self._pack(b_new)] if self.packs else []),
            self._column_terms(b_new),
            self._product(),
        )
        title = f"q_matmul {list(self.a.shape)} x {list(self.b.shape)}"
        return TileProgram(loops, self._operands(), calls, scratch, order=title)

    def _moving(self, shape: Sequence[int]) -> list[Loop]:
        """The loops over the batch that an operand of this batch shape is not repeated by."""
        return [loop for size, loop in zip(shape, self.batch, strict=True) if size != 1]

    def _operands(self) -> tuple[Operand, ...]:
        m, n, depth, y = self.m, self.n, self.depth, self.node.output
        a_region = Region.contiguous((self.a_base * m.extent + m.start) * depth, m.size * depth)
        if self.transposed:
            start = (self.b_base * n.extent + n.start) * depth
            b_region = Region.contiguous(start, n.size * depth)
        else:
            start = self.b_base * (depth * n.extent) + n.start
            b_region = Region.block(start, depth, n.size, n.extent)
        size = y.type.dtype.bytes
        y_start = ((self.y_base * m.extent + m.start) * n.extent + n.start) * size
        y_region = Region.block(y_start, m.size, n.size * size, n.extent * size)
        y_key = (self.y_base * m.trips + m.index) * n.trips + n.index
        batch = self.batch
        return (
            Operand("a", self.a, "in", a_region, self.a_key, buffers_for(*batch, m)),
            Operand("b", self.b, "in", b_region, self.b_key, buffers_for(*batch, n)),
            Operand("y", y, "out", y_region, y_key, buffers_for(*batch, m, n)),
        )

    def _row_terms(self, when: When) -> Call:
        factor = -self.node.integer("zero_b")
        return self._terms("a", "row_terms", self.m.size, self.depth, (factor, 0), when)

    def _column_terms(self, when: When) -> Call:
        zero_a, zero_b = self.node.integer("zero_a"), self.node.integer("zero_b")
        half_step = 1 << optional_integer(self.node, "pre_shift") >> 1
        offset = self.depth * zero_a * zero_b + half_step
        name = "packed" if self.packs else "b"
        return self._terms(name, "column_terms", self.n.size, self.row, (-zero_a, offset), when)

    def _terms(
        self, x: str, terms: str, rows: Expr, depth: int, numbers: tuple[int, int], when: When
    ) -> Call:
        factor, offset = numbers
        arguments: dict[str, Argument] = {
            "x": Pointer(x),
            "terms": Pointer(terms),
            "rows": rows,
            "depth": wrap(depth),
            "x_stride": wrap(depth),
            "factor": Scalar(factor),
            "offset": Scalar(offset),
        }
        outputs = frozenset({"terms"})
        return Call("matmul_terms", arguments, rows * depth, rows=rows, when=when, outputs=outputs)

    def _pack(self, when: When) -> Call:
        columns = self.n.size
        arguments: dict[str, Argument] = {
            "b": Pointer("b"),
            "y": Pointer("packed"),
            "columns": columns,
            "depth": wrap(self.depth),
            "b_stride": wrap(self.depth) if self.transposed else columns,
            "y_stride": wrap(self.row),
            "transpose_b": wrap(int(self.transposed)),
        }
        return Call("matmul_pack", arguments, columns * self.row, when=when)

    def _product(self) -> Call:
        node, m, n = self.node, self.m, self.n
        arguments: dict[str, Argument] = {
            "a": Pointer("a"),
            "b": Pointer("packed" if self.packs else "b"),
            "row_terms": Pointer("row_terms"),
            "column_terms": Pointer("column_terms"),
            "y": Pointer("y"),
            "rows": m.size,
            "columns": n.size,
            "depth": wrap(self.depth),
            "a_stride": wrap(self.depth),
            "b_stride": wrap(self.row),
            "y_stride": n.size,
            **requantization(node),
            "pre_shift": Scalar(optional_integer(node, "pre_shift")),
            "y_type": c_type(node.output),
        }
        work = m.size * n.size
        return Call("matmul", arguments, work, work * self.depth, m.size)


def _matrix(shape: Sequence[int], batch: Sequence[Loop]) -> Expr:
    """Index of the operand's matrix; axes of size 1 are broadcast."""
    index: Expr = wrap(0)
    for size, loop in zip(shape, batch, strict=True):
        index = index * size + (loop.index if size != 1 else 0)
    return index
