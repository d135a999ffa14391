"""Tiles of ``q_attention`` on NE16: one head and a block of queries at a time, all keys at once.

The cores first pack keys and values of a head, chunk by chunk, into the engine's weights. Then
blocks of queries pass through four slots: scores on the engine, their softmax on the cores, the
product with the values on the engine, its normalisation on the cores. In one slot the engine works
on two blocks and the cores on two others. Scores and weights of 8 bits lie in the same place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from edgecomp.ir import Node, Value
from edgecomp.ir.stated import optional_integer
from edgecomp.ops.q_attention import narrow_scores
from edgecomp.tiling import ne16
from edgecomp.tiling.candidates import When, buffers_for, requantization, tile_sizes, whole_operand
from edgecomp.tiling.expr import Expr, least, most, wrap
from edgecomp.tiling.ne16_weights import BLOCK
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

_SOFTMAX, _VALUES, _NORMALIZE = 1, 2, 3
"""Lags behind the scores."""


def _refuses(node: Node) -> str:
    refused = next(filter(None, map(ne16.refused_input, node.inputs[:3])), "")
    if not refused and not narrow_scores(node):
        refused = "scores of more than 8 bits"
    return refused or ne16.refused_multipliers(node.integer("score_multiplier"))


@tiler("q_attention", engine="ne16", refuses=_refuses)
def attention(node: Node) -> Iterator[TileProgram]:
    """Query blocks by chunks of keys; raised operands and 8-bit scores only."""
    queries, keys = node.inputs[0].shape[-2], node.inputs[1].shape[-2]
    for query_step, chunk in product(ne16.row_sizes(queries, 14), tile_sizes(keys, BLOCK, 6)):
        yield _Tiles(node, query_step, chunk).program()


@lru_cache(maxsize=64)
def _multipliers(multiplier: int, keys: int) -> Value:
    """One multiplier for the scores of all keys."""
    return ne16.multipliers(np.full(keys, multiplier), "score_multiplier")


@dataclass
class _Tiles:
    node: Node
    query_step: int
    chunk: int

    def __post_init__(self) -> None:
        node = self.node
        self.q, self.k, self.v = node.inputs[:3]
        self.keys = self.k.shape[-2]
        self.depth, self.value_dim = node.integer("head_dim"), node.integer("value_dim")
        queries, heads = self.q.shape[-2], node.integer("heads")
        self.b = Loop("b", self.q.type.size // (queries * self.q.shape[-1]), 1)
        self.h = Loop("h", heads, 1)
        self.m = Loop("m", queries, self.query_step)
        self.c = Loop("c", self.keys, self.chunk)
        self.packing = 2 * self.c.trips
        self.j = Loop("j", self.packing + self.m.trips, 1)
        self.head = self.b.index * heads + self.h.index
        self.step = self.head * self.j.trips + self.j.index
        self.key_chunk = least(self.j.index, self.c.trips - 1)
        after = most(self.j.index, self.c.trips) - self.c.trips
        self.value_chunk = least(after, self.c.trips - 1)
        self.block = most(self.j.index, self.packing) - self.packing
        self.rows = self.m.size_of(self.block)
        self.pitch = ne16.fast_pitch(self.keys)
        self.query_phase: When = ((least(self.j.index // self.packing, 1), 1),)

    def program(self) -> TileProgram:
        calls = (
            self._pack_keys(),
            self._pack_values(),
            self._scores(),
            self._softmax(),
            self._values(),
            self._normalize(),
        )
        title = (
            f"q_attention on NE16, {self.h.extent} heads, {self.m.extent} x {self.keys}, "
            f"{self.depth} and {self.value_dim} wide"
        )
        loops = (self.b, self.h, self.j)
        scratch = tuple(self._scratch())
        return TileProgram(loops, tuple(self._operands()), calls, scratch, order=title)

    def _scratch(self) -> Iterator[Scratch]:
        rows = self.m.step
        whole = -(-self.keys // ne16.COLUMNS) * ne16.COLUMNS
        yield Scratch("keys", self.keys * ne16.packed_bytes(self.depth), self.head)
        yield Scratch("key_bias", 4 * whole, self.head)
        yield Scratch("values", self.value_dim * ne16.packed_bytes(self.keys), self.head)
        yield Scratch("scores", rows * self.pitch, self.step)
        yield Scratch("sums", 4 * rows, self.step)
        yield Scratch("acc", 4 * rows * self.value_dim, self.step)

    def _operands(self) -> Iterator[Operand]:
        node, head = self.node, self.head
        tile = head * self.m.trips + self.block
        moves = buffers_for(self.b, self.h, self.m)
        yield Operand("q", self.q, "in", self._queries(), tile, moves)
        yield self._chunks("k", self.k, self.depth, self.key_chunk)
        yield self._chunks("v", self.v, self.value_dim, self.value_chunk)
        yield whole_operand("exp_table", node.inputs[3])
        yield whole_operand("multiplier", _multipliers(node.integer("score_multiplier"), self.keys))
        yield Operand("y", node.output, "out", self._result(), tile, moves)

    def _queries(self) -> Region:
        width = self.q.shape[-1]
        start = (self.b.index * self.m.extent + self.block * self.m.step) * width
        column = self.h.index * self.depth + optional_integer(self.node, "q_offset")
        return Region.block(start + column, self.rows, self.depth, width)

    def _chunks(self, name: str, tensor: Value, depth: int, chunk: Expr) -> Operand:
        width = tensor.shape[-1]
        start = (self.b.index * self.keys + chunk * self.chunk) * width
        column = self.h.index * depth + optional_integer(self.node, f"{name}_offset")
        region = Region.block(start + column, self.c.size_of(chunk), depth, width)
        key = self.head * self.c.trips + chunk
        return Operand(name, tensor, "in", region, key, buffers_for(self.b, self.h, self.c))

    def _result(self) -> Region:
        size = self.node.output.type.dtype.bytes
        width = self.node.output.shape[-1] * size
        start = (self.b.index * self.m.extent + self.block * self.m.step) * width
        column = self.h.index * (self.value_dim * size)
        return Region.block(start + column, self.rows, self.value_dim * size, width)

    # ---- what the cores do once a head ----------------------------------------------------------

    def _pack_keys(self) -> Call:
        first = self.key_chunk * self.chunk
        size = self.c.size_of(self.key_chunk)
        arguments: dict[str, Argument] = {
            "x": Pointer("k"),
            "y": Pointer("keys", first * ne16.packed_bytes(self.depth)),
            "bias": Pointer("key_bias", first * 4),
            "outputs": size,
            "depth": wrap(self.depth),
            "x_stride": wrap(self.depth),
            "multiplier": Scalar(self.node.integer("score_multiplier")),
            "offset": Scalar(self.node.integer("score_offset")),
        }
        when = ((least(self.j.index // self.c.trips, 1), 0),)
        outputs = frozenset({"y", "bias"})
        work = size * self.depth
        return Call("ne16_pack_rows", arguments, work, rows=size, when=when, outputs=outputs)

    def _pack_values(self) -> Call:
        size = self.c.size_of(self.value_chunk)
        planes = self.chunk // BLOCK * BLOCK * ne16.WEIGHT_BITS // 8
        arguments: dict[str, Argument] = {
            "x": Pointer("v"),
            "y": Pointer("values", self.value_chunk * planes),
            "outputs": wrap(self.value_dim),
            "depth": size,
            "x_stride": wrap(self.value_dim),
            "y_stride": wrap(ne16.packed_bytes(self.keys)),
        }
        when = (
            (least(self.j.index // self.c.trips, 1), 1),
            (least(self.j.index // self.packing, 1), 0),
        )
        return Call("ne16_pack_columns", arguments, size * self.value_dim, rows=size, when=when)

    # ---- what happens to a block of queries ------------------------------------------------------

    def _scores(self) -> Call:
        requantization = ne16.Requantization(
            Pointer("multiplier"), Pointer("key_bias"), Scalar(self.node.integer("score_shift"))
        )
        return ne16.product(
            Pointer("q"),
            Pointer("keys"),
            Pointer("scores"),
            self.rows,
            wrap(self.keys),
            self.depth,
            self.depth,
            self.pitch,
            "I8",
            requantization,
            when=self.query_phase,
        )

    def _softmax(self) -> Call:
        arguments: dict[str, Argument] = {
            "scores": Pointer("scores"),
            "exp_table": Pointer("exp_table"),
            "p": Pointer("scores"),
            "sums": Pointer("sums"),
            "rows": self.rows,
            "columns": wrap(self.keys),
            "scores_stride": wrap(self.pitch),
            "p_stride": wrap(self.pitch),
        }
        return Call(
            "attention_softmax_i8",
            arguments,
            self.rows * self.keys,
            rows=self.rows,
            when=self.query_phase,
            lag=_SOFTMAX,
            outputs=frozenset({"p", "sums"}),
        )

    def _values(self) -> Call:
        return ne16.product(
            Pointer("scores"),
            Pointer("values"),
            Pointer("acc"),
            self.rows,
            wrap(self.value_dim),
            self.keys,
            self.pitch,
            self.value_dim,
            "I32",
            None,
            when=self.query_phase,
            lag=_VALUES,
        )

    def _normalize(self) -> Call:
        node = self.node
        arguments: dict[str, Argument] = {
            "acc": Pointer("acc"),
            "sums": Pointer("sums"),
            "y": Pointer("y"),
            "rows": self.rows,
            "depth": wrap(self.value_dim),
            "acc_stride": wrap(self.value_dim),
            "y_stride": wrap(self.value_dim),
            "v_zero": Scalar(node.integer("v_zero")),
            **requantization(node),
            "y_type": c_type(node.output),
        }
        work = self.rows * self.value_dim
        return Call(
            "attention_normalize",
            arguments,
            work,
            rows=self.rows,
            when=self.query_phase,
            lag=_NORMALIZE,
        )
