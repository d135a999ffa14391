"""Expressions: numpy, C and folding agree."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.tiling.expr import Const, Expr, Number, Var, least, most

NAMES = ("i", "j")


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


EXPRESSIONS = st.recursive(
    st.one_of(st.integers(0, 9).map(Const), st.sampled_from(NAMES).map(Var)), combine, max_leaves=8
)


def run_c(text: str, indices: dict[str, int]) -> int:
    """``text`` with Python's operators, which agree with C's on non-negative numbers."""
    python = text.replace("/", "//")
    return int(eval(python, {"EC_MIN": min, "EC_MAX": max, **indices}))


@given(EXPRESSIONS, st.integers(0, 7), st.integers(0, 7))
@settings(max_examples=300, deadline=None)
def test_evaluation_agrees_with_the_c_text(expr: Expr, i: int, j: int) -> None:
    indices: dict[str, Number] = {"i": i, "j": j}
    assert run_c(expr.c(), {"i": i, "j": j}) == expr.evaluate(indices)
    marked = expr.c(lambda name: f"{name}_next", lambda value: f"({value})")
    assert run_c(marked, {"i_next": i, "j_next": j}) == expr.evaluate(indices)


@given(EXPRESSIONS)
@settings(deadline=None)
def test_arrays_are_evaluated_element_by_element(expr: Expr) -> None:
    i, j = np.arange(5), np.arange(5)[::-1]
    whole = np.broadcast_to(np.asarray(expr.evaluate({"i": i, "j": j})), (5,))
    single = [expr.evaluate({"i": int(a), "j": int(b)}) for a, b in zip(i, j, strict=True)]
    assert whole.tolist() == single


def test_what_is_known_is_folded() -> None:
    i = Var("i")
    assert i * 0 == Const(0) and 0 + i == i and i * 1 == i and i // 1 == i and i - 0 == i
    assert least(3, 5) == Const(3) and (Const(7) // 2) == Const(3)
