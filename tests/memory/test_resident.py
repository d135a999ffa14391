"""Weights that stay in L2: only where waiting is saved, only where there is room."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hypothesis import given
from hypothesis import strategies as st

from edgecomp.memory.read_ahead import latest_starts, waits
from edgecomp.memory.resident import NEGLIGIBLE, Fits, choose_resident, streamed


def room_for(reads: Sequence[float], total: float) -> Fits:
    def fits(resident: Collection[int], starts: Sequence[int]) -> bool:
        return sum(reads[index] for index in resident) <= total

    return fits


def lost(times: Sequence[float], reads: Sequence[float], resident: Collection[int]) -> float:
    left = streamed(reads, resident)
    return sum(waits(times, left, latest_starts(times, left)))


def test_nothing_stays_where_every_read_is_hidden() -> None:
    times, reads = [1000.0] * 5, [0.0, 100.0, 100.0, 100.0, 100.0]
    assert choose_resident(times, reads, room_for(reads, 1e9)) == []


def test_the_first_weights_stay_since_nothing_hides_their_read() -> None:
    times, reads = [1000.0] * 5, [500.0] * 5
    assert choose_resident(times, reads, room_for(reads, 500)) == [0]


def test_as_many_stay_as_l3_is_too_slow_for() -> None:
    """Reads take twice as long as layers: half of them has to go."""
    times, reads = [1000.0] * 8, [2000.0] * 8
    resident = choose_resident(times, reads, room_for(reads, 1e9))
    assert 4 <= len(resident) < 8
    assert lost(times, reads, resident) <= NEGLIGIBLE * sum(times)


def test_without_room_nothing_stays() -> None:
    times, reads = [1000.0] * 4, [2000.0] * 4
    assert choose_resident(times, reads, room_for(reads, 1999)) == []


@given(
    st.lists(st.tuples(st.floats(1, 1e5), st.floats(0, 1e5)), min_size=1, max_size=12),
    st.floats(0, 5e5),
)
def test_what_stays_fits_and_saves(pairs: list[tuple[float, float]], total: float) -> None:
    times, reads = (list(each) for each in zip(*pairs, strict=True))
    resident = choose_resident(times, reads, room_for(reads, total))
    assert len(set(resident)) == len(resident)
    assert sum(reads[index] for index in resident) <= total
    if resident:
        assert lost(times, reads, resident) < lost(times, reads, [])
