"""Parts of output channels: the same bits with fewer weights at a time."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.fusion import SplitChannels
from edgecomp.ir import Graph, interpret, parse, run_passes

LINEAR = """graph "linear" (%x: i8[1, 5, 16; scale=0.1, zero=0],
    %r: i16[1, 5, 30; scale=0.01, zero=0]) -> (%out) {{
  %w: i8[30, 16] = constant {weights}
  %m: i32[30] = constant {multipliers}
  %b: i32[30] = constant {biases}
  %table: i8[256] = constant {table}
  %out: {dtype}[1, 5, 30; scale=0.01, zero=0] = q_linear(%x, %w, %m, %b{operand}) {{shift = 8,
    {attribute}dtype = "{dtype}", scale = 0.01, zero = 0}}
}}"""
FORMS = {
    "plain": ("i8", "", ""),
    "table": ("i8", ", %table", "table = true, "),
    "residual": ("i16", ", %r", "residual = true, "),
}
OPERANDS = 5 * 16 + 5 * 30
"""Bytes of x and of an i8 result."""


def linear(form: str) -> Graph:
    rng = np.random.default_rng(0)
    dtype, operand, attribute = FORMS[form]
    return parse(
        LINEAR.format(
            weights=rng.integers(-127, 128, (30, 16)).ravel().tolist(),
            multipliers=rng.integers(1, 9, 30).tolist(),
            biases=rng.integers(-900, 900, 30).tolist(),
            table=rng.permutation(np.arange(-128, 128)).tolist(),
            dtype=dtype,
            operand=operand,
            attribute=attribute,
        )
    )


def run(graph: Graph) -> np.ndarray:
    rng = np.random.default_rng(1)
    feeds = {
        "x": rng.integers(-128, 128, (1, 5, 16)).astype(np.int8),
        "r": rng.integers(-9000, 9000, (1, 5, 30)).astype(np.int16),
    }
    [result] = interpret(graph, feeds)
    return result


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.9, 0.7])
def test_parts_give_the_same_bits(form: str, share: float) -> None:
    graph = linear(form)
    before = run(graph)
    assert np.unique(before).size > 40
    [node] = graph.nodes
    whole = sum(v.type.bytes for v in (*node.inputs, node.output))
    if form != "residual":
        whole += 2 * 5 * 30  # the input that nothing reads lives at the first step
    run_passes(graph, [SplitChannels(int(share * whole))])
    parts = [node for node in graph.nodes if node.op == "q_linear"]
    assert len(parts) > 1
    assert all(part.output.shape[-1] % 4 == 0 for part in parts[:-1])
    np.testing.assert_array_equal(run(graph), before)
    assert graph.outputs[0].name == "out"


def test_what_fits_and_what_never_fits_are_left_whole() -> None:
    for capacity in (10_000, OPERANDS):
        graph = linear("plain")
        run_passes(graph, [SplitChannels(capacity)])
        assert [node.op for node in graph.nodes] == ["q_linear"]


def test_a_part_larger_than_its_share_is_cut_where_nothing_smaller_is_possible() -> None:
    """Four channels of 4000 weights are more than an eighth of the memory."""
    graph = parse("""graph "head" (%x: i8[1, 4000; scale=0.1, zero=0]) -> (%y) {
  %w: i8[8, 4000] = constant normal 1
  %m: i32[8] = constant splat 2
  %b: i32[8] = constant splat 9
  %y: i8[1, 8; scale=0.1, zero=0] = q_linear(%x, %w, %m, %b) {shift = 16, dtype = "i8",
    scale = 0.1, zero = 0}
}""")
    run_passes(graph, [SplitChannels(21_000)])
    assert [n.output.shape for n in graph.nodes if n.op == "q_linear"] == [(1, 4), (1, 4)]
