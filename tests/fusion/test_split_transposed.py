"""Convolutions with results that move to channels first, cut by channels: the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.fusion import SplitTransposed
from edgecomp.ir import Graph, interpret, parse, run_passes
from edgecomp.memory.placement import activations
from edgecomp.tiling.views import layers

CONVOLUTION = """graph "conv" (%x: i8[1, 5, 4, 6; scale=0.1, zero=3]) -> (%out) {{
  %w: i8[18, 1, {taps}, 6] = constant {weights}
  %m: i32[18] = constant {multipliers}
  %b: i32[18] = constant {biases}
  %table: i8[256] = constant {table}
  %y: {dtype}[1, 5, 4, 18; scale=0.01, zero=0] = q_conv(%x, %w, %m, %b{operand}) {{strides = [1, 1],
    pads = [0, {pad}, 0, {pad}], dilations = [1, 1], groups = 1, zero_x = 3, {attribute}
    dtype = "{dtype}", scale = 0.01, zero = 0}}
  %out: {dtype}[1, 18, 5, 4; scale=0.01, zero=0] = transpose(%y) {{permutation = {order}}}
}}"""
FORMS = {
    "plain": ("i16", "", "shift = 4,"),
    "table": ("i8", ", %table", "shift = 9, table = true,"),
}


def convolution(form: str, order: str = "[0, 3, 1, 2]", taps: int = 5) -> Graph:
    rng = np.random.default_rng(0)
    dtype, operand, attribute = FORMS[form]
    text = CONVOLUTION.format(
        taps=taps,
        pad=taps // 2,
        weights=rng.integers(-127, 128, 18 * taps * 6).tolist(),
        multipliers=rng.integers(1, 9, 18).tolist(),
        biases=rng.integers(-900, 900, 18).tolist(),
        table=rng.permutation(np.arange(-128, 128)).tolist(),
        dtype=dtype,
        operand=operand,
        attribute=attribute,
        order=order,
    )
    return parse(text.replace("18, 5, 4;", "5, 18, 4;") if order == "[0, 1, 3, 2]" else text)


def run(graph: Graph) -> np.ndarray:
    x = np.random.default_rng(1).integers(-128, 128, (1, 5, 4, 6)).astype(np.int8)
    [result] = interpret(graph, {"x": x})
    return result


def needed(graph: Graph) -> int:
    """Most bytes at one step: tensors alive, and the layer's constants."""
    nodes = layers(graph)
    alive = activations(graph, nodes).values()
    return max(
        sum(each.size for each in alive if each.first_step <= step <= each.last_step)
        + sum(v.type.bytes for v in node.inputs if v.is_constant)
        for step, node in enumerate(nodes)
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.95, 0.8])
def test_parts_give_the_same_bits_in_less_memory(form: str, share: float) -> None:
    graph = convolution(form)
    before, size = run(graph), needed(graph)
    assert np.unique(before).size > 40
    run_passes(graph, [SplitTransposed(int(share * size))])
    parts = [node for node in graph.nodes if node.op == "q_conv"]
    assert len(parts) > 1
    assert all(part.output.shape[-1] % 4 == 0 for part in parts[:-1])
    np.testing.assert_array_equal(run(graph), before)
    assert graph.outputs[0].name == "out"
    assert needed(graph) <= share * size


def test_the_parts_are_as_few_as_fit() -> None:
    graph = convolution("plain")
    run_passes(graph, [SplitTransposed(int(0.99 * needed(graph)))])
    assert [n.output.shape[1] for n in graph.nodes if n.op == "transpose"] == [8, 8, 2]


def test_weights_count_as_ne16_reads_them() -> None:
    """Three taps of 6 channels become 3 x 3 of 16, and 8 times the bytes."""
    tensors, packed, others = 120 + 720, 18 * 9 * 16, 18 * 4 + 18 * 4
    for capacity, parts in [(tensors + packed + others, 1), (tensors + packed + others - 1, 2)]:
        graph = convolution("plain", taps=3)
        run_passes(graph, [SplitTransposed(capacity, accelerated=True)])
        assert len([n for n in graph.nodes if n.op == "transpose"]) == parts


def test_what_fits_is_left_alone() -> None:
    graph = convolution("plain")
    [result] = run_passes(graph, [SplitTransposed(needed(graph))])
    assert not result.modified


def test_channels_that_do_not_become_outermost_are_left_alone() -> None:
    """Their parts would not lie one after the other in the result."""
    graph = convolution("plain", "[0, 1, 3, 2]")
    [result] = run_passes(graph, [SplitTransposed(1)])
    assert not result.modified
