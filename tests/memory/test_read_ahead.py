"""Reads of weights: as late as hides them, one after another."""

from __future__ import annotations

from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecomp.memory.lifetime import Buffer, lower_bound
from edgecomp.memory.read_ahead import MARGIN, latest_starts, shorten, waits

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


def weights(sizes: list[int], starts: list[int]) -> list[Buffer]:
    """From the start of their read to their layer."""
    return [Buffer(f"w{i}", size, starts[i], i) for i, size in enumerate(sizes) if size]


def test_of_two_reads_in_the_way_the_one_that_is_needed_later_is_put_off() -> None:
    """At layer 1 the weights of layers 2 and 3 are under way, one of them too many."""
    starts = [0, 1, 1, 1]
    sizes = [0, 0, 100, 100]
    shorten(starts, sizes, weights(sizes, starts), [0, 0, 900, 900], 150)
    assert starts == [0, 1, 1, 3]


def test_no_more_is_put_off_than_is_in_the_way() -> None:
    starts = [0, 0, 0, 0]
    sizes = [0, 100, 100, 100]
    shorten(starts, sizes, weights(sizes, starts), [0, 900, 10, 900], 200)
    assert starts == [0, 0, 0, 2]


def test_what_no_read_makes_smaller_stays() -> None:
    starts = [0, 0]
    shorten(starts, [0, 100], [Buffer("x", 500, 0, 1), *weights([0, 100], starts)], [0, 5], 300)
    assert starts == [0, 1]


@given(TIMES, st.integers(0, 3000), st.randoms(use_true_random=False))
def test_no_more_than_the_capacity_lives_where_reads_can_be_put_off(
    times: list[tuple[float, float]], capacity: int, choices: Random
) -> None:
    layers, reads = [list(each) for each in zip(*times, strict=True)]
    sizes = [choices.randint(1, 1000) if read else 0 for read in reads]
    starts = latest_starts(layers, reads)
    before = list(starts)
    shorten(starts, sizes, weights(sizes, starts), reads, capacity)
    assert all(a <= b <= i for i, (a, b) in enumerate(zip(before, starts, strict=True)))
    assert lower_bound(weights(sizes, starts)) <= max(capacity, *sizes)
    begun = [start for start, read in zip(starts, reads, strict=True) if read]
    assert begun == sorted(begun), "reads queue in the order of the layers"
