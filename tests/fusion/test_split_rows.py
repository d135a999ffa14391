"""Bands of rows: the same bits, in less memory, and no cut where it is not needed."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.fusion import SplitRows
from edgecomp.ir import Graph, interpret, parse, run_passes
from edgecomp.memory.lifetime import lower_bound
from edgecomp.memory.placement import activations
from edgecomp.tiling.views import layers

GRID_MLP = """graph "grid_mlp" (%x: i16[1, {tokens}, 4; scale=0.01, zero=0]) -> (%out) {{
  %w1: i8[16, 4] = constant normal 1
  %m1: i32[16] = constant splat 40
  %b1: i32[16] = constant splat 700
  %wd: i8[{hidden}, {kernel}, {kernel}, {depth}] = constant normal 2
  %md: i32[{hidden}] = constant splat 60
  %bd: i32[{hidden}] = constant splat -900
  %table: i8[256] = constant {table}
  %w2: i8[4, {hidden}] = constant normal 4
  %m2: i32[4] = constant splat 900
  %b2: i32[4] = constant splat 5
  %n: i8[1, {tokens}, 4; scale=0.03, zero=3] = q_layer_norm(%x) {{epsilon_q8 = 7,
    multiplier = 559240533, shift = 23, dtype = "i8", scale = 0.03, zero = 3}}
  %f: i8[1, {tokens}, 16; scale=0.02, zero=-5] = q_linear(%n, %w1, %m1, %b1) {{shift = 6,
    dtype = "i8", scale = 0.02, zero = -5}}
  %g: i8[1, {side}, {side}, 16; scale=0.02, zero=-5] = reshape(%f) {{
    shape = [1, {side}, {side}, 16]}}
  %c: i8[1, {out}, {out}, {hidden}; scale=0.05, zero=1] = q_conv(%g, %wd, %md, %bd, %table) {{
    strides = [{stride}, {stride}], pads = [{pad}, {pad}, {pad}, {pad}], dilations = [1, 1],
    groups = {groups}, zero_x = -5, shift = 9, table = true, dtype = "i8", scale = 0.05, zero = 1}}
  %r: i8[1, {results}, {hidden}; scale=0.05, zero=1] = reshape(%c) {{
    shape = [1, {results}, {hidden}]}}
  {tail}
}}"""
RESIDUAL = """%out: i16[1, {results}, 4; scale=0.01, zero=0] = q_linear(%r, %w2, %m2, %b2, %x) {{
    shift = 7, residual = true, dtype = "i16", scale = 0.01, zero = 0}}"""
PLAIN = """%out: i8[1, {results}, 4; scale=0.1, zero=0] = q_linear(%r, %w2, %m2, %b2) {{
    shift = 12, dtype = "i8", scale = 0.1, zero = 0}}"""


def block(
    side: int = 24, kernel: int = 3, stride: int = 1, pad: int = 1, depthwise: bool = True
) -> Graph:
    """LayerNorm, linear, convolution with a table, linear; with a residual if shapes allow it."""
    out = (side + 2 * pad - kernel) // stride + 1
    sizes = {
        "tokens": side * side,
        "side": side,
        "kernel": kernel,
        "stride": stride,
        "pad": pad,
        "out": out,
        "results": out * out,
        "hidden": 16 if depthwise else 24,
        "depth": 1 if depthwise else 16,
        "groups": 16 if depthwise else 1,
    }
    table = [37 * i % 256 - 128 for i in range(256)]
    tail = (RESIDUAL if out == side else PLAIN).format(**sizes)
    return parse(GRID_MLP.format(tail=tail, table=table, **sizes))


def run(graph: Graph) -> np.ndarray:
    x = np.random.default_rng(0).integers(-4000, 4000, graph.inputs[0].shape).astype(np.int16)
    [result] = interpret(graph, {"x": x})
    return result


def peak(graph: Graph) -> int:
    return lower_bound(list(activations(graph, layers(graph)).values()))


CASES = [
    {},
    {"kernel": 5, "pad": 2},
    {"stride": 2},
    {"kernel": 3, "pad": 0},
    {"kernel": 3, "stride": 2, "pad": 1, "depthwise": False},
    {"side": 25, "kernel": 1, "pad": 0},
    {"side": 25, "stride": 3},
]


@pytest.mark.parametrize("options", CASES, ids=str)
@pytest.mark.parametrize("share", [0.95, 0.85])
def test_bands_give_the_same_bits_in_less_memory(options: dict[str, int], share: float) -> None:
    graph = block(**options)
    before, whole = run(graph), peak(graph)
    assert np.unique(before).size > 20
    run_passes(graph, [SplitRows(int(share * whole))])
    convolutions = [node for node in graph.nodes if node.op == "q_conv"]
    assert len(convolutions) > 1
    np.testing.assert_array_equal(run(graph), before)
    assert peak(graph) <= share * whole
    assert graph.outputs[0].name == "out"


@pytest.mark.parametrize("share", [0.9, 0.75, 0.6, 0.4])
def test_no_band_is_of_padding_alone(share: float) -> None:
    graph = block(side=12, kernel=1, pad=4)
    before = run(graph)
    run_passes(graph, [SplitRows(int(share * peak(graph)))])
    images = [node.inputs[0].shape for node in graph.nodes if node.op == "q_conv"]
    assert all(size > 0 for shape in images for size in shape)
    np.testing.assert_array_equal(run(graph), before)


def test_fewest_bands_that_fit() -> None:
    counts = []
    for share in (0.95, 0.7, 0.55, 0.5):
        graph = block()
        run_passes(graph, [SplitRows(int(share * peak(graph)))])
        counts.append(sum(node.op == "q_conv" for node in graph.nodes))
    assert counts == sorted(counts)
    assert counts[0] == 2
    assert counts[-1] > 2


def test_what_fits_is_left_whole() -> None:
    graph = block()
    text = [node.op for node in graph.nodes]
    run_passes(graph, [SplitRows(2 * peak(graph))])
    assert [node.op for node in graph.nodes] == text


def test_what_no_band_makes_fit_is_left_whole() -> None:
    """The planner then says what is missing."""
    graph = block()
    run_passes(graph, [SplitRows(100)])
    assert sum(node.op == "q_conv" for node in graph.nodes) == 1


def test_the_chain_ends_where_others_read() -> None:
    """A hidden tensor that is also an output stays whole."""
    graph = block()
    linear = next(node for node in graph.nodes if node.op == "q_linear")
    graph.outputs.append(linear.output)
    before = peak(graph)
    run_passes(graph, [SplitRows(int(0.9 * before))])
    assert [node.op for node in graph.nodes].count("q_layer_norm") == 1
    assert linear.output in graph.outputs


def test_bands_are_written_where_the_whole_lies() -> None:
    graph = block()
    run_passes(graph, [SplitRows(int(0.75 * peak(graph)))])
    assert not any(node.op in ("concat", "slice", "reshape") for node in layers(graph))


ADDED = """graph "added" (%x: i8[1, 16, 16, 8; scale=0.1, zero=0]{input}) -> (%y) {{
  {constant}
  %w: i8[8, 3, 3, 8] = constant normal 1
  %m: i32[8] = constant splat 40
  %b: i32[8] = constant splat 700
  %c: i8[1, 16, 16, 8; scale=0.1, zero=0] = q_conv(%x, %w, %m, %b) {{strides = [1, 1],
    pads = [1, 1, 1, 1], dilations = [1, 1], groups = 1, zero_x = 0, shift = 12, dtype = "i8",
    scale = 0.1, zero = 0}}
  %s: i8[1, 16, 16, 8; scale=0.1, zero=0] = q_add(%c, %o) {{multiplier_a = 64, multiplier_b = 64,
    bias = 64, shift = 7, dtype = "i8", scale = 0.1, zero = 0}}
  %w2: i8[4, 8] = constant normal 4
  %m2: i32[4] = constant splat 900
  %b2: i32[4] = constant splat 5
  %y: i8[1, 16, 16, 4; scale=0.1, zero=0] = q_linear(%s, %w2, %m2, %b2) {{shift = 14,
    dtype = "i8", scale = 0.1, zero = 0}}
}}"""


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("share", [0.95, 0.75, 0.6])
@pytest.mark.parametrize(
    "shape", ["1, 16, 16, 8", "1, 16, 1, 8", "1, 1, 16, 8", "16, 8", "8", "1, 16, 16, 1"]
)
def test_bands_take_their_rows_of_what_is_added(shape: str, share: float, constant: bool) -> None:
    other = f"%o: i8[{shape}; scale=0.1, zero=0]"
    text = ADDED.format(
        input="" if constant else f", {other}",
        constant=f"{other} = constant normal 9" if constant else "",
    )
    graph = parse(text)
    random = np.random.default_rng(0)
    feed = {
        value.name: random.integers(-128, 127, value.shape, endpoint=True).astype(np.int8)
        for value in graph.inputs
    }
    [before] = interpret(graph, feed)
    run_passes(graph, [SplitRows(int(share * peak(graph)))])
    [after] = interpret(graph, feed)
    np.testing.assert_array_equal(after, before)
