"""Columns that need no copy, and those that do because something else touches them."""

from __future__ import annotations

import pytest

from edgecomp.fusion import ColumnsInPlace
from edgecomp.ir import Graph, parse, run_passes
from edgecomp.tiling.views import layers, resolve

WHOLE = """graph "g" (%x: i8[5, 16; scale=0.1, zero=0],
    %s: i16[5, 20; scale=0.1, zero=0]) -> ({out}) {{
  %w: i8[8, 16] = constant normal 1
  %v: i8[12, 16] = constant normal 2
  %m: i32[8] = constant splat 2
  %b: i32[8] = constant splat 9
  %n: i32[12] = constant splat 2
  %c: i32[12] = constant splat 9
  %r: i16[5, 8; scale=0.1, zero=0] = slice(%s) {{starts = [0, 0], stops = [5, 8], steps = [1, 1]}}
  %q: i16[5, 12; scale=0.1, zero=0] = slice(%s) {{starts = [0, 8], stops = [5, 20],
    steps = [1, 1]}}
  %p0: i16[5, 8; scale=0.1, zero=0] = q_linear(%x, %w, %m, %b, %r) {{shift = 9, residual = true,
    dtype = "i16", scale = 0.1, zero = 0}}
  %p1: i16[5, 12; scale=0.1, zero=0] = q_linear(%x, %v, %n, %c, %q) {{shift = 9, residual = true,
    dtype = "i16", scale = 0.1, zero = 0}}
  %y: i16[5, 20; scale=0.1, zero=0] = concat(%p0, %p1) {{axis = 1}}
  {more}
}}"""


def passed(outputs: str = "%y", more: str = "") -> Graph:
    graph = parse(WHOLE.format(out=outputs, more=more))
    run_passes(graph, [ColumnsInPlace()])
    return graph


def ops(graph: Graph) -> list[str]:
    return sorted(node.op for node in layers(graph))


def test_columns_of_a_result_and_of_a_residual_lie_in_them() -> None:
    graph = passed()
    assert ops(graph) == ["q_linear", "q_linear"]
    whole, stream = graph.outputs[0], graph.inputs[1]
    first, second = layers(graph)
    views = [resolve(value) for value in (first.output, second.output, second.inputs[4])]
    assert [(v.base, v.offset, v.pitch) for v in views] == [
        (whole, 0, 40),
        (whole, 16, 40),
        (stream, 16, 40),
    ]


def test_a_part_that_is_an_output_itself_is_copied() -> None:
    assert ops(passed("%y, %p1")) == ["concat", "q_linear", "q_linear"]


def test_a_part_that_is_joined_twice_is_copied() -> None:
    twice = "%z: i16[5, 24; scale=0.1, zero=0] = concat(%p1, %p1) {axis = 1}"
    assert ops(passed("%y, %z", twice)) == ["concat", "concat", "q_linear", "q_linear"]


def test_columns_that_something_else_reads_are_copied() -> None:
    moved = "%z: i16[12, 5; scale=0.1, zero=0] = transpose(%q) {permutation = [1, 0]}"
    assert ops(passed("%y, %z", moved)) == ["q_linear", "q_linear", "slice", "transpose"]


@pytest.mark.parametrize("axis", [0, 1])
def test_what_is_joined_again_leaves_the_outer_one_in_place(axis: int) -> None:
    shape = "10, 20" if axis == 0 else "5, 40"
    outer = f"%z: i16[{shape}; scale=0.1, zero=0] = concat(%y, %y) {{axis = {axis}}}"
    graph = passed("%z", outer)
    inner = next(node for node in graph.nodes if node.output.name == "y")
    assert inner in layers(graph)
