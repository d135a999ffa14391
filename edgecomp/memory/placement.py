"""The L2 plan of a network: which tensor and which weight block lies where, and when.

Steps are layers in execution order. Activations live from the layer that writes them to the last
that reads them. A layer's weights are read from L3 while the layers before it run (`read_ahead`),
later than would hide the read where L2 has no room for that. Where reads take longer than layers,
some weights stay in L2 (`resident`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from edgecomp.ir import Graph, Node, Value
from edgecomp.memory.arena import DoesNotFit, Plan, pack
from edgecomp.memory.external import Block, External, Image, lay_out
from edgecomp.memory.lifetime import Buffer, lower_bound
from edgecomp.memory.read_ahead import latest_starts, waits
from edgecomp.memory.resident import Fits, choose_resident, streamed
from edgecomp.tiling.views import resolve

ALIGNMENT = 8


@dataclass(frozen=True)
class WeightBlock:
    """The constants of one layer, back to back: offset of each in the block, bytes in all."""

    offsets: dict[Value, int]
    bytes: int


@dataclass(frozen=True)
class Placement:
    """Addresses in the L2 arena, and the image of the weights outside of the chip.

    ``weights_from[i]`` is the layer at whose start the read of layer ``i``'s weights may begin;
    ``i`` itself where nothing hides the read. ``waits[i]`` is how long layer ``i`` is expected to
    wait for them, ``reads[i]`` how long the read takes, 0 where none is made in every window.
    Weights of layers in ``resident`` are read once, before the first window.
    """

    plan: Plan
    tensors: dict[Value, int]
    blocks: list[WeightBlock]
    block_l2: list[int]
    image: Image
    weights_from: list[int]
    waits: list[float]
    reads: list[float]
    resident: frozenset[int]

    def address(self, value: Value, layer: int) -> int:
        """L2 offset of ``value`` as layer ``layer`` sees it."""
        if value.is_constant:
            return self.block_l2[layer] + self.blocks[layer].offsets[value]
        view = resolve(value)
        return self.tensors[view.base] + view.offset

    def block_name(self, layer: int) -> str:
        """What the plan calls the weights of layer ``layer``."""
        return _block_name(layer)


def place(
    graph: Graph,
    layers: Sequence[Node],
    constants: Sequence[Iterable[Value]],
    times: Sequence[float],
    external: External,
    capacity: int,
    memory: str = "L2",
    keep: bool = True,
) -> Placement:
    """Plan L2 for ``layers``; reading ahead is given up where it does not fit.

    ``constants`` are those that each layer reads, ``times`` is how long each layer takes, in the
    unit of the times of ``external``. Raises ``DoesNotFit``, naming ``memory``, when the network
    needs more than ``capacity`` bytes all the same, or its weights more than there is outside of
    the chip. With ``keep`` weights may stay in L2 between windows.
    """
    blocks = [_weight_block(each) for each in constants]
    tensors_alive = activations(graph, layers)
    image = lay_out([Block(tuple(b.offsets), b.bytes) for b in blocks], times, external)
    reads = image.reads
    resident = (
        choose_resident(times, reads, _fitting(blocks, tensors_alive, capacity)) if keep else []
    )
    weights_from = latest_starts(times, streamed(reads, resident))
    while True:
        buffers = [*tensors_alive.values(), *_weight_buffers(blocks, weights_from, resident)]
        try:
            plan = pack(buffers, capacity, memory)
            break
        except DoesNotFit:
            if resident:  # the bound fitted, the packing did not
                del resident[-1]
                weights_from = latest_starts(times, streamed(reads, resident))
                continue
            victim = _read_ahead_at_peak(buffers, weights_from)
            if victim is None:
                raise
            weights_from[victim] += 1
    tensors = {value: plan.addresses[buffer.name] for value, buffer in tensors_alive.items()}
    block_l2 = [plan.addresses.get(_block_name(index), 0) for index in range(len(layers))]
    repeated = streamed(reads, resident)
    return Placement(
        plan,
        tensors,
        blocks,
        block_l2,
        image,
        weights_from,
        waits(times, repeated, weights_from),
        repeated,
        frozenset(resident),
    )


def _weight_block(constants: Iterable[Value]) -> WeightBlock:
    offsets: dict[Value, int] = {}
    cursor = 0
    for value in constants:
        if value not in offsets:
            offsets[value] = cursor
            cursor += _aligned(value.type.bytes)
    return WeightBlock(offsets, cursor)


def activations(graph: Graph, layers: Sequence[Node]) -> dict[Value, Buffer]:
    """The tensors that ``layers`` read and write, each with the steps during which it lives."""
    first: dict[Value, int] = {value: 0 for value in graph.inputs}
    last: dict[Value, int] = dict(first)
    for index, node in enumerate(layers):
        for value in node.inputs:
            if not value.is_constant:
                last[resolve(value).base] = index
        for value in node.outputs:
            base = resolve(value).base
            first.setdefault(base, index)
            last[base] = index
    for value in graph.outputs:
        if not value.is_constant:
            last[resolve(value).base] = len(layers) - 1
    return {
        value: Buffer(value.name, value.type.bytes, first[value], last[value], ALIGNMENT)
        for value in first
    }


def _block_name(index: int) -> str:
    return f"weights[{index}]"


def _weight_buffers(
    blocks: list[WeightBlock], weights_from: Sequence[int], resident: Collection[int]
) -> list[Buffer]:
    """Weights live from the start of their read to their layer, or always."""
    last = len(blocks) - 1
    return [
        Buffer(
            _block_name(i),
            block.bytes,
            0 if i in resident else weights_from[i],
            last if i in resident else i,
            ALIGNMENT,
        )
        for i, block in enumerate(blocks)
        if block.bytes
    ]


def _fitting(blocks: list[WeightBlock], activations: dict[Value, Buffer], capacity: int) -> Fits:
    """Whether the largest sum of live bytes is within ``capacity``."""

    def fits(resident: Collection[int], weights_from: Sequence[int]) -> bool:
        buffers = [*activations.values(), *_weight_buffers(blocks, weights_from, resident)]
        return lower_bound(buffers) <= capacity

    return fits


def _read_ahead_at_peak(buffers: list[Buffer], weights_from: list[int]) -> int | None:
    """The layer whose early read is in the way where most bytes are live; None if none is."""
    steps = range(len(weights_from))
    live = [sum(b.size for b in buffers if b.first_step <= s <= b.last_step) for s in steps]
    for step in sorted(steps, key=lambda s: -live[s]):
        early = [i for i, start in enumerate(weights_from) if start <= step < i]
        if early:
            return early[0]
    return None


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
