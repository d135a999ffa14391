"""Expressions in their shortest form have the same value at every step."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.codegen.simplify import simplified
from edgecomp.tiling.expr import Binary, Const, Expr, Var, least, most
from edgecomp.tiling.parts import Loop, Nest


def combine(children: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    pair = st.tuples(children, children)
    return st.one_of(
        pair.map(lambda p: p[0] + p[1]),
        pair.map(lambda p: p[0] * p[1]),
        pair.map(lambda p: most(p[0], p[1]) - least(p[0], p[1])),
        st.tuples(children, st.integers(1, 9)).map(lambda p: p[0] // p[1]),
        pair.map(lambda p: least(*p)),
        pair.map(lambda p: most(*p)),
    )


LEAVES = st.one_of(st.integers(0, 20).map(Const), st.sampled_from(["i", "j"]).map(Var))
EXPRESSIONS = st.recursive(LEAVES, combine, max_leaves=8)
TRIPS = st.integers(1, 4)


@given(EXPRESSIONS, TRIPS, TRIPS)
@settings(max_examples=300, deadline=None)
def test_the_value_stays_at_every_step(expr: Expr, rows: int, columns: int) -> None:
    nest = Nest((Loop("i", rows, 1), Loop("j", columns, 1)))
    short = simplified(expr, nest)
    np.testing.assert_array_equal(nest.at_steps(short), nest.at_steps(expr))
    assert length(short) <= max(length(expr), 9), "a constant and two multiples have nine parts"


def length(expr: Expr) -> int:
    return 1 + length(expr.left) + length(expr.right) if isinstance(expr, Binary) else 1


def test_sums_of_multiples_have_one_spelling() -> None:
    rows = Loop("m", 30, 10)
    nest = Nest((rows,))
    written = (rows.start * 4 + rows.index * 2 + 7, 7 + rows.index * 21 * 2)
    assert {simplified(each, nest).c() for each in written} == {"(7 + (m * 42))"}


def test_a_last_tile_of_two_is_a_multiple() -> None:
    loop = Loop("m", 15, 10)
    assert simplified(loop.size, Nest((loop,))).c() == "(10 + (m * -5))"


def test_a_minimum_stays_where_it_bounds() -> None:
    loop = Loop("m", 25, 10)
    assert simplified(loop.size * 4, Nest((loop,))).c() == "(EC_MIN(10, (25 + (m * -10))) * 4)"


def test_factors_become_one() -> None:
    loop = Loop("m", 25, 10)
    assert simplified(loop.size * 4 * 6, Nest((loop,))).c().endswith("* 24)")
    assert simplified(most(loop.start, 0), Nest((loop,))).c() == "(m * 10)"
