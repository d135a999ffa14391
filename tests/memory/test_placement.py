"""The L2 plan: what is live together lies apart, views lie in their tensors, weights are early."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.ir import Graph, Node, Value, parse
from edgecomp.memory import DoesNotFit, check
from edgecomp.memory.external import External
from edgecomp.memory.placement import Placement, place
from edgecomp.memory.read_ahead import MARGIN
from edgecomp.tiling.views import layers, resolve

WIDE = 1 << 20


def placed(graph: Graph, capacity: int, memory: str = "L2", keep: bool = False) -> Placement:
    """Every layer takes as long as reading 1000 bytes, with the margin."""
    nodes = layers(graph)
    constants = [[v for v in node.inputs if v.is_constant] for node in nodes]
    times = [1000 * MARGIN] * len(nodes)
    return place(graph, nodes, constants, times, External(WIDE, float), capacity, memory, keep)


def planned(text: str, capacity: int = WIDE) -> tuple[Graph, Placement]:
    graph = parse(text)
    placement = placed(graph, capacity)
    check(placement.plan)
    return graph, placement


def named(graph: Graph, name: str) -> Value:
    return next(v for v in graph.values() if v.name == name)


def life(placement: Placement, name: str) -> tuple[int, int]:
    [buffer] = [b for b in placement.plan.buffers if b.name == name]
    return buffer.first_step, buffer.last_step


def steps_of(graph: Graph, nodes: list[Node], value: Value) -> range:
    """The layers during which the bytes of ``value`` must not change, from the definition."""
    producer = value.producer
    first = nodes.index(producer) if producer is not None else 0
    last = first
    for index, node in enumerate(nodes):
        if any(not v.is_constant and resolve(v).base is value for v in node.inputs):
            last = index
    if any(not v.is_constant and resolve(v).base is value for v in graph.outputs):
        last = len(nodes) - 1
    return range(first, last + 1)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Nodes that read any values, views and constants among them, with any outputs."""
    lines, names, count = [], ["x"], draw(st.integers(1, 8))
    for index in range(draw(st.integers(0, 3))):
        lines.append(f"%c{index}: f32[64] = constant normal {index}")
    constants = [f"c{index}" for index in range(len(lines))]
    for index in range(count):
        source = draw(st.sampled_from(names))
        if draw(st.booleans()):
            lines.append(f"%r{index}: f32[64] = reshape(%{source}) {{shape = [64]}}")
            source = f"r{index}"
            names.append(source)
        other = draw(st.sampled_from(names + constants))
        lines.append(f"%y{index}: f32[64] = add(%{source}, %{other})")
        names.append(f"y{index}")
    outputs = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    results = ", ".join("%" + name for name in outputs)
    return parse(f'graph "g" (%x: f32[64]) -> ({results}) {{\n' + "\n".join(lines) + "\n}")


@given(graphs(), st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_nothing_that_is_needed_is_overwritten(graph: Graph, tight: bool, keep: bool) -> None:
    """Judged by the definition of life, not by the buffers that the planner made."""
    nodes = layers(graph)
    placement = placed(graph, WIDE, keep=keep)
    if tight:
        placement = placed(graph, placement.plan.lower_bound + 64, keep=keep)
    check(placement.plan)
    tensors = [v for v in graph.values() if not v.is_constant and resolve(v).base is v]
    for step in range(len(nodes)):
        spans = [
            (placement.address(v, step), v.type.bytes, v.name)
            for v in tensors
            if step in steps_of(graph, nodes, v)
        ]
        for index, block in enumerate(placement.blocks):
            begins = placement.weights_from[index]
            stays = index in placement.resident
            if block.bytes and (stays or begins <= step <= index):
                spans.append((placement.block_l2[index], block.bytes, f"weights {index}"))
        spans.sort()
        for (start, size, _), (following, _, _) in pairwise(spans):
            assert start + size <= following
        assert all(0 <= start <= placement.plan.capacity - size for start, size, _ in spans)


CHAIN = """
graph "g" (%x: i8[100]) -> (%c) {
  %a: i8[100] = add(%x, %x)
  %b: i8[100] = add(%a, %x)
  %c: i8[100] = add(%b, %b)
}
"""


def test_an_input_lives_until_the_last_layer_that_reads_it() -> None:
    _, placement = planned(CHAIN)
    assert life(placement, "x") == (0, 1)


def test_a_result_that_nobody_reads_lives_for_its_own_layer() -> None:
    _, placement = planned(CHAIN.replace("(%c) {", "(%b) {"))
    assert life(placement, "c") == (2, 2)


def test_outputs_that_are_read_inside_live_to_the_end() -> None:
    _, placement = planned(CHAIN.replace("(%c) {", "(%a, %c) {"))
    assert life(placement, "a") == (0, 2)


VIEWS = """
graph "g" (%x: i8[4, 100]) -> (%p, %z) {
  %r: i8[400] = reshape(%x) {shape = [400]}
  %p: i8[100] = slice(%r) {starts = [100], stops = [200], steps = [1]}
  %a: i8[100] = add(%p, %p)
  %b: i8[100] = add(%a, %a)
  %q: i8[100] = slice(%b) {starts = [0], stops = [100], steps = [1]}
  %z: i8[100] = add(%q, %a)
}
"""


def test_an_output_that_is_part_of_an_input_keeps_the_input_to_the_end() -> None:
    graph, placement = planned(VIEWS)
    x, p = named(graph, "x"), named(graph, "p")
    assert placement.address(p, 2) == placement.address(x, 0) + 100
    assert life(placement, "x") == (0, 2)


def test_a_tensor_lives_until_the_last_reader_of_a_view_of_it() -> None:
    graph, placement = planned(VIEWS)
    assert life(placement, "b") == (1, 2)
    assert placement.address(named(graph, "q"), 2) == placement.address(named(graph, "b"), 2)


SHARED = """
graph "g" (%x: f32[8]) -> (%b) {
  %w: f32[8] = constant normal 1
  %v: f32[3] = constant normal 2
  %a: f32[8] = conv(%x, %w, %v, %w)
  %b: f32[8] = conv(%a, %v, %w)
}
"""


def test_a_constant_of_two_layers_is_in_the_block_of_each() -> None:
    graph, placement = planned(SHARED)
    w, v = named(graph, "w"), named(graph, "v")
    assert placement.blocks[0].offsets == {w: 0, v: 32}
    assert placement.blocks[1].offsets == {v: 0, w: 16}
    assert placement.address(w, 1) == placement.block_l2[1] + 16


def test_blocks_in_l3_follow_each_other() -> None:
    _, placement = planned(SHARED)
    assert placement.image.offsets == [0, 48]
    assert placement.image.bytes == 96


def weights(count: int) -> str:
    lines = ['graph "g" (%x: f32[8]) -> (%y' + str(count - 1) + ") {"]
    before = "x"
    for index in range(count):
        lines.append(f"%w{index}: f32[250] = constant normal {index}")
        lines.append(f"%y{index}: f32[8] = conv(%{before}, %w{index})")
        before = f"y{index}"
    return "\n".join([*lines, "}"])


def test_weights_are_read_while_the_layer_before_runs_where_they_fit() -> None:
    _, placement = planned(weights(4))
    assert placement.weights_from == [0, 0, 1, 2]
    assert life(placement, "weights[2]") == (1, 2)


def test_weights_are_read_while_a_layer_without_weights_runs() -> None:
    text = """
graph "g" (%x: f32[100]) -> (%c) {
  %v: f32[100] = constant normal 1
  %a: f32[100] = add(%x, %v)
  %b: f32[100] = add(%a, %a)
  %w: f32[100] = constant normal 2
  %c: f32[100] = add(%b, %w)
}
"""
    _, placement = planned(text)
    assert placement.weights_from == [0, 1, 1]
    assert life(placement, "weights[2]") == (1, 2)


def test_reading_ahead_is_given_up_where_it_does_not_fit() -> None:
    """Two blocks of 1000 bytes never fit 1500, so that no layer may read ahead."""
    _, placement = planned(weights(4), 1500)
    assert placement.weights_from == [0, 1, 2, 3]
    assert placement.plan.size <= 1500


def test_only_the_early_reads_that_are_in_the_way_are_given_up() -> None:
    """The third layer has a large result, which the fourth reads; the others may read ahead."""
    text = weights(5).replace("%y2: f32[8]", "%y2: f32[300]")
    _, placement = planned(text, 2500)
    assert placement.weights_from == [0, 0, 1, 3, 4]


def test_what_does_not_fit_at_all_is_refused_with_the_memory_named() -> None:
    graph = parse(weights(3))
    with pytest.raises(DoesNotFit, match="L2 of the board"):
        placed(graph, 1000, "L2 of the board")


def test_parts_of_a_concatenation_share_its_buffer_from_the_first_on() -> None:
    graph, placement = planned("""graph "g" (%x: i8[100]) -> (%y) {
      %a: i8[100] = add(%x, %x)
      %b: i8[100] = add(%x, %a)
      %c: i8[200] = concat(%a, %b) {axis = 0}
      %y: i8[200] = add(%c, %c)
    }""")
    assert life(placement, "c") == (0, 2)
    assert {buffer.name for buffer in placement.plan.buffers} == {"x", "c", "y"}
    address = placement.address(named(graph, "c"), 0)
    assert placement.address(named(graph, "b"), 1) == address + 100


def test_layers_with_the_same_constants_read_one_block() -> None:
    _, placement = planned("""graph "g" (%x: i8[64]) -> (%c) {
      %w: i8[64] = constant normal 1
      %v: i8[64] = constant normal 2
      %a: i8[64] = add(%x, %w)
      %b: i8[64] = add(%a, %w)
      %c: i8[64] = add(%b, %v)
    }""")
    assert placement.image.offsets == [0, 0, 64]
    assert placement.image.bytes == 128
