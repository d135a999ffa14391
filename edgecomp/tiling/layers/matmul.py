"""Tiles of ``q_matmul``: blocks of rows by blocks of columns, the depth whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from edgecomp.ir import Node
from edgecomp.ir.stated import optional_integer
from edgecomp.tiling.boxes import collapse
from edgecomp.tiling.candidates import COLUMNS_MULTIPLE, ROWS_MULTIPLE, buffers_for, tile_sizes
from edgecomp.tiling.expr import Expr, wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Operand,
    Pointer,
    Region,
    Scalar,
    TileProgram,
    c_type,
)
from edgecomp.tiling.search import tiler


@tiler("q_matmul")
def matmul(node: Node) -> Iterator[TileProgram]:
    """All row and column tile sizes, matrix by matrix of the batch."""
    rows, columns = node.output.shape[-2:]
    sizes = product(
        [*tile_sizes(rows, ROWS_MULTIPLE), 1], [*tile_sizes(columns, COLUMNS_MULTIPLE), 1]
    )
    for row_step, column_step in dict.fromkeys(sizes):
        yield _program(node, Loop("m", rows, row_step), Loop("n", columns, column_step))


def _program(node: Node, m: Loop, n: Loop) -> TileProgram:
    a, b = node.inputs
    depth = a.shape[-1]
    transposed = bool(node.attributes.get("transpose_b"))
    shapes = collapse([a.shape[:-2], b.shape[:-2]], node.output.shape[:-2])
    batch = tuple(Loop(f"b{i}", size, 1) for i, size in enumerate(shapes[-1]))
    a_base, b_base, y_base = (_matrix(shape, batch) for shape in shapes)
    moves = [*batch, m, n]
    a_region = Region.contiguous((a_base * m.extent + m.start) * depth, m.size * depth)
    if transposed:
        start = (b_base * n.extent + n.start) * depth
        b_region = Region.contiguous(start, n.size * depth)
    else:
        start = b_base * (depth * n.extent) + n.start
        b_region = Region.block(start, depth, n.size, n.extent)
    size = node.output.type.dtype.bytes
    y_start = ((y_base * m.extent + m.start) * n.extent + n.start) * size
    y_region = Region.block(y_start, m.size, n.size * size, n.extent * size)
    y_key = (y_base * m.trips + m.index) * n.trips + n.index
    operands = (
        Operand("a", a, "in", a_region, a_base * m.trips + m.index, buffers_for(*batch, m)),
        Operand("b", b, "in", b_region, b_base * n.trips + n.index, buffers_for(*batch, n)),
        Operand("y", node.output, "out", y_region, y_key, buffers_for(*moves)),
    )
    arguments: dict[str, Argument] = {
        "a": Pointer("a"),
        "b": Pointer("b"),
        "y": Pointer("y"),
        "rows": m.size,
        "columns": n.size,
        "depth": wrap(depth),
        "a_stride": wrap(depth),
        "b_stride": wrap(depth) if transposed else n.size,
        "y_stride": n.size,
        "transpose_b": wrap(int(transposed)),
        "zero_a": Scalar(node.integer("zero_a")),
        "zero_b": Scalar(node.integer("zero_b")),
        "multiplier": Scalar(node.integer("multiplier")),
        "bias": Scalar(node.integer("bias")),
        "shift": Scalar(node.integer("shift")),
        "pre_shift": Scalar(optional_integer(node, "pre_shift")),
        "y_type": c_type(node.output),
    }
    work = m.size * n.size
    call = Call("matmul", arguments, elements=work, macs=work * depth, rows=m.size)
    title = f"q_matmul {list(a.shape)} x {list(b.shape)}"
    return TileProgram((*batch, m, n), operands, (call,), order=title)


def _matrix(shape: Sequence[int], batch: Sequence[Loop]) -> Expr:
    """Index of the operand's matrix; axes of size 1 are broadcast."""
    index: Expr = wrap(0)
    for size, loop in zip(shape, batch, strict=True):
        index = index * size + (loop.index if size != 1 else 0)
    return index
