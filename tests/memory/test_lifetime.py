"""Lifetimes: which buffers meet, and how many bytes live together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecomp.memory import Buffer, live_bytes, lower_bound, peak_step

SPANS = st.tuples(st.integers(1, 50), st.integers(0, 12), st.integers(0, 5))


def _buffers(spans):
    return [
        Buffer(f"b{index}", size, first, first + length)
        for index, (size, first, length) in enumerate(spans)
    ]


def test_buffers_that_share_one_step_meet():
    assert Buffer("a", 1, 0, 3).meets(Buffer("b", 1, 3, 5))
    assert not Buffer("a", 1, 0, 3).meets(Buffer("b", 1, 4, 5))


def test_no_buffers_need_no_bytes():
    assert lower_bound([]) == 0


def test_the_bound_is_the_sum_at_the_busiest_step():
    buffers = [Buffer("a", 10, 0, 2), Buffer("b", 20, 2, 4), Buffer("c", 15, 3, 3)]
    assert lower_bound(buffers) == 35
    assert peak_step(buffers) == 3
    assert live_bytes(buffers) == {0: 10, 2: 30, 3: 35, 4: 20, 5: 0}


@given(st.lists(SPANS, min_size=1, max_size=12))
def test_the_bound_is_what_counting_every_step_gives(spans):
    buffers = _buffers(spans)
    sums = [
        sum(each.size for each in buffers if each.first_step <= step <= each.last_step)
        for step in range(20)
    ]
    assert lower_bound(buffers) == max(sums)
    assert peak_step(buffers) == sums.index(max(sums))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0, 1), "size 0"),
        ((1, 4, 3), "before 4"),
        ((1, 0, 1, 0), "alignment 0"),
    ],
)
def test_an_impossible_buffer_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Buffer("a", *arguments)
