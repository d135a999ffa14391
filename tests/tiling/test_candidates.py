"""Every candidate of a tiler, not only the cheapest: each byte of the result is written once."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.ir import DType, Graph, Node, Quantization, TensorType, Value, create
from edgecomp.ir.graph import Attribute
from edgecomp.targets import load_board
from edgecomp.tiling import layers
from edgecomp.tiling.program import Operand, TileProgram
from edgecomp.tiling.search import programs

assert layers  # importing it registers the tilers

STATED: dict[str, Attribute] = {"dtype": "i8", "scale": 0.5, "zero": 0}


def input_(graph: Graph, *shape: int, dtype: DType = DType.I8) -> Value:
    return graph.add_input("x", TensorType(shape, dtype, Quantization(0.5)))


def movement(op: str, x_shape: tuple[int, ...], **attributes: Attribute) -> Node:
    graph = Graph()
    return create(graph, op, [input_(graph, *x_shape)], attributes)


def concat(axis: int, *shapes: tuple[int, ...]) -> Node:
    graph = Graph()
    return create(graph, "concat", [input_(graph, *s) for s in shapes], {"axis": axis})


def gather(indices: list[int]) -> Node:
    graph = Graph()
    index = graph.constant(np.array(indices, np.int64))
    return create(graph, "gather", [input_(graph, 5, 6, 7), index], {"axis": 1})


def table(*shape: int) -> Node:
    graph = Graph()
    entries = graph.constant(np.zeros(256, np.int8), quantization=Quantization(0.5))
    return create(graph, "q_table", [input_(graph, *shape), entries], STATED)


def linear(rows: int, columns: int, depth: int) -> Node:
    graph = Graph()
    weights = graph.constant(np.ones((columns, depth), np.int8))
    ones = [graph.constant(np.ones(columns, np.int32)) for _ in range(2)]
    attributes = {**STATED, "shift": 8, "table": False, "residual": False}
    return create(graph, "q_linear", [input_(graph, rows, depth), weights, *ones], attributes)


def raised_linear(rows: int, columns: int, depth: int, end: str) -> Node:
    """A layer that NE16 may run; ``end`` is what follows the product."""
    graph = Graph()
    x = graph.add_input("x", TensorType((rows, depth), DType.U8, Quantization(0.5, 128)))
    weights = graph.constant(np.ones((columns, depth), np.int8))
    operands = [x, weights, *(graph.constant(np.ones(columns, np.int32)) for _ in range(2))]
    if end == "table":
        operands.append(graph.constant(np.zeros(256, np.int8)))
    elif end == "residual":
        operands.append(input_(graph, rows, columns, dtype=DType.I16))
    dtype = "i8" if end == "table" else "i16"
    flags = {end: True} if end in ("table", "residual") else {}
    attributes = {**STATED, "dtype": dtype, "shift": 8, **flags}
    return create(graph, "q_linear", operands, attributes)


def raised_mlp(rows: int, hidden: int, columns: int, depth: int) -> Node:
    graph = Graph()
    x = graph.add_input("x", TensorType((rows, depth), DType.U8, Quantization(0.5, 128)))
    w1 = graph.constant(np.ones((hidden, depth), np.int8))
    w2 = graph.constant(np.ones((columns, hidden), np.int8))
    first, second = ([graph.constant(np.ones(n, np.int32))] * 2 for n in (hidden, columns))
    entries = graph.constant(np.zeros(256, np.int8))
    residual = input_(graph, rows, columns, dtype=DType.I16)
    operands = [x, w1, *first, entries, w2, *second, residual]
    attributes = {**STATED, "dtype": "i16", "shift1": 8, "shift2": 8, "residual": True}
    return create(graph, "q_mlp", operands, attributes)


def every_program(node: Node) -> list[TileProgram]:
    """What all tilers yield, of all engines."""
    engines = load_board("gap9_evk").engines
    return [program for engine in engines for program in programs(node, engine)]


def attention(batch: int, queries: int, keys: int, heads: int) -> Node:
    graph = Graph()
    q, k, v = (input_(graph, batch, n, heads * 8) for n in (queries, keys, keys))
    entries = graph.constant(np.full(256, 255, np.uint8))
    attributes = {"heads": heads, "head_dim": 8, "value_dim": 8, "v_zero": 0}
    attributes |= {f"score_{name}": 0 for name in ("limit", "multiplier", "shift")}
    attributes |= {"multiplier": 1, "bias": 0, "shift": 0}
    return create(graph, "q_attention", [q, k, v, entries], {**STATED, **attributes})


NODES = {
    "transpose": movement("transpose", (6, 5, 4, 3), permutation=(3, 1, 0, 2)),
    "transpose 2-D": movement("transpose", (50, 33), permutation=(1, 0)),
    "slice": movement("slice", (6, 9, 8), starts=(1, 2, 3), stops=(6, 9, 8), steps=(2, 3, 1)),
    "expand": movement("expand", (6, 1, 7), shape=(3, 6, 5, 7)),
    "pad": movement("pad", (6, 5, 4), pads=(0, 1, 0, 0, 2, 3), value=0.0),
    "concat": concat(1, (6, 3, 4), (6, 5, 4)),
    "concat in front": concat(0, (700,), (33,)),
    "gather": gather([4, 2, 0, 5, 5, 1, 3]),
    "table": table(3, 300),
    "linear": linear(37, 29, 24),
    "raised linear": raised_linear(40, 70, 24, "affine"),
    "raised linear, table": raised_linear(40, 70, 24, "table"),
    "raised linear, residual": raised_linear(40, 70, 24, "residual"),
    "raised mlp": raised_mlp(40, 70, 40, 24),
}


def addresses(program: TileProgram, operand: Operand) -> np.ndarray:
    """The bytes that the stores of ``operand`` write, in order."""
    keys = program.at_steps(operand.key)
    last = np.append(keys[1:] != keys[:-1], True)
    region = operand.region
    fields = (region.offset, region.planes, region.rows, region.length)
    written = []
    for step in np.flatnonzero(last):
        offset, planes, rows, length = (int(program.at_steps(f)[step]) for f in fields)
        plane, row, byte = np.ogrid[:planes, :rows, :length]
        at = offset + plane * region.plane_stride + row * region.row_stride + byte
        written.append(at.ravel())
    return np.concatenate(written)


@pytest.mark.parametrize("name", NODES)
def test_every_candidate_writes_every_byte_once(name: str) -> None:
    node = NODES[name]
    programs = [program for program in every_program(node) if program.steps <= 400]
    assert len(programs) > 1
    for program in programs:
        program.check()
        stores = [addresses(program, o) for o in program.operands if o.direction == "out"]
        written = np.sort(np.concatenate(stores))
        assert np.array_equal(written, np.arange(node.output.type.bytes)), program.order


@pytest.mark.parametrize("name", NODES)
def test_a_tile_changes_only_with_its_key(name: str) -> None:
    """Transfers happen when the key changes; the region must not move in between."""
    node = NODES[name]
    for program in every_program(node):
        for operand in program.operands:
            keys = program.at_steps(operand.key)
            kept = keys[1:] == keys[:-1]
            region = operand.region
            for field in (region.offset, region.length, region.rows, region.planes):
                values = program.at_steps(field)
                assert np.array_equal(values[1:][kept], values[:-1][kept])
            assert operand.buffers == (1 if kept.all() else 2)


@pytest.mark.parametrize("sizes", [(1, 40, 40, 1), (1, 40, 24, 3), (2, 9, 50, 2), (1, 1, 8, 4)])
def test_attention_interleaves_every_tile_of_values_once(sizes: tuple[int, int, int, int]) -> None:
    """In the step that first uses it: a second time would undo it."""
    node = attention(*sizes)
    programs = every_program(node)
    for program in programs:
        [values] = [operand for operand in program.operands if operand.name == "v"]
        keys = program.at_steps(values.key)
        tile = np.cumsum(np.append(True, keys[1:] != keys[:-1]))
        uses = np.flatnonzero(active(program, "attention_values"))
        tiles, first = np.unique(tile[uses], return_index=True)
        assert np.array_equal(tiles, np.unique(tile))
        assert np.array_equal(np.flatnonzero(active(program, "attention_interleave")), uses[first])


def active(program: TileProgram, kernel: str) -> np.ndarray:
    """The steps at which ``kernel`` is called."""
    [call] = [call for call in program.calls if call.kernel == kernel]
    steps = np.ones(program.steps, bool)
    for index, value in call.when:
        steps &= program.at_steps(index) == value
    return steps
