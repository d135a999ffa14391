"""The L2 plan of a network: which tensor and which weight block lies where, and when.

Steps are layers in execution order. Activations live from the layer that writes them to the last
that reads them. A layer's weights are read from L3 while the layers before it run (`read_ahead`),
later than would hide the read where L2 has no room for that. Where reads take longer than layers,
some weights stay in L2 (`resident`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgecomp.ir import Graph, Node, Value
from edgecomp.memory.arena import Plan
from edgecomp.memory.external import Block, External, Image, lay_out
from edgecomp.memory.lifetime import Buffer
from edgecomp.memory.read_ahead import waits
from edgecomp.memory.resident import choose_resident, streamed
from edgecomp.memory.weight_reads import ALIGNMENT, WeightReads, block_name
from edgecomp.tiling.views import resolve


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
        return block_name(layer)


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
    sizes = [block.bytes for block in blocks]
    weights = WeightReads(sizes, list(tensors_alive.values()), times, reads, capacity, memory)
    worth_keeping = choose_resident(times, reads, weights.fit) if keep else []
    plan, weights_from, resident = weights.pack(worth_keeping)
    tensors = {value: plan.addresses[buffer.name] for value, buffer in tensors_alive.items()}
    block_l2 = [plan.addresses.get(block_name(index), 0) for index in range(len(layers))]
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


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
