"""Reads of weights: as late as hides them, one after another."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecomp.memory.read_ahead import MARGIN, latest_starts, waits

TIMES = st.lists(
    st.tuples(st.floats(0, 1e6), st.one_of(st.just(0.0), st.floats(1, 1e6))), min_size=1
)


def test_a_read_that_one_layer_hides_begins_with_that_layer() -> None:
    assert latest_starts([1000, 1000, 1000], [0, 0, 700]) == [0, 1, 1]


def test_a_read_that_takes_longer_begins_earlier() -> None:
    assert latest_starts([1000, 1000, 1000], [0, 0, 900]) == [0, 1, 0]


def test_reads_queue_so_an_earlier_one_makes_room_for_a_later_one() -> None:
    """The read for layer 3 takes all of layers 1 and 2: that for layer 2 has to be over before."""
    assert latest_starts([1000, 1000, 1000, 1], [0, 0, 500, 1600]) == [0, 1, 0, 1]


def test_the_first_layer_waits_for_its_own_weights() -> None:
    assert latest_starts([1000, 10], [300, 100]) == [0, 0]
    assert waits([1000, 10], [300, 100], [0, 0]) == [300, 0]


def test_a_read_given_up_to_its_own_layer_is_waited_for() -> None:
    assert waits([1000, 1000], [0, 700], [0, 1]) == [0, 700]


def test_a_wait_moves_all_that_follows() -> None:
    """The read for layer 2 begins when layer 1 does, which waits 500 first; it needs 100 more."""
    assert waits([10, 400, 1], [0, 500, 600], [0, 1, 1]) == [0, 500, 200]


@given(TIMES)
def test_nothing_waits_that_could_have_been_read_in_time(times: list[tuple[float, float]]) -> None:
    """If all reads up to a layer, with their margin, fit before it, it does not wait."""
    layers, reads = [list(each) for each in zip(*times, strict=True)]
    starts = latest_starts(layers, reads)
    assert all(start <= index for index, start in enumerate(starts))
    waited = waits(layers, reads, starts)
    before = [0.0, *accumulate(layers)]
    for index, read in enumerate(reads):
        needed = MARGIN * sum(reads[: index + 1])
        if read and all(needed <= before[i] for i in range(index, len(layers))):
            assert waited[index] == pytest.approx(0, abs=1e-3 * MARGIN)
