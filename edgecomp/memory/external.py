"""Where the weights lie outside of the chip: in RAM, and in flash what RAM does not hold.

Flash holds the image of all weights. Its first part is copied to RAM when the program starts; the
blocks behind it are read from flash, window by window. Which blocks these are is chosen so that
layers wait the least.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from edgecomp.memory.arena import DoesNotFit
from edgecomp.memory.read_ahead import latest_starts, waits

ReadTime = Callable[[int], float]
"""How long it takes to read a number of bytes into L2, in the unit of the layers' times."""


@dataclass(frozen=True)
class External:
    """The memories outside of the chip. Without ``flash`` weights cannot be read from flash.

    board: its name, for messages.
    """

    ram_bytes: int
    ram: ReadTime
    flash_bytes: int = 0
    flash: ReadTime | None = None
    board: str = "the board"


@dataclass(frozen=True)
class Block:
    """The weights of a layer: layers with the same ``contents`` share one place."""

    contents: Hashable
    bytes: int


@dataclass(frozen=True)
class Image:
    """All weights, block after block: the first ``ram_bytes`` of ``bytes`` bytes are in RAM.

    ``offsets[i]`` is where the block of layer i begins, ``reads[i]`` how long its read takes.
    """

    offsets: list[int]
    reads: list[float]
    ram_bytes: int
    bytes: int

    def place(self, layer: int) -> str:
        """Where the block of a layer lies, for people."""
        offset = self.offsets[layer]
        return f"L3 {offset}" if offset < self.ram_bytes else f"flash {offset}"


def lay_out(blocks: Sequence[Block], times: Sequence[float], external: External) -> Image:
    """The image for layers that take ``times``. Raises ``DoesNotFit``."""
    sizes = {block.contents: block.bytes for block in blocks}
    total = sum(sizes.values())
    flash = external.flash
    check_total(total, external)
    in_flash: set[Hashable] = set()
    if flash is not None and total > external.ram_bytes:
        in_flash = _choose(blocks, sizes, times, external)
    places = dict.fromkeys(sorted(sizes, key=lambda each: each in in_flash), 0)
    cursor = 0
    for contents in places:
        places[contents] = cursor
        cursor += sizes[contents]
    return Image(
        [places[block.contents] for block in blocks],
        _reads(blocks, in_flash, external),
        total - sum(sizes[contents] for contents in in_flash),
        total,
    )


def check_total(total: int, external: External, bound: str = "") -> None:
    """``DoesNotFit`` where weights of ``total`` bytes have no place; ``bound`` says "at least".

    Flash holds the whole image, that of blocks in RAM too.
    """
    with_flash = external.flash is not None
    capacity = max(external.ram_bytes, external.flash_bytes * with_flash)
    if total > capacity:
        flash = f" and {_size(external.flash_bytes)} of flash" if with_flash else ""
        raise DoesNotFit(
            f"the weights take {bound}{_size(total)}, {external.board} has "
            f"{_size(external.ram_bytes)} of external RAM{flash}",
            "use a smaller model, or a board file with more external memory",
        )


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size} bytes"


def _choose(
    blocks: Sequence[Block],
    sizes: dict[Hashable, int],
    times: Sequence[float],
    external: External,
) -> set[Hashable]:
    """Blocks for flash until the others fit RAM: each the one that costs the least time a byte.

    Where several cost nothing, the one whose size is nearest to what is still too much.
    """
    chosen: set[Hashable] = set()
    excess = sum(sizes.values()) - external.ram_bytes
    while excess > 0:
        before = _lost(times, _reads(blocks, chosen, external))

        def price(contents: Hashable) -> tuple[float, int]:
            lost = _lost(times, _reads(blocks, {*chosen, contents}, external)) - before  # noqa: B023
            return lost / min(sizes[contents], excess), abs(sizes[contents] - excess)  # noqa: B023

        left = [each for each in sizes if sizes[each] and each not in chosen]
        best = min(left, key=price)
        chosen.add(best)
        excess -= sizes[best]
    return chosen


def _reads(blocks: Sequence[Block], in_flash: set[Hashable], external: External) -> list[float]:
    def read(block: Block) -> float:
        time = external.ram
        if block.contents in in_flash and external.flash is not None:
            time = external.flash
        return time(block.bytes) if block.bytes else 0.0

    return [read(block) for block in blocks]


def _lost(times: Sequence[float], reads: Sequence[float]) -> float:
    return sum(waits(times, reads, latest_starts(times, reads)))
