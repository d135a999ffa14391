"""Tiles of ``q_mlp``: blocks of rows, and for each the hidden channels block by block.

The hidden activations of a block live in L1 only; the second product accumulates over blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from edgecomp.ir import Node
from edgecomp.tiling.candidates import (
    COLUMNS_MULTIPLE,
    ROWS_MULTIPLE,
    buffers_for,
    row_operand,
    tile_sizes,
    whole_operand,
)
from edgecomp.tiling.expr import is_zero, wrap
from edgecomp.tiling.program import (
    Argument,
    Call,
    Loop,
    Null,
    Operand,
    Pointer,
    Region,
    Scalar,
    Scratch,
    Symbol,
    TileProgram,
    c_type,
)
from edgecomp.tiling.search import tiler


@tiler("q_mlp")
def mlp(node: Node) -> Iterator[TileProgram]:
    """All row and hidden tile sizes; the hidden loop is the inner one."""
    hidden, depth = node.inputs[1].shape
    rows = node.inputs[0].type.size // depth
    sizes = product(
        [*tile_sizes(rows, ROWS_MULTIPLE, 14), 1], [*tile_sizes(hidden, COLUMNS_MULTIPLE, 14), 1]
    )
    for row_step, hidden_step in dict.fromkeys(sizes):
        m, h = Loop("m", rows, row_step), Loop("h", hidden, hidden_step)
        yield _program(node, m, h, row_buffers=buffers_for(m))
        if m.trips > 1 and h.trips > 1:
            yield _program(node, m, h, row_buffers=1)


def _program(node: Node, m: Loop, h: Loop, row_buffers: int) -> TileProgram:
    """``row_buffers`` is 1 where rows, which change once in ``h.trips`` steps, need no overlap."""
    depth, columns = node.inputs[1].shape[1], node.inputs[5].shape[0]
    operands = _operands(node, m, h, depth, columns, row_buffers)
    scratch = (
        Scratch("hidden", m.step * h.step),
        Scratch("acc", m.step * columns * 4),
    )
    calls = (
        _first_product(node, m, h, depth),
        _second_product(m, h, columns),
        _requantize(node, m, h, columns),
    )
    title = f"q_mlp [{m.extent}, {depth}] -> {h.extent} -> {columns}"
    return TileProgram((m, h), operands, calls, scratch, order=title)


def _operands(
    node: Node, m: Loop, h: Loop, depth: int, columns: int, row_buffers: int
) -> tuple[Operand, ...]:
    inputs = node.inputs
    second = Region.block(h.start, columns, h.size, h.extent)
    found = [
        row_operand("x", inputs[0], m, depth),
        row_operand("w1", inputs[1], h, depth),
        whole_operand("multiplier1", inputs[2]),
        whole_operand("bias1", inputs[3]),
        whole_operand("table", inputs[4]),
        Operand("w2", inputs[5], "in", second, h.index, buffers_for(h)),
        whole_operand("multiplier2", inputs[6]),
        whole_operand("bias2", inputs[7]),
    ]
    if node.attributes.get("residual"):
        rows = row_operand("residual", inputs[8], m, columns)
        found.append(replace(rows, buffers=row_buffers))
    rows = row_operand("y", node.output, m, columns, "out")
    found.append(replace(rows, buffers=row_buffers))
    return tuple(found)


def _first_product(node: Node, m: Loop, h: Loop, depth: int) -> Call:
    arguments: dict[str, Argument] = {
        "x": Pointer("x"),
        "w": Pointer("w1"),
        "multiplier": Pointer("multiplier1", h.start * 4),
        "bias": Pointer("bias1", h.start * 4),
        "table": Pointer("table"),
        "residual": Null(),
        "y": Pointer("hidden"),
        "rows": m.size,
        "columns": h.size,
        "depth": wrap(depth),
        "x_stride": wrap(depth),
        "w_stride": wrap(depth),
        "residual_stride": wrap(0),
        "y_stride": h.size,
        "shift": Scalar(node.integer("shift1")),
        "y_type": Symbol("EC_I8"),
    }
    work = m.size * h.size
    return Call("linear", arguments, elements=work, macs=work * depth, rows=m.size)


def _second_product(m: Loop, h: Loop, columns: int) -> Call:
    arguments: dict[str, Argument] = {
        "x": Pointer("hidden"),
        "w": Pointer("w2"),
        "acc": Pointer("acc"),
        "rows": m.size,
        "columns": wrap(columns),
        "depth": h.size,
        "x_stride": h.size,
        "w_stride": h.size,
        "acc_stride": wrap(columns),
        "first": is_zero(h.index),
    }
    work = m.size * columns
    return Call("linear_accumulate", arguments, elements=work, macs=work * h.size, rows=m.size)


def _requantize(node: Node, m: Loop, h: Loop, columns: int) -> Call:
    has_residual = bool(node.attributes.get("residual"))
    arguments: dict[str, Argument] = {
        "acc": Pointer("acc"),
        "multiplier": Pointer("multiplier2"),
        "bias": Pointer("bias2"),
        "table": Null(),
        "residual": Pointer("residual") if has_residual else Null(),
        "y": Pointer("y"),
        "rows": m.size,
        "columns": wrap(columns),
        "acc_stride": wrap(columns),
        "residual_stride": wrap(columns),
        "y_stride": wrap(columns),
        "shift": Scalar(node.integer("shift2")),
        "y_type": c_type(node.output),
    }
    last = ((h.index, h.trips - 1),) if h.trips > 1 else ()
    return Call("requantize_rows", arguments, elements=m.size * columns, rows=m.size, when=last)
