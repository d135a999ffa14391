"""The L2 plan of a network: which tensor and which weight block lies where, and when.

Steps are layers in execution order. Activations live from the layer that writes them to the last
that reads them; a layer's weights live from the layer before (they are read from L3 while it
runs) or, where that does not fit, from the layer itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgecomp.ir import Graph, Node, Value
from edgecomp.memory.arena import DoesNotFit, Plan, pack
from edgecomp.memory.lifetime import Buffer
from edgecomp.tiling.views import resolve

ALIGNMENT = 8


@dataclass(frozen=True)
class WeightBlock:
    """The constants of one layer, back to back: offset of each in the block, bytes in all."""

    offsets: dict[Value, int]
    bytes: int


@dataclass(frozen=True)
class Placement:
    """Addresses in the L2 arena and offsets in the L3 image."""

    plan: Plan
    tensors: dict[Value, int]
    blocks: list[WeightBlock]
    block_l2: list[int]
    block_l3: list[int]
    prefetch: list[bool]
    l3_bytes: int

    def address(self, value: Value, layer: int) -> int:
        """L2 offset of ``value`` as layer ``layer`` sees it."""
        if value.is_constant:
            return self.block_l2[layer] + self.blocks[layer].offsets[value]
        view = resolve(value)
        return self.tensors[view.base] + view.offset


def place(graph: Graph, layers: Sequence[Node], capacity: int, memory: str = "L2") -> Placement:
    """Plan L2 for ``layers``; prefetching is given up where it does not fit.

    Raises ``DoesNotFit``, naming ``memory``, when the network needs more than ``capacity`` bytes
    all the same.
    """
    blocks = [_weight_block(node) for node in layers]
    activations = _activations(graph, layers)
    prefetch = [index > 0 and block.bytes > 0 for index, block in enumerate(blocks)]
    while True:
        buffers = [*activations.values(), *_weight_buffers(layers, blocks, prefetch)]
        try:
            plan = pack(buffers, capacity, memory)
            break
        except DoesNotFit:
            victim = _prefetch_at_peak(buffers, prefetch)
            if victim is None:
                raise
            prefetch[victim] = False
    tensors = {value: plan.addresses[buffer.name] for value, buffer in activations.items()}
    block_l2 = [plan.addresses.get(_block_name(index), 0) for index in range(len(layers))]
    block_l3, l3_bytes = _l3_offsets(blocks)
    return Placement(plan, tensors, blocks, block_l2, block_l3, prefetch, l3_bytes)


def _weight_block(node: Node) -> WeightBlock:
    offsets: dict[Value, int] = {}
    cursor = 0
    for value in node.inputs:
        if value.is_constant and value not in offsets:
            offsets[value] = cursor
            cursor += _aligned(value.type.bytes)
    return WeightBlock(offsets, cursor)


def _activations(graph: Graph, layers: Sequence[Node]) -> dict[Value, Buffer]:
    first: dict[Value, int] = {value: 0 for value in graph.inputs}
    last: dict[Value, int] = dict(first)
    for index, node in enumerate(layers):
        for value in node.inputs:
            if not value.is_constant:
                last[resolve(value).base] = index
        for value in node.outputs:
            first[value] = last[value] = index
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
    layers: Sequence[Node], blocks: list[WeightBlock], prefetch: list[bool]
) -> list[Buffer]:
    return [
        Buffer(_block_name(i), block.bytes, i - int(prefetch[i]), i, ALIGNMENT)
        for i, block in enumerate(blocks)
        if block.bytes
    ]


def _prefetch_at_peak(buffers: list[Buffer], prefetch: list[bool]) -> int | None:
    """The prefetch that is in the way where most bytes are live; None where there is none."""
    steps = range(len(prefetch))
    live = [sum(b.size for b in buffers if b.first_step <= s <= b.last_step) for s in steps]
    for step in sorted(steps, key=lambda s: -live[s]):
        if step + 1 < len(prefetch) and prefetch[step + 1]:
            return step + 1
    return None


def _l3_offsets(blocks: list[WeightBlock]) -> tuple[list[int], int]:
    offsets = []
    cursor = 0
    for block in blocks:
        offsets.append(cursor)
        cursor += block.bytes
    return offsets, cursor


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
