"""What a report draws: buffers of the three memories, peak rates, outputs beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from edgecomp.ir import Graph
from edgecomp.memory import Buffer as Placed
from edgecomp.pipeline.compile import Layer, Plan
from edgecomp.report import Buffer, Buffers, OutputSample, Peaks
from edgecomp.tiling.parts import Operand

MOST_SAMPLES = 512
"""Elements of one output that a report shows."""


def buffers(plan: Plan) -> Buffers:
    """Every planned buffer, named as in graph.txt; weights after the layer that reads them."""
    l1 = [buffer for layer in plan.layers for buffer in _l1(layer)]
    return Buffers(l1=l1, l2=list(_l2(plan)), l3=list(_l3(plan)))


def _l1(layer: Layer) -> Iterator[Buffer]:
    program = layer.tiling.program
    operands = {operand.name: operand for operand in program.operands}
    for name, place in program.l1_layout.items():
        yield Buffer(
            name=name,
            kind=_l1_kind(operands.get(name)),
            address=place.offset,
            bytes=place.end - place.offset,
            first=layer.index,
            last=layer.index,
            copies=place.copies,
        )


def _l1_kind(operand: Operand | None) -> Literal["scratch", "weights", "input", "result"]:
    if operand is None:
        return "scratch"
    if operand.value.is_constant:
        return "weights"
    return "input" if operand.direction == "in" else "result"


def _l2(plan: Plan) -> Iterator[Buffer]:
    placement, places = plan.placement, {each.name: each for each in plan.placement.plan.buffers}
    addresses = placement.plan.addresses
    for value in placement.tensors:
        yield _placed(places[value.name], value.name, "activation", addresses[value.name])
    for layer in plan.layers:
        if placement.blocks[layer.index].bytes:
            block = placement.block_name(layer.index)
            kind: Literal["resident", "weights"] = (
                "resident" if layer.index in placement.resident else "weights"
            )
            yield _placed(places[block], f"weights of {layer.name}", kind, addresses[block])


def _placed(
    place: Placed, name: str, kind: Literal["activation", "weights", "resident"], address: int
) -> Buffer:
    return Buffer(
        name=name,
        kind=kind,
        address=address,
        bytes=place.size,
        first=place.first_step,
        last=place.last_step,
    )


def _l3(plan: Plan) -> Iterator[Buffer]:
    """Blocks of weights in RAM, which stay; layers with the same constants share one."""
    placement = plan.placement
    users: dict[int, list[Layer]] = {}
    for layer in plan.layers:
        address = placement.image.offsets[layer.index]
        if placement.blocks[layer.index].bytes and address < placement.image.ram_bytes:
            users.setdefault(address, []).append(layer)
    for address, layers in users.items():
        others = f" and {len(layers) - 1} more" if len(layers) > 1 else ""
        yield Buffer(
            name=f"weights of {layers[0].name}{others}",
            kind="weights",
            address=address,
            bytes=placement.blocks[layers[0].index].bytes,
            first=0,
            last=len(plan.layers) - 1,
        )


def peaks(plan: Plan) -> Peaks:
    """The fastest of the kernels that the network's layers call on the cores, and the paths."""
    board = plan.board
    calls = [call for layer in plan.layers for call in layer.tiling.program.calls]
    on_cores = [board.kernels[c.rate or c.kernel] for c in calls if c.engine == "cluster"]
    l1, l3 = board.transfers.l2_l1, board.transfers.l3_l2
    return Peaks(
        cores_macs_per_cycle=max((r.macs_per_cycle or 0.0 for r in on_cores), default=0.0) or None,
        l2_l1_bytes_per_cycle=l1.bytes_per_cycle
        * board.clocks.hz(l1.clock)
        / board.clocks.cluster_hz,
        l3_l2_bytes_per_cycle=l3.bytes_per_cycle
        * board.clocks.hz(l3.clock)
        / board.clocks.cluster_hz,
    )


def output_samples(
    graph: Graph, floats: Sequence[np.ndarray], integers: Sequence[np.ndarray]
) -> list[OutputSample]:
    """Of every output [windows, *shape], as real numbers, at most ``MOST_SAMPLES`` elements."""
    samples = []
    for value, expected, actual in zip(graph.outputs, floats, integers, strict=True):
        chosen = np.unique(np.linspace(0, expected.size - 1, MOST_SAMPLES).astype(np.int64))
        samples.append(
            OutputSample(
                name=value.name,
                total=expected.size,
                float_model=_rounded(expected.reshape(-1)[chosen]),
                integer=_rounded(actual.reshape(-1)[chosen]),
            )
        )
    return samples


def _rounded(values: np.ndarray) -> list[float]:
    """To six digits, enough to draw."""
    return [float(f"{value:.6g}") for value in values]
