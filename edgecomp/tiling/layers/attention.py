"""Tiles of ``q_attention``: one head and a block of queries at a time, keys and values in blocks.

Scores of a query block stay in L1 as whole rows, so that the softmax sees all of a row; its
weights take their place. Rows of 8-bit scores begin at multiples of four bytes. Keys and
values pass through in blocks: first all keys, then all values. Where the keys of a head fit in
one block they are loaded once per head. Values are interleaved in place whenever they are loaded.

Products go by words of four bytes. Where heads are no whole words, their rows are brought into
scratch memory with zeros behind them; where a block of keys is none, so are its values, with rows
of zeros below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from edgecomp.ir import DType, Node, Value
from edgecomp.ops.q_attention import narrow_scores
from edgecomp.tiling.candidates import (
    ROWS_MULTIPLE,
    When,
    buffers_for,
    first_uses,
    lowering,
    requantization,
    round_up,
    tile_sizes,
    whole_operand,
)
from edgecomp.tiling.expr import Expr, is_zero, least, most, wrap
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
    TileProgram,
    c_type,
)
from edgecomp.tiling.search import tiler
from edgecomp.tiling.words import FEWEST_ROWS, WORD, padded, padding


@tiler("q_attention")
def attention(node: Node) -> Iterator[TileProgram]:
    """Query blocks by key blocks; with one key block also without double-buffered keys."""
    queries, keys = node.inputs[0].shape[-2], node.inputs[1].shape[-2]
    sizes = product([*tile_sizes(queries, ROWS_MULTIPLE, 14), 1], tile_sizes(keys, 4, 8))
    for query_step, key_step in dict.fromkeys(sizes):
        yield _Tiles(node, query_step, key_step, True).program()
        if key_step == keys:
            yield _Tiles(node, query_step, key_step, False).program()


@dataclass
class _Tiles:
    node: Node
    query_step: int
    key_step: int
    overlap_heads: bool

    def __post_init__(self) -> None:
        node = self.node
        self.q, self.k, self.v = node.inputs[:3]
        self.queries, self.keys = self.q.shape[-2], self.k.shape[-2]
        self.depth, self.value_dim = node.integer("head_dim"), node.integer("value_dim")
        self.narrow = narrow_scores(node)
        self.scores_type = DType.I8 if self.narrow else DType.I32
        self.scores_stride = round_up(self.keys, 4) if self.narrow else self.keys
        self.p_stride = self.scores_stride * self.scores_type.bytes
        many = self.queries >= FEWEST_ROWS
        self.pads_depth = many and self.depth % WORD != 0
        self.pads_values = many and (self.value_dim % WORD != 0 or self.keys % WORD != 0)
        self.width = round_up(self.depth, WORD) if self.pads_depth else self.depth
        self.value_width = round_up(self.value_dim, WORD) if self.pads_values else self.value_dim
        heads = node.integer("heads")
        batch = self.q.type.size // (self.queries * self.q.shape[-1])
        self.b = Loop("b", batch, 1)
        self.h = Loop("h", heads, 1)
        self.m = Loop("m", self.queries, self.query_step)
        blocks = -(-self.keys // self.key_step)
        self.blocks = blocks
        self.j = Loop("j", 2 * blocks if blocks > 1 else 1, 1)
        self.head = self.b.index * heads + self.h.index
        self.key_block = least(self.j.index, blocks - 1) if blocks > 1 else wrap(0)
        self.value_block = most(self.j.index, blocks) - blocks if blocks > 1 else wrap(0)

    def program(self) -> TileProgram:
        rows = self.m.step
        scratch = (
            Scratch("scores", rows * self.scores_stride * self.scores_type.bytes),
            Scratch("sums", rows * 4),
            Scratch("acc", rows * self.value_width * 4),
            *self._padded_rows(),
        )
        loops = (self.b, self.h, self.m, self.j)
        operands = {operand.name: operand for operand in self._operands()}
        calls = (
            *lowering(operands["q"], first_uses(loops[:3], loops)),
            *lowering(operands["k"], self._new_keys()),
            *lowering(operands["v"], self._new_values()),
            *self._paddings(first_uses(loops[:3], loops)),
            self._scores(),
            self._softmax(),
            self._interleave(),
            self._values(),
            self._normalize(),
        )
        title = (
            f"q_attention {self.h.extent} heads, {self.queries} x {self.keys}, "
            f"{self.depth} and {self.value_dim} wide"
        )
        return TileProgram(loops, tuple(operands.values()), calls, scratch, order=title)

    def _padded_rows(self) -> Iterator[Scratch]:
        """Memory for the rows that are made whole words."""
        rows = round_up(self.key_step, WORD)
        if self.pads_depth:
            yield Scratch(padded("q"), self.m.step * self.width, self._query_tile())
            yield Scratch(padded("k"), self.key_step * self.width, self._key_tile(self.key_block))
        if self.pads_values:
            yield Scratch(padded("v"), rows * self.value_width, self._key_tile(self.value_block))

    def _paddings(self, new_queries: When) -> Iterator[Call]:
        """What makes them."""
        if self.pads_depth:
            yield padding("q", self.m.size, self.depth, self.m.size, new_queries)
            keys = self._block_size(self.key_block)
            yield padding("k", keys, self.depth, keys, self._new_keys())
        if self.pads_values:
            keys = self._block_size(self.value_block)
            rows = self._value_rows()
            yield padding("v", keys, self.value_dim, rows, self._new_values())

    def _value_rows(self) -> Expr:
        """Rows of a block of values in L1."""
        rows = self._block_size(self.value_block)
        return (rows + (WORD - 1)) // WORD * WORD if self.pads_values else rows

    def _query_tile(self) -> Expr:
        return self.head * self.m.trips + self.m.index

    def _key_tile(self, block: Expr) -> Expr:
        return self.head * self.blocks + block

    def _operands(self) -> Iterator[Operand]:
        node, tile = self.node, self._query_tile()
        yield Operand("q", self.q, "in", self._queries(), tile, buffers_for(self.b, self.h, self.m))
        yield self._keys_operand("k", self.k, self.depth, self.key_block)
        yield self._keys_operand("v", self.v, self.value_dim, self.value_block)
        yield whole_operand("exp_table", node.inputs[3])
        if len(node.inputs) == 5:
            yield self._bias_operand(node.inputs[4])
        yield Operand("y", node.output, "out", self._result(), tile, 2)

    def _offset(self, name: str) -> int:
        value = self.node.attributes.get(f"{name}_offset", 0)
        return int(value) if isinstance(value, int) else 0

    def _queries(self) -> Region:
        width = self.q.shape[-1]
        start = (self.b.index * self.queries + self.m.start) * width
        column = self.h.index * self.depth + self._offset("q")
        return Region.block(start + column, self.m.size, self.depth, width)

    def _keys_operand(self, name: str, tensor: Value, depth: int, block: Expr) -> Operand:
        width = tensor.shape[-1]
        first = block * self.key_step
        start = (self.b.index * self.keys + first) * width
        column = self.h.index * depth + self._offset(name)
        region = Region.block(start + column, self._block_size(block), depth, width)
        key = self._key_tile(block)
        moves = buffers_for(self.b, self.h, self.j)
        return Operand(name, tensor, "in", region, key, moves if self.overlap_heads else 1)

    def _bias_operand(self, bias: Value) -> Operand:
        """The rows of a head; those of the whole batch where ``bias`` is one for each."""
        each = bias.type.rank > 3
        head = self.head if each else self.h.index
        pitch = self.keys * 4
        start = (head * self.queries + self.m.start) * pitch
        region = Region.contiguous(start, self.m.size * pitch)
        key = head * self.m.trips + self.m.index
        return Operand(
            "score_bias",
            bias,
            "in",
            region,
            key,
            buffers_for(self.b if each else self.h, self.h, self.m),
        )

    def _block_size(self, block: Expr) -> Expr:
        if self.keys % self.key_step == 0:
            return wrap(self.key_step)
        return least(self.key_step, self.keys - block * self.key_step)

    def _result(self) -> Region:
        size = self.node.output.type.dtype.bytes
        width = self.node.output.shape[-1] * size
        start = (self.b.index * self.queries + self.m.start) * width
        column = self.h.index * (self.value_dim * size)
        return Region.block(start + column, self.m.size, self.value_dim * size, width)

    def _phase(self, phase: int) -> When:
        return ((self.j.index // self.blocks, phase),) if self.blocks > 1 else ()

    def _at(self, step: int) -> When:
        return ((self.j.index, step),) if self.blocks > 1 else ()

    def _new_keys(self) -> When:
        """When the tile of keys is a new one."""
        return self._phase(0) if self.blocks > 1 else self._first_queries()

    def _new_values(self) -> When:
        """When a new tile of values is first used."""
        return self._phase(1) if self.blocks > 1 else self._first_queries()

    def _first_queries(self) -> When:
        return ((self.m.index, 0),) if self.m.trips > 1 else ()

    def _scores(self) -> Call:
        columns = self._block_size(self.key_block)
        biased = len(self.node.inputs) == 5
        arguments: dict[str, Argument] = {
            "q": Pointer(padded("q") if self.pads_depth else "q"),
            "k": Pointer(padded("k") if self.pads_depth else "k"),
            "scores": Pointer("scores"),
            "rows": self.m.size,
            "columns": columns,
            "depth": wrap(self.width),
            "q_stride": wrap(self.width),
            "k_stride": wrap(self.width),
            "scores_stride": wrap(self.scores_stride),
            "first_column": self.key_block * self.key_step,
        }
        if self.narrow:
            arguments["multiplier"] = Scalar(self.node.integer("score_multiplier"))
            arguments["bias"] = Scalar(self.node.integer("score_offset"))
            arguments["shift"] = Scalar(self.node.integer("score_shift"))
        else:
            arguments["score_bias"] = Pointer("score_bias") if biased else Null()
            arguments["score_bias_stride"] = wrap(self.keys)
        work = self.m.size * columns
        macs = work * self.width
        outputs = frozenset({"scores"})
        return Call(
            "attention_scores_i8" if self.narrow else "attention_scores",
            arguments,
            work,
            macs,
            self.m.size,
            self._phase(0),
            outputs=outputs,
        )

    def _softmax(self) -> Call:
        arguments: dict[str, Argument] = {
            "scores": Pointer("scores"),
            "exp_table": Pointer("exp_table"),
            "p": Pointer("scores"),
            "sums": Pointer("sums"),
            "rows": self.m.size,
            "columns": wrap(self.keys),
            "scores_stride": wrap(self.scores_stride),
            "p_stride": wrap(self.p_stride),
        }
        if not self.narrow:
            for name in ("limit", "multiplier", "shift"):
                arguments[name] = Scalar(self.node.integer(f"score_{name}"))
        return Call(
            "attention_softmax_i8" if self.narrow else "attention_softmax",
            arguments,
            self.m.size * self.keys,
            rows=self.m.size,
            when=self._at(self.blocks - 1),
            outputs=frozenset({"p", "sums"}),
        )

    def _interleave(self) -> Call:
        rows = self._value_rows()
        arguments: dict[str, Argument] = {
            "v": self._values_pointer(),
            "columns": rows,
            "depth": wrap(self.value_width),
            "v_stride": wrap(self.value_width),
        }
        when = self._new_values()
        work = rows * self.value_width
        outputs = frozenset({"v"})
        return Call("attention_interleave", arguments, work, when=when, outputs=outputs)

    def _values_pointer(self) -> Pointer:
        return Pointer(padded("v") if self.pads_values else "v")

    def _values(self) -> Call:
        rows = self._value_rows()
        arguments: dict[str, Argument] = {
            "p": Pointer("scores"),
            "v": self._values_pointer(),
            "acc": Pointer("acc"),
            "rows": self.m.size,
            "columns": rows,
            "depth": wrap(self.value_width),
            "p_stride": wrap(self.p_stride),
            "v_stride": wrap(self.value_width),
            "acc_stride": wrap(self.value_width),
            "first_column": self.value_block * self.key_step,
            "first": is_zero(self.value_block),
        }
        work = self.m.size * self.value_width
        return Call(
            "attention_values",
            arguments,
            work,
            work * rows,
            self.m.size,
            self._phase(1),
            outputs=frozenset({"acc"}),
        )

    def _normalize(self) -> Call:
        node = self.node
        arguments: dict[str, Argument] = {
            "acc": Pointer("acc"),
            "sums": Pointer("sums"),
            "y": Pointer("y"),
            "rows": self.m.size,
            "depth": wrap(self.value_dim),
            "acc_stride": wrap(self.value_width),
            "y_stride": wrap(self.value_dim),
            "v_zero": Scalar(node.integer("v_zero")),
            **requantization(node),
            "y_type": c_type(node.output),
        }
        work = self.m.size * self.value_dim
        when = self._at(2 * self.blocks - 1)
        return Call("attention_normalize", arguments, work, rows=self.m.size, when=when)
