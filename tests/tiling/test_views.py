"""Views: a claim that a result lies in its operand's memory is right, and none is missed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.ir import DType, Graph, TensorType, Value, create, interpret, parse
from edgecomp.ir.graph import Attribute
from edgecomp.tiling.views import is_view, layers, resolve

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
Step = tuple[str, dict[str, Attribute]]


@st.composite
def movement(draw: st.DrawFn, shape: tuple[int, ...]) -> Step:
    rank = len(shape)
    kind = draw(st.sampled_from(["reshape", "slice", "transpose", "expand"]))
    if kind == "reshape":
        size = int(np.prod(shape))
        divisor = draw(st.sampled_from([d for d in range(1, size + 1) if size % d == 0]))
        return kind, {"shape": (divisor, 1, size // divisor)}
    if kind == "slice":
        starts = tuple(draw(st.integers(0, s - 1)) for s in shape)
        stops = tuple(draw(st.integers(a + 1, s)) for a, s in zip(starts, shape, strict=True))
        steps = tuple(draw(st.sampled_from([1, 1, 1, 2])) for _ in shape)
        return kind, {"starts": starts, "stops": stops, "steps": steps}
    if kind == "transpose":
        return kind, {"permutation": tuple(draw(st.permutations(range(rank))))}
    front = draw(st.lists(st.integers(1, 2), max_size=1))
    grown = tuple(draw(st.integers(1, 2)) if s == 1 else s for s in shape)
    return kind, {"shape": (*front, *grown)}


@st.composite
def chains(draw: st.DrawFn) -> Graph:
    graph = Graph()
    value = graph.add_input("x", TensorType(draw(SHAPES), DType.I16))
    for _ in range(draw(st.integers(1, 4))):
        op, attributes = draw(movement(value.shape))
        value = create(graph, op, [value], attributes).output
    graph.outputs = [value]
    return graph


@given(chains())
@settings(max_examples=400, deadline=None)
def test_views_are_exactly_the_contiguous_results(graph: Graph) -> None:
    """Elements are numbered; a result is a view if its numbers are consecutive in its operand.

    The base's memory at the offset must hold the value itself.
    """
    [x] = graph.inputs
    data = np.arange(x.type.size, dtype=np.int16).reshape(x.shape)
    arrays: dict[Value, np.ndarray] = {}
    interpret(graph, {x.name: data}, lambda v, a: arrays.update({v: a}))
    for node in graph.nodes:
        operand = node.inputs[0]
        numbers = np.arange(operand.type.size, dtype=np.int16).reshape(operand.shape)
        single = Graph()
        inner = single.add_input("x", operand.type)
        single.outputs = [create(single, node.op, [inner], node.attributes).output]
        [moved] = interpret(single, {"x": numbers})
        flat = moved.ravel().astype(np.int64)
        assert is_view(node) == bool((np.diff(flat) == 1).all())
        view = resolve(node.output)
        memory = np.ascontiguousarray(arrays[view.base]).tobytes()
        wanted = np.ascontiguousarray(arrays[node.output]).tobytes()
        assert memory[view.offset : view.offset + len(wanted)] == wanted
    assert layers(graph) == [
        node for node in graph.nodes if resolve(node.output).base is node.output
    ]


def test_what_is_taken_from_a_constant_is_no_view() -> None:
    """Constants lie in L3; their parts are brought to L2 by a layer of their own."""
    graph = Graph()
    node = create(graph, "reshape", [graph.constant(np.zeros(4, np.int8))], {"shape": (2, 2)})
    assert not is_view(node)
    assert resolve(node.output).base is node.output


def joined(text: str) -> Graph:
    return parse(f'graph "g" (%x: i16[1, 4, 3]) -> (%c) {{\n{text}\n}}')


PARTS = """  %a: i16[1, 4, 3] = add(%x, %x)
  %b: i16[1, 4, 3] = add(%x, %a)
"""


def test_layers_write_the_parts_of_a_concatenation_in_place() -> None:
    graph = joined(PARTS + "  %c: i16[1, 8, 3] = concat(%a, %b) {axis = 1}")
    a, b, c = (node.output for node in graph.nodes)
    assert [node.output for node in layers(graph)] == [a, b]
    assert (resolve(a).base, resolve(a).offset) == (c, 0)
    assert (resolve(b).base, resolve(b).offset) == (c, 24)
    assert (resolve(c).base, resolve(c).offset) == (c, 0)


def test_parts_of_parts_lie_in_the_whole() -> None:
    graph = joined(
        PARTS + "  %s: i16[1, 1, 3] = slice(%b)"
        " {starts = [0, 2, 0], stops = [1, 3, 3], steps = [1, 1, 1]}"
        "\n  %t: i16[1, 1, 3] = add(%s, %s)"
        "\n  %w: i16[1, 8, 3] = concat(%a, %b) {axis = 1}"
        "\n  %c: i16[8, 3] = reshape(%w) {shape = [8, 3]}"
    )
    whole = next(node.output for node in graph.nodes if node.op == "concat")
    part = next(node.output for node in graph.nodes if node.op == "slice")
    assert (resolve(part).base, resolve(part).offset) == (whole, 24 + 12)
    assert resolve(graph.outputs[0]).base is whole


@pytest.mark.parametrize(
    "text",
    [
        PARTS + "  %c: i16[1, 4, 6] = concat(%a, %b) {axis = 2}",
        "  %c: i16[1, 8, 3] = concat(%x, %x) {axis = 1}",
        PARTS + "  %c: i16[1, 8, 3] = concat(%a, %a) {axis = 1}",
        PARTS + "  %c: i16[1, 8, 3] = concat(%x, %b) {axis = 1}",
        PARTS
        + "  %r: i16[1, 4, 3] = reshape(%b) {shape = [1, 4, 3]}\n"
        + "  %c: i16[1, 8, 3] = concat(%a, %r) {axis = 1}",
    ],
    ids=["inner axis", "inputs", "one part twice", "an input", "a view"],
)
def test_other_concatenations_are_layers(text: str) -> None:
    graph = joined(text)
    [node] = [node for node in graph.nodes if node.op == "concat"]
    assert node in layers(graph)
    assert resolve(node.output).base is node.output
    assert all(resolve(v).base is not node.output for v in node.inputs)


def test_a_part_lies_in_one_concatenation_only() -> None:
    graph = joined(
        PARTS
        + "  %d: i16[1, 8, 3] = concat(%a, %b) {axis = 1}\n"
        + "  %e: i16[1, 8, 3] = concat(%b, %a) {axis = 1}\n"
        + "  %c: i16[1, 8, 3] = add(%d, %e)"
    )
    concats = [node for node in graph.nodes if node.op == "concat"]
    assert [node in layers(graph) for node in concats] == [False, True]
