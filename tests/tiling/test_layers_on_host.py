"""Every tiler against the integer definitions: generated C, small L1, sanitizers on.

Many layers share one project, because compiling is what takes time. Each layer's result is a
network output, so that every byte is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgecomp.codegen import checksum
from edgecomp.codegen.project import ProjectSpec, write_project
from edgecomp.ir import (
    DType,
    Graph,
    Node,
    Quantization,
    TensorType,
    Value,
    create,
    interpret,
    verify,
)
from edgecomp.ops.q_norm import ENTRIES
from edgecomp.pipeline.compile import plan
from edgecomp.simulators import HostSimulator, ProjectRun
from edgecomp.targets import Board, load_board
from edgecomp.tiling import TileProgram, Tiling
from edgecomp.tiling.search import ranked

STATED = {"scale": 0.05, "zero": 0}


def board(l1_bytes: int) -> Board:
    """The evaluation kit with another L1 for planned buffers."""
    kit = load_board("gap9_evk")
    memories = kit.memories.model_copy(update={"l1_bytes": l1_bytes + kit.l1_reserved_bytes})
    return kit.model_copy(update={"memories": memories})


class Builder:
    """Random operands and layers whose results are network outputs."""

    def __init__(self, seed: int) -> None:
        self.graph = Graph("layers")
        self.random = np.random.default_rng(seed)

    def input(self, *shape: int, dtype: DType = DType.I8) -> Value:
        tensor = TensorType(shape, dtype, Quantization(0.05, 0))
        return self.graph.add_input("x", tensor)

    def constant(self, *shape: int, dtype: DType = DType.I8, high: int | None = None) -> Value:
        low, top = dtype.bounds
        data = self.random.integers(low, high or top, shape, endpoint=True)
        return self.graph.constant(data.astype(dtype.numpy), quantization=Quantization(0.05, 0))

    def channels(self, count: int, depth: int) -> tuple[Value, Value, int]:
        """Multiplier, bias and shift under which a product of ``depth`` stays within int32."""
        shift = 12 + int(np.log2(depth))
        multiplier = self.random.integers(1, 2**31 // (depth * 2**15) + 1, count)
        bias = self.random.integers(-(2**18), 2**18, count)
        make = self.graph.constant
        return make(multiplier.astype(np.int32)), make(bias.astype(np.int32)), shift

    def layer(self, op: str, inputs: list[Value], **attributes: object) -> Value:
        node = create(self.graph, op, inputs, attributes, name=f"{op} {len(self.graph.nodes)}")  # type: ignore[arg-type]
        self.graph.outputs.append(node.output)
        return node.output


def linears(b: Builder) -> None:
    for rows, columns, depth in [(40, 24, 32), (7, 5, 3), (1, 64, 96), (33, 1, 20), (19, 10, 21)]:
        multiplier, bias, shift = b.channels(columns, depth)
        operands = [b.input(rows, depth), b.constant(columns, depth), multiplier, bias]
        common = {**STATED, "shift": shift}
        b.layer("q_linear", operands, dtype="i8", table=False, residual=False, **common)
        table = b.constant(256)
        b.layer("q_linear", [*operands, table], dtype="i8", table=True, residual=False, **common)
        residual = b.input(rows, columns, dtype=DType.I16)
        extended = [*operands, residual]
        b.layer("q_linear", extended, dtype="i16", table=False, residual=True, **common)


def columns(b: Builder, operand: DType = DType.I8) -> None:
    """Results that are columns of one tensor, and residuals that are: neither is copied."""
    for rows, depth, widths in [(40, 32, (24, 8, 12)), (7, 16, (4, 4)), (33, 96, (64, 20))]:
        streams = b.input(rows, sum(widths), dtype=DType.I16)
        results: dict[str, list[Value]] = {"i8": [], "i16": []}
        for index, width in enumerate(widths):
            multiplier, bias, shift = b.channels(width, depth)
            x = b.input(rows, depth, dtype=operand)
            operands = [x, b.constant(width, depth), multiplier, bias]
            common = {**STATED, "shift": shift}
            first = sum(widths[:index])
            cut = {"starts": (0, first), "stops": (rows, first + width), "steps": (1, 1)}
            residual = create(b.graph, "slice", [streams], cut | {"in_place": True}).output
            plain = create(b.graph, "q_linear", operands, {**common, "dtype": "i8"})
            extended = {**common, "dtype": "i16", "residual": True}
            added = create(b.graph, "q_linear", [*operands, residual], extended)
            results["i8"].append(plain.output)
            results["i16"].append(added.output)
        for parts in results.values():
            b.layer("concat", parts, axis=1, in_place=True)


def mlps(b: Builder) -> None:
    for rows, hidden, columns, depth in [(40, 48, 24, 16), (5, 7, 3, 9)]:
        m1, b1, shift1 = b.channels(hidden, depth)
        m2, b2, shift2 = b.channels(columns, hidden)
        w1, w2 = b.constant(hidden, depth), b.constant(columns, hidden)
        operands = [b.input(rows, depth), w1, m1, b1, b.constant(256), w2, m2, b2]
        common = {**STATED, "shift1": shift1, "shift2": shift2}
        b.layer("q_mlp", operands, dtype="i8", residual=False, **common)
        residual = b.input(rows, columns, dtype=DType.I16)
        b.layer("q_mlp", [*operands, residual], dtype="i16", residual=True, **common)


def attentions(b: Builder) -> None:
    table = b.graph.constant(np.linspace(255, 0, 256).astype(np.uint8))
    common = {
        "score_limit": 4000,
        "score_multiplier": 65,
        "score_shift": 10,
        "v_zero": 3,
        "multiplier": 100 << 21,
        "bias": 1 << 17,
        "shift": 18,
        "dtype": "i8",
        **STATED,
    }
    packed = b.input(1, 30, 3 * 24)
    packed_sizes = {"heads": 3, "head_dim": 8, "value_dim": 8}
    packed_sizes |= {"q_offset": 0, "k_offset": 24, "v_offset": 48}
    b.layer("q_attention", [packed, packed, packed, table], **common, **packed_sizes)
    q, k, v = b.input(2, 9, 8), b.input(2, 21, 8), b.input(2, 21, 12)
    offsets = {"q_offset": 0, "k_offset": 0, "v_offset": 0}
    sizes = {"heads": 2, "head_dim": 4, "value_dim": 6}
    b.layer("q_attention", [q, k, v, table], **common, **sizes, **offsets)
    narrow = {"score_dtype": "i8", "score_offset": 1 << 9} | common
    del narrow["score_limit"]
    b.layer("q_attention", [packed, packed, packed, table], **narrow, **packed_sizes)
    b.layer("q_attention", [q, k, v, table], **narrow, **sizes, **offsets)
    bias = b.random.integers(-3000, 3000, (2, 9, 21)).astype(np.int32)
    biased = [q, k, v, table, b.graph.constant(bias)]
    b.layer("q_attention", biased, **common, **sizes, **offsets)
    each = b.random.integers(-3000, 3000, (2, 2, 9, 21)).astype(np.int32)
    b.layer("q_attention", [*biased[:4], b.graph.constant(each)], **common, **sizes, **offsets)
    odd = b.input(1, 31, 3 * 14)
    odd_sizes = {"heads": 2, "head_dim": 7, "value_dim": 7}
    odd_sizes |= {"q_offset": 0, "k_offset": 14, "v_offset": 28}
    b.layer("q_attention", [odd, odd, odd, table], **common, **odd_sizes)
    b.layer("q_attention", [odd, odd, odd, table], **narrow, **odd_sizes)


def normalisations(b: Builder) -> None:
    common = {"epsilon_q8": 50, "shift": 30, "multiplier": 1 << 29, "dtype": "i8", **STATED}
    for rows, width in [(50, 24), (3, 7)]:
        x = b.input(rows, width, dtype=DType.I16)
        b.layer("q_layer_norm", [x], affine=False, **common)
        gain, offset = b.constant(width, dtype=DType.I16), b.channels(width, 16)[1]
        scaled = {**common, "gain_shift": 18}
        b.layer("q_layer_norm", [x, gain, offset], affine=True, **scaled)
    table = b.graph.constant(np.linspace(255, 0, 256).astype(np.uint8))
    score = {"score_limit": 255, "score_multiplier": 1, "score_shift": 0, "axis": 1}
    requant = {"multiplier": 127, "bias": 0, "shift": 16, "dtype": "i8", **STATED}
    b.layer("q_softmax", [b.input(20, 31), table], **score, **requant)


def elementwise(b: Builder) -> None:
    requant = {"bias": 1 << 7, "shift": 8, "dtype": "i8", **STATED}
    shapes = [((30, 40), (30, 40)), ((2, 3, 40), (40,)), ((6, 20), (6, 1)), ((4, 1, 9), (1, 5, 9))]
    for first, second in shapes:
        x, y = b.input(*first), b.input(*second, dtype=DType.I16)
        b.layer("q_add", [x, y], multiplier_a=200, multiplier_b=-3, **requant)
        b.layer("q_mul", [x, y], zero_a=3, zero_b=-5, multiplier=2, **requant)
    x = b.input(2000)
    b.layer("q_table", [x, b.constant(256)], dtype="i8", **STATED)
    b.layer("q_requantize", [x], multiplier=77, **{**requant, "dtype": "i16"})
    for function in ("mean", "max"):
        common = {"function": function, "multiplier": 5, **requant}
        for pre_shift, axes in enumerate([(1,), (0,), (2,), (0, 2)]):
            where = {"axes": axes, "keep": False, "pre_shift": pre_shift}
            b.layer("q_reduce", [b.input(6, 25, 8)], **where, **common)
    for zero, axes in ((-128, (2,)), (3, (1,)), (127, (0, 2))):
        where = {"axes": axes, "keep": False, "zero_x": zero, "fraction": 2}
        b.layer("q_norm", [b.input(6, 25, 8)], multiplier=5, **where, **requant)
        wide = b.input(6, 25, 8, dtype=DType.I16)
        b.layer("q_norm", [wide, b.constant(ENTRIES)], drop=6, dtype="i8", **where, **STATED)


def products_and_windows(b: Builder) -> None:
    requant = {"multiplier": 9, "bias": 1 << 9, "shift": 10, "dtype": "i8", **STATED}
    zeros = {"zero_a": 2, "zero_b": -7}
    a, c = b.input(3, 20, 16), b.input(3, 16, 11)
    b.layer("q_matmul", [a, c], transpose_b=False, **zeros, **requant)
    b.layer("q_matmul", [a, c], transpose_b=False, pre_shift=7, **zeros, **requant)
    b.layer("q_matmul", [a, b.input(1, 11, 16)], transpose_b=True, **zeros, **requant)
    cases = [
        ((1, 12, 9, 4), (8, 3, 3, 4), 1, (1, 1), (1, 1, 1, 1), (1, 1)),
        ((2, 11, 6, 6), (6, 3, 3, 1), 6, (2, 1), (0, 1, 2, 0), (1, 1)),
        ((1, 1, 40, 5), (7, 1, 5, 5), 1, (1, 3), (0, 2, 0, 2), (1, 2)),
        ((1, 1, 30, 8), (8, 1, 3, 4), 2, (1, 1), (0, 1, 0, 1), (1, 1)),
    ]
    for x_shape, w_shape, groups, strides, pads, dilations in cases:
        multiplier, bias, shift = b.channels(w_shape[0], int(np.prod(w_shape[1:])))
        operands = [b.input(*x_shape), b.constant(*w_shape), multiplier, bias]
        where = {"strides": strides, "pads": pads, "dilations": dilations, "groups": groups}
        stated = {"zero_x": -4, "shift": shift, "dtype": "i8", **STATED}
        b.layer("q_conv", operands, table=False, **where, **stated)
    for function in ("max", "average"):
        where = {"kernel": (3, 2), "strides": (2, 2), "pads": (1, 0, 1, 0), "zero_x": 1}
        b.layer("q_pool", [b.input(1, 14, 10, 3)], function=function, **where, **requant)
        b.layer(
            "q_pool", [b.input(1, 14, 10, 3)], function=function, pre_shift=2, **where, **requant
        )


def matmuls(b: Builder) -> None:
    """Both layouts, depths that are words and that are not, operands repeated over the batch."""
    requant = {"multiplier": 9, "bias": 1 << 9, "shift": 6, "pre_shift": 4, **STATED}
    zeros = {"zero_a": -128, "zero_b": 5}
    straight = [
        ((3, 20, 16), (3, 16, 11)),
        ((2, 3, 21, 15), (2, 1, 15, 18)),
        ((1, 9, 33), (4, 33, 6)),
        ((3, 1, 17, 24), (2, 24, 30)),
        ((40, 21), (21, 1)),
    ]
    for number, (a_shape, b_shape) in enumerate(straight):
        dtype = ("i8", "u8", "i16")[number % 3]
        a = b.input(*a_shape)
        common = {**zeros, **requant, "dtype": dtype}
        b.layer("q_matmul", [a, b.input(*b_shape)], transpose_b=False, **common)
        turned = b.input(*b_shape[:-2], b_shape[-1], b_shape[-2])
        b.layer("q_matmul", [a, turned], transpose_b=True, **common)


def movements(b: Builder) -> None:
    for shape, order in [((20, 30), (1, 0)), ((4, 6, 10), (1, 0, 2)), ((2, 3, 4, 5), (3, 1, 2, 0))]:
        b.layer("transpose", [b.input(*shape)], permutation=order)
    x = b.input(6, 10, 8, dtype=DType.I16)
    b.layer("slice", [x], starts=(0, 2, 0), stops=(6, 9, 8), steps=(1, 1, 1))
    b.layer("slice", [x], starts=(1, 0, 1), stops=(6, 10, 8), steps=(2, 3, 2))
    b.layer("concat", [x, b.input(6, 4, 8, dtype=DType.I16)], axis=1)
    b.layer("concat", [b.input(300), b.input(1), b.input(7)], axis=0)
    b.layer("expand", [b.input(5, 1, 6)], shape=(5, 7, 6))
    indices = b.graph.constant(np.array([3, 0, 2, 4, 4, 1], np.int64))
    b.layer("gather", [x, indices], axis=1)
    b.layer("pad", [b.input(4, 5, 6)], pads=(0, 1, 2, 0, 3, 0), value=0.0)


NORM = {"norm_epsilon_q8": 50, "norm_shift": 30, "norm_multiplier": 1 << 29, "norm_zero": -5}


def raised_products(b: Builder) -> None:
    """Inputs raised by 128, or normalised by the layer itself: what NE16 may run."""
    for rows, columns, depth in [(40, 70, 40), (7, 33, 16), (31, 64, 96)]:
        multiplier, bias, shift = b.channels(columns, depth)
        constants = [b.constant(columns, depth), multiplier, bias]
        raised = b.input(rows, depth, dtype=DType.U8)
        common = {**STATED, "shift": shift}
        b.layer("q_linear", [raised, *constants], dtype="i8", **common)
        table = b.graph.constant(b.constant(256).array.view(np.uint8))
        b.layer("q_linear", [raised, *constants, table], dtype="u8", table=True, **common)
        stream = b.input(rows, depth, dtype=DType.I16)
        normalised = {**common, "norm": True, **NORM}
        b.layer("q_linear", [stream, *constants], dtype="i8", **normalised)
        residual = b.input(rows, columns, dtype=DType.I16)
        extended = [stream, *constants, residual]
        b.layer("q_linear", extended, dtype="i16", residual=True, **normalised)


def raised_columns(b: Builder) -> None:
    """Columns of products that NE16 may run."""
    columns(b, DType.U8)


def convolutions(b: Builder) -> None:
    """Over all channels and depthwise; strides, padding on some sides, every kind of result.

    Raised inputs, and inputs that the layer raises.
    """
    cases = [
        ((1, 13, 10, 20), 40, (3, 3), 1, (1, 1), (1, 1, 1, 1)),
        ((2, 7, 5, 16), 33, (3, 3), 1, (1, 1), (0, 1, 1, 0)),
        ((1, 12, 9, 8), 16, (3, 3), 1, (2, 2), (1, 1, 1, 1)),
        ((1, 11, 6, 40), 40, (3, 3), 40, (1, 1), (1, 1, 1, 1)),
        ((2, 9, 8, 19), 19, (3, 3), 19, (2, 1), (1, 0, 0, 1)),
        ((1, 1, 8, 18), 18, (3, 3), 18, (1, 2), (1, 1, 1, 1)),
        ((1, 9, 7, 12), 20, (1, 3), 1, (1, 1), (0, 1, 0, 1)),
        ((1, 8, 7, 12), 12, (3, 1), 12, (2, 2), (1, 0, 1, 0)),
        ((1, 6, 8, 5), 7, (2, 2), 1, (1, 2), (1, 0, 1, 1)),
        ((1, 1, 40, 6), 9, (1, 3), 1, (1, 1), (0, 1, 0, 1)),
    ]
    for x_shape, outputs, kernel, groups, strides, pads in cases:
        depth = x_shape[3] // groups
        multiplier, bias, shift = b.channels(outputs, kernel[0] * kernel[1] * depth)
        weights = b.constant(outputs, *kernel, depth)
        operands = [b.input(*x_shape, dtype=DType.U8), weights, multiplier, bias]
        where = {"strides": strides, "pads": pads, "dilations": (1, 1), "groups": groups}
        stated = {"zero_x": -4, "shift": shift, **where, **STATED}
        table = b.graph.constant(b.constant(256).array.view(np.uint8))
        b.layer("q_conv", operands, dtype="u8", **stated)
        b.layer("q_conv", operands, dtype="i16", **stated)
        b.layer("q_conv", [*operands, table], table=True, dtype="u8", **stated)
        plain = [b.input(*x_shape), *operands[1:]]
        b.layer("q_conv", plain, dtype="i8", **stated)
        b.layer("q_conv", [*plain, table], table=True, dtype="u8", **stated)


def windows_of_the_cores(b: Builder) -> None:
    """Depthwise and grouped, of few channels and dilated: what each kernel is for."""
    cases = [
        ((1, 1, 90, 8), 8, (1, 15), 8, (1, 1), (0, 7, 0, 7), (1, 1)),
        ((1, 14, 11, 6), 12, (5, 7), 6, (2, 3), (2, 3, 2, 3), (1, 1)),
        ((1, 12, 21, 4), 8, (12, 1), 4, (1, 1), (0, 0, 0, 0), (1, 1)),
        ((1, 1, 50, 5), 5, (1, 4), 5, (1, 1), (0, 9, 0, 0), (1, 3)),
        ((1, 1, 60, 24), 24, (1, 9), 2, (1, 1), (0, 4, 0, 4), (1, 1)),
        ((2, 1, 70, 1), 8, (1, 12), 1, (1, 2), (0, 5, 0, 6), (1, 1)),
        ((1, 10, 9, 6), 6, (3, 3), 3, (1, 1), (1, 1, 1, 1), (1, 1)),
        ((1, 13, 12, 3), 20, (7, 7), 1, (2, 2), (3, 3, 3, 3), (1, 1)),
        ((1, 8, 9, 8), 8, (3, 2), 2, (1, 2), (2, 0, 2, 1), (2, 1)),
        ((1, 6, 7, 24), 20, (1, 1), 2, (1, 1), (0, 0, 0, 0), (1, 1)),
        ((1, 1, 40, 6), 9, (1, 3), 1, (1, 1), (0, 4, 0, 0), (1, 2)),
    ]
    for index, (x_shape, outputs, kernel, groups, strides, pads, dilations) in enumerate(cases):
        depth = x_shape[3] // groups
        multiplier, bias, shift = b.channels(outputs, kernel[0] * kernel[1] * depth)
        constants = [b.constant(outputs, *kernel, depth), multiplier, bias]
        where = {"strides": strides, "pads": pads, "dilations": dilations, "groups": groups}
        stated = {"zero_x": -4, "shift": shift, **where, **STATED}
        x = b.input(*x_shape, dtype=DType.U8 if index % 2 else DType.I8)
        b.layer("q_conv", [x, *constants], dtype=("i8", "u8", "i16")[index % 3], **stated)
        with_table = [x, *constants, b.constant(256)]
        b.layer("q_conv", with_table, table=True, dtype="i8", **stated)


def raised_mlps(b: Builder) -> None:
    for rows, hidden, columns, depth in [(40, 70, 36, 24), (20, 32, 64, 40)]:
        m1, b1, shift1 = b.channels(hidden, depth)
        m2, b2, shift2 = b.channels(columns, hidden)
        w1, w2 = b.constant(hidden, depth), b.constant(columns, hidden)
        constants = [w1, m1, b1, b.constant(256), w2, m2, b2]
        common = {**STATED, "shift1": shift1, "shift2": shift2, "dtype": "i16"}
        raised = b.input(rows, depth, dtype=DType.U8)
        residual = b.input(rows, columns, dtype=DType.I16)
        b.layer("q_mlp", [raised, *constants, residual], residual=True, **common)
        b.layer("q_mlp", [raised, *constants], residual=False, **common)
        stream = b.input(rows, depth, dtype=DType.I16)
        normalised = {**common, "norm": True, **NORM}
        b.layer("q_mlp", [stream, *constants, residual], residual=True, **normalised)


def raised_attentions(b: Builder) -> None:
    """8-bit scores; keys that fill whole units and keys that do not, packed and apart."""
    table = b.graph.constant(np.linspace(255, 0, 256).astype(np.uint8))
    common = {
        "score_dtype": "i8",
        "score_multiplier": 50,
        "score_offset": -(1 << 12),
        "score_shift": 13,
        "v_zero": 3,
        "multiplier": 100,
        "bias": 1 << 17,
        "shift": 18,
        "dtype": "u8",
        "scale": 0.05,
        "zero": 128,
    }
    packed = b.input(1, 30, 3 * 24, dtype=DType.U8)
    sizes = {"heads": 3, "head_dim": 8, "value_dim": 8}
    offsets = {"q_offset": 0, "k_offset": 24, "v_offset": 48}
    b.layer("q_attention", [packed, packed, packed, table], **common, **sizes, **offsets)
    q, k = b.input(2, 50, 32, dtype=DType.U8), b.input(2, 64, 32, dtype=DType.U8)
    v = b.input(2, 64, 48, dtype=DType.U8)
    sizes = {"heads": 2, "head_dim": 16, "value_dim": 24}
    b.layer("q_attention", [q, k, v, table], **common, **sizes)


def raised_wide_attentions(b: Builder) -> None:
    """32-bit scores with a bias, which the cores alone can do: raised operands come down first."""
    table = b.graph.constant(np.linspace(255, 0, 256).astype(np.uint8))
    scores = {"score_limit": 4000, "score_multiplier": 65, "score_shift": 10}
    average = {"v_zero": 3, "multiplier": 100, "bias": 1 << 17, "shift": 18, "dtype": "i8"}
    sizes = {"heads": 2, "head_dim": 8, "value_dim": 8}
    q, k = b.input(1, 20, 16, dtype=DType.U8), b.input(1, 30, 16, dtype=DType.U8)
    bias = b.graph.constant(b.random.integers(-3000, 3000, (2, 20, 30)).astype(np.int32))
    b.layer("q_attention", [q, k, k, table, bias], **scores, **average, **sizes, **STATED)


def chooser(engine: str, board: Board, random: np.random.Generator) -> Callable[[Node], Tiling]:
    """Any tiling of a layer on one engine, not only the cheapest."""

    def choose(node: Node) -> Tiling:
        fitting = [t for t in ranked(node, board) if engine in {c.engine for c in t.program.calls}]
        if engine == "cluster":
            fitting = [t for t in fitting if all(c.engine == "cluster" for c in t.program.calls)]
        tiling = fitting[random.integers(len(fitting))]
        tiling.program.check()
        return tiling

    return choose


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("engine", ["cluster", "ne16"])
@pytest.mark.parametrize(
    "family",
    [raised_products, raised_columns, convolutions, raised_mlps, raised_attentions],
    ids=lambda f: f.__name__,
)
def test_any_tiling_on_any_engine_gives_the_bits_of_the_definition(
    family: Callable[[Builder], None], engine: str, seed: int, tmp_path: Path
) -> None:
    """Jobs and transfers late or early, copies of buffers just enough, under the sanitizers."""
    builder = Builder(seed)
    family(builder)
    kit = board(30_000)
    run(builder, kit, seed, tmp_path, chooser(engine, kit, builder.random))


@pytest.mark.parametrize("seed", range(6))
def test_any_kernel_of_a_convolution_gives_the_bits_of_the_definition(
    seed: int, tmp_path: Path
) -> None:
    """Little L1, so that tiles are many."""
    builder = Builder(seed)
    windows_of_the_cores(builder)
    kit = board(14_000)
    chosen = run(builder, kit, seed, tmp_path, chooser("cluster", kit, builder.random))
    assert {"conv_rows", "depthwise"} < {call.kernel for p in chosen for call in p.calls}


@pytest.mark.parametrize("seed", range(6))
def test_any_tiling_of_a_matmul_gives_the_bits_of_the_definition(seed: int, tmp_path: Path) -> None:
    """Either operand stays, tiles of every size."""
    builder = Builder(seed)
    matmuls(builder)
    kit = board(6000)
    run(builder, kit, seed, tmp_path, chooser("cluster", kit, builder.random))


@pytest.mark.parametrize("l1_bytes", [1800, 6000, 100_000])
@pytest.mark.parametrize(
    "family",
    [
        raised_wide_attentions,
        linears,
        columns,
        mlps,
        attentions,
        normalisations,
        elementwise,
        products_and_windows,
        matmuls,
        movements,
    ],
    ids=lambda family: family.__name__,
)
def test_generated_c_gives_the_bits_of_the_definition(
    family: Callable[[Builder], None], l1_bytes: int, tmp_path: Path
) -> None:
    """Tiles of every size, in L1 memories that force many, one or no cut."""
    builder = Builder(seed=l1_bytes)
    family(builder)
    programs = run(builder, board(l1_bytes), l1_bytes, tmp_path)
    if l1_bytes < 3000:
        assert max(program.steps for program in programs) > 2


def run(
    builder: Builder,
    kit: Board,
    seed: int,
    tmp_path: Path,
    choose: Callable[[Node], Tiling] | None = None,
) -> list[TileProgram]:
    """Compile and run the layers; every byte is compared with the definitions."""
    graph = builder.graph
    verify(graph)
    planned = plan(graph, kit, choose=choose)
    nodes = [layer.node for layer in planned.layers]
    programs = [layer.tiling.program for layer in planned.layers]
    spec = ProjectSpec("layers", graph, nodes, programs, planned.placement, planned.board)
    write_project(spec, tmp_path / "firmware")
    inputs = {}
    for value in graph.inputs:
        low, high = value.type.dtype.bounds
        data = builder.random.integers(low, high, value.shape, endpoint=True)
        inputs[value.name] = data.astype(value.type.dtype.numpy)
    values: dict[Value, np.ndarray] = {}
    interpret(graph, inputs, values.__setitem__)
    project = ProjectRun(
        tmp_path / "firmware",
        [inputs[value.name][None] for value in graph.inputs],
        [value.type for value in graph.outputs],
        len(nodes),
    )
    [found] = HostSimulator(sanitize=True, seed=seed).run(project)
    for value, got in zip(graph.outputs, found.outputs, strict=True):
        np.testing.assert_array_equal(got, values[value], err_msg=repr(value))
    for node, reported in zip(nodes, found.checksums, strict=True):
        assert reported == checksum(values[node.output]), node.name
    return programs
