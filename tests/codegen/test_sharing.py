"""One C function for layers that differ in numbers."""

from __future__ import annotations

import re

import pytest

from edgecomp.codegen.layer import layer_function
from edgecomp.codegen.sharing import Marked, literal, share
from edgecomp.ir import parse
from edgecomp.targets import load_board
from edgecomp.tiling import TileProgram
from edgecomp.tiling.search import choose

Q = "scale=0.5, zero=0"


def test_what_differs_comes_from_the_layers_and_what_agrees_is_in_the_text() -> None:
    text = "f(@0@, @1@, @2@, @3@);"
    [shared] = share([Marked(text, (1, 5, 7, 5)), Marked(text, (1, 6, -8, 6))])
    assert shared.text.endswith("f(1, n[0], n[1], n[0]);")
    assert "ec_layer_numbers(layer, n, 2);" in shared.text
    assert shared.users == [0, 1]
    assert shared.values == [(5, 7), (6, -8)]


def test_other_text_is_another_function() -> None:
    first, second = share([Marked("a(@0@);", (1,)), Marked("b(@0@);", (2,))])
    assert first.text.endswith("a(1);") and second.text.endswith("b(2);")
    assert first.parameters == second.parameters == 0
    assert (first.users, second.users) == ([0], [1])


def test_a_layer_alone_has_literals_only() -> None:
    [shared] = share([Marked("f(@0@, @1@);", (-3, 4))])
    assert shared.text.endswith("f((-3), 4);")
    assert "n[" not in shared.text


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (-1, "(-1)"), (-(2**31), "INT32_MIN")])
def test_a_literal(value: int, text: str) -> None:
    assert literal(value) == text


def table(elements: int) -> TileProgram:
    """The tile program of a table for so many elements."""
    text = f"""graph "g" (%x: i8[{elements}; {Q}]) -> (%y) {{{{
      %table: i8[256] = constant normal 1
      %y: i8[{elements}; {Q}] = q_table(%x, %table) {{{{dtype = "i8", scale = 0.5, zero = 0}}}}
    }}}}"""
    [node] = parse(text.format()).nodes
    return choose(node, load_board("gap9_evk")).program


def test_layers_of_other_sizes_share_a_function() -> None:
    small, large = table(200_000), table(250_000)
    assert small.steps != large.steps
    [shared] = share([layer_function(small, [0, 8, 16]), layer_function(large, [0, 8, 16])])
    assert re.search(r"slot < n\[\d+\]", shared.text)
    assert shared.values[0] != shared.values[1]
