"""Weights outside of the chip: every block whole in one memory, the cheapest ones in flash."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgecomp.memory import DoesNotFit
from edgecomp.memory.external import Block, External, lay_out
from edgecomp.memory.read_ahead import latest_starts, waits


def slow(size: int) -> float:
    """Flash at half the speed of RAM."""
    return 2.0 * size


def lost(times: list[float], reads: list[float]) -> float:
    return sum(waits(times, reads, latest_starts(times, reads)))


BLOCKS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 500)), min_size=1, max_size=12)


@given(BLOCKS, st.integers(1, 1500))
def test_blocks_lie_apart_and_whole_in_one_memory(pairs: list[tuple[int, int]], ram: int) -> None:
    sizes = {contents: 8 * size for contents, size in reversed(pairs)}
    blocks = [Block(contents, sizes[contents]) for contents, _ in pairs]
    assume(sum(sizes.values()) <= 20_000)
    image = lay_out(blocks, [100.0] * len(blocks), External(8 * ram, float, 20_000, slow))
    assert image.bytes == sum(sizes.values())
    assert image.ram_bytes <= 8 * ram
    assert image.ram_bytes == image.bytes or image.bytes > 8 * ram
    spans = {(offset, block.bytes) for offset, block in zip(image.offsets, blocks, strict=True)}
    assert len(spans) == len(sizes)
    cursor = 0
    for offset, size in sorted(spans):
        assert offset == cursor
        assert offset >= image.ram_bytes or offset + size <= image.ram_bytes
        cursor += size
    for offset, block, read in zip(image.offsets, blocks, image.reads, strict=True):
        assert read == (float if offset < image.ram_bytes else slow)(block.bytes)


def test_flash_takes_what_is_hidden_behind_layers() -> None:
    """Only the read of the third layer has time to be twice as long."""
    blocks = [Block(index, 800) for index in range(4)]
    times = [1000.0, 9000.0, 1000.0, 1000.0]
    image = lay_out(blocks, times, External(2400, float, 9000, slow))
    assert [place.split()[0] for place in map(image.place, range(4))] == ["L3", "L3", "flash", "L3"]
    everything_in_ram = lost(times, [800.0] * 4)
    assert lost(times, image.reads) == everything_in_ram


def test_of_equal_prices_flash_takes_the_block_of_the_missing_size() -> None:
    blocks = [Block("a", 1600), Block("b", 400), Block("c", 800)]
    image = lay_out(blocks, [1e6] * 3, External(2400, float, 9000, slow))
    assert image.ram_bytes == 2400
    assert image.place(1) == "flash 2400"


def test_what_flash_does_not_hold_either_is_refused_with_both_sizes() -> None:
    external = External(1000, float, 2000, slow, "kit")
    with pytest.raises(DoesNotFit, match=r"take 2400 bytes, kit has 1000 .*RAM and 2000 .*flash"):
        lay_out([Block(0, 2400)], [1.0], external)


def test_large_sizes_are_in_mebibytes() -> None:
    external = External(8 << 20, float, 16 << 20, slow, "kit")
    with pytest.raises(DoesNotFit, match=r"take 17.0 MiB, kit has 8.0 MiB .*and 16.0 MiB of flash"):
        lay_out([Block(0, 17 << 20)], [1.0], external)


def test_without_reading_from_flash_ram_is_all() -> None:
    with pytest.raises(DoesNotFit, match=r"take 2400 bytes, kit has 1000 bytes of external RAM\n"):
        lay_out([Block(0, 2400)], [1.0], External(1000, float, 9000, board="kit"))
