"""Tiles of ``q_linear``: blocks of rows by blocks of output channels, the depth whole.

A depth that is no whole words is made one in L1.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from edgecomp.ir import Node
from edgecomp.tiling.candidates import (
    COLUMNS_MULTIPLE,
    ROWS_MULTIPLE,
    block_operand,
    first_uses,
    lowering,
    round_up,
    row_operand,
    tile_sizes,
    vector_operand,
    whole_operand,
)
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.normalization import (
    NORMALIZED,
    normalization,
    normalized_rows,
    normalizes,
)
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Null,
    Operand,
    Pointer,
    Scalar,
    Scratch,
    Symbol,
    TileProgram,
    c_type,
)
from edgecomp.tiling.search import tiler
from edgecomp.tiling.words import FEWEST_ROWS, WORD, padded, padding


@tiler("q_linear")
def linear(node: Node) -> Iterator[TileProgram]:
    """All row and channel tile sizes, in both loop orders; rows outside where they are normalised.

    Rows are then normalised once.
    """
    columns, depth = node.inputs[1].shape
    rows = node.inputs[0].type.size // depth
    sizes = product(
        [*tile_sizes(rows, ROWS_MULTIPLE), 1], [*tile_sizes(columns, COLUMNS_MULTIPLE), 1]
    )
    for row_step, column_step in dict.fromkeys(sizes):
        m, n = Loop("m", rows, row_step), Loop("n", columns, column_step)
        yield _program(node, m, n, (m, n), depth)
        if m.trips > 1 and n.trips > 1 and not normalizes(node):
            yield _program(node, m, n, (n, m), depth)


def _program(node: Node, m: Loop, n: Loop, order: tuple[Loop, ...], depth: int) -> TileProgram:
    x, w, multiplier, bias = node.inputs[:4]
    operands = [
        row_operand("x", x, m, depth),
        row_operand("w", w, n, depth),
        vector_operand("multiplier", multiplier, n),
        vector_operand("bias", bias, n),
    ]
    table: Argument = Null()
    residual: Argument = Null()
    if node.attributes.get("table"):
        operands.append(whole_operand("table", node.inputs[4]))
        table = Pointer("table")
    if node.attributes.get("residual"):
        operands.append(block_operand("residual", node.inputs[4], m, n))
        residual = Pointer("residual")
    operands.append(_result(node, m, n))
    odd = depth % WORD != 0 and m.extent >= FEWEST_ROWS and not normalizes(node)
    width = round_up(depth, WORD) if odd else depth
    arguments: dict[str, Argument] = {
        "x": Pointer(NORMALIZED if normalizes(node) else padded("x") if odd else "x"),
        "w": Pointer(padded("w") if odd else "w"),
        "multiplier": Pointer("multiplier"),
        "bias": Pointer("bias"),
        "table": table,
        "residual": residual,
        "y": Pointer("y"),
        "rows": m.size,
        "columns": n.size,
        "depth": wrap(width),
        "x_stride": wrap(width),
        "w_stride": wrap(width),
        "residual_stride": n.size,
        "y_stride": n.size,
        "shift": Scalar(node.integer("shift")),
        "y_type": Symbol("EC_I8") if node.attributes.get("table") else c_type(node.output),
    }
    work = m.size * n.size
    call = Call("linear", arguments, elements=work, macs=work * width, rows=m.size)
    title = f"q_linear [{m.extent}, {depth}] x [{depth}, {n.extent}]"
    new_rows = first_uses([m], order)
    if normalizes(node):
        norm = normalization(node, "x", m.size, depth, new_rows)
        scratch = (normalized_rows(m, depth),)
        return TileProgram(order, tuple(operands), (norm, call), scratch, order=title)
    lowered = lowering(operands[0], new_rows)
    if odd:
        new_channels = first_uses([n], order)
        paddings = (
            padding("x", m.size, depth, m.size, new_rows),
            padding("w", n.size, depth, n.size, new_channels),
        )
        words = (
            Scratch(padded("x"), m.step * width, m.index),
            Scratch(padded("w"), n.step * width, n.index),
        )
        calls = (*lowered, *paddings, call)
        return TileProgram(order, tuple(operands), calls, words, order=title)
    return TileProgram(order, tuple(operands), (*lowered, call), order=title)


def _result(node: Node, m: Loop, n: Loop) -> Operand:
    return block_operand("y", node.output, m, n, "out")
