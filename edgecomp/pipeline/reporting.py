"""The figures of a build and of a simulation, as reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgecomp.ir import Graph
from edgecomp.memory.external import Image
from edgecomp.pipeline.compile import Layer, Plan
from edgecomp.pipeline.details import buffers, output_samples, peaks
from edgecomp.pipeline.duty import again, duty_cycle
from edgecomp.pipeline.quality import Agreement, agreement
from edgecomp.pipeline.reference import Reference
from edgecomp.pipeline.source import Source
from edgecomp.quantize.quality import measure
from edgecomp.report import (
    Comparison,
    Energy,
    Latency,
    Level,
    Memory,
    Model,
    OutputSample,
    Quantization,
    Report,
    SimulationReport,
)
from edgecomp.report import Layer as LayerReport
from edgecomp.simulators import Measurement, WindowRun
from edgecomp.targets import Board, Power
from edgecomp.version import VERSION

QUALITY_WINDOWS = 2
"""Windows over which the per-layer SQNR is taken. Errors of earlier layers are included in it."""


def build_report(
    source: Source,
    plan: Plan,
    reference: Reference,
    mapping: Mapping[str, str],
    float_graph: Graph,
    target: str,
    macs: int,
    period_seconds: float,
    cell_mah: float,
) -> Report:
    """The report of a build; latency and energy are estimates of the cost model."""
    board = plan.board
    integers = reference.dequantized(plan.graph)
    agreed = agreement(reference.floats, integers)
    seconds = board.seconds(plan.cycles)
    few = {name: array[:QUALITY_WINDOWS] for name, array in reference.windows.items()}
    layers = measure(float_graph, plan.graph, dict(mapping), few).layers
    per_layer = {layer.name: layer.sqnr_db for layer in layers}
    parameters = source.parameters
    if parameters is None:
        parameters = sum(v.type.size for v in float_graph.constants() if v.type.size > 1)
    return Report(
        edgecomp=VERSION,
        model=Model(name=source.name, parameters=parameters, macs=macs),
        target=target,
        board=board.name,
        memory=_memory(plan),
        quantization=_quantization(agreed, reference),
        latency=Latency(
            cycles=round(plan.cycles),
            frequency_hz=board.clocks.cluster_hz,
            seconds=seconds,
            provenance="estimate",
        ),
        energy=_energy(board.power, seconds) if board.power else None,
        layers=[
            _layer(layer, plan, int(reference.checksums[0, layer.index]), per_layer)
            for layer in plan.layers
        ],
        notices=[*source.notices, *_plan_notices(plan)],
        ne16_macs_per_cycle=board.ne16.macs_per_cycle if board.ne16 else None,
        duty_cycle=duty_cycle(board.power, seconds, period_seconds, cell_mah, _resident_bytes(plan))
        if board.power
        else None,
        peaks=peaks(plan),
        buffers=buffers(plan),
        outputs=output_samples(plan.graph, reference.floats, integers),
    )


def _plan_notices(plan: Plan) -> list[str]:
    kept = _resident_bytes(plan)
    if not kept:
        return []
    power, board = "", plan.board.power
    if board is not None:
        power = "; L2 must stay powered between windows, which the battery figure counts"
        if board.retained_sleep_watts is None:
            power += " no power for: the board file states none (power.retained_sleep_watts)"
    return [
        f"{kept:,} of {plan.placement.image.bytes:,} bytes of weights stay in L2 from window to "
        f"window: they are read once, when the network starts{power}"
    ]


def _resident_bytes(plan: Plan) -> int:
    """Of weights that stay in L2 from window to window."""
    placement = plan.placement
    return sum(placement.blocks[index].bytes for index in placement.resident)


def simulation_report(
    built: Report,
    simulator: str,
    bit_exact: bool,
    agreed: Agreement,
    quantization: Agreement,
    windows: int,
    first: WindowRun,
    outputs: list[OutputSample],
) -> SimulationReport:
    """The report of a simulation, whose first window is ``first``; ``outputs`` are the program's.

    Where the simulator counts no cycles, latency stays the build's estimate.
    """
    fields = built.model_dump(by_alias=False)
    fields["layers"] = [
        {**layer, "checksum": int(value)}
        for layer, value in zip(fields["layers"], first.checksums, strict=True)
    ]
    if first.measured is not None:
        fields |= _measured(built, fields, first.measured)
    fields |= {
        "quantization": Quantization(
            sqnr_db=quantization.sqnr_db,
            cosine=quantization.cosine,
            argmax_agreement=quantization.argmax_agreement,
            windows=windows,
        ),
        "outputs": outputs,
        "simulator": simulator,
        "bit_exact": bit_exact,
        "float_": Comparison(
            sqnr_db=agreed.sqnr_db,
            cosine=agreed.cosine,
            max_abs_error=agreed.max_abs_error,
            argmax_agreement=agreed.argmax_agreement,
        ),
    }
    return SimulationReport.model_validate(fields)


def _measured(built: Report, fields: Mapping[str, Any], measured: Measurement) -> dict[str, object]:
    """Latency, layers and memory as measured; energy is the estimated power times that time."""
    hertz = measured.frequency_hz or built.latency.frequency_hz
    seconds = measured.cycles / hertz
    energy = built.energy
    if energy is not None:
        energy = energy.model_copy(update={"joules": energy.average_watts * seconds})
    layers = [
        {
            **layer,
            "cycles": cycles.total,
            "compute": cycles.compute,
            "exposed_dma": cycles.exposed_dma,
            "exposed_l3": cycles.exposed_l3,
            "exposed_ne16": cycles.exposed_ne16,
            "overhead": cycles.overhead,
            "ne16_busy": cycles.ne16_busy,
        }
        for layer, cycles in zip(fields["layers"], measured.layers, strict=True)
    ]
    memory = {
        "l1": _measured_level(built.memory.l1, measured.l1_bytes, measured),
        "l2": _measured_level(built.memory.l2, measured.l2_bytes, measured),
        "l3": built.memory.l3,
        "flash": built.memory.flash,
    }
    return {
        "latency": Latency(
            cycles=measured.cycles,
            frequency_hz=hertz,
            seconds=seconds,
            provenance=measured.provenance,
            label=measured.label,
        ),
        "energy": energy,
        "duty_cycle": again(built.duty_cycle, seconds) if built.duty_cycle else None,
        "layers": layers,
        "memory": memory,
    }


def _measured_level(planned: Level, peak: int | None, measured: Measurement) -> Level:
    """The level with what the linked program takes of it, where that is known.

    Stacks are as large as planned.
    """
    if peak is None:
        return planned
    reserved = peak - planned.arena
    found = {"peak": peak, "reserved": reserved, "provenance": measured.provenance}
    if planned.code is not None and planned.reserved is not None:
        found["code"] = max(0, reserved - (planned.reserved - planned.code))
    return planned.model_copy(update=found)


def _quantization(agreed: Agreement, reference: Reference) -> Quantization:
    return Quantization(
        sqnr_db=agreed.sqnr_db,
        cosine=agreed.cosine,
        argmax_agreement=agreed.argmax_agreement,
        windows=reference.floats[0].shape[0],
    )


def _memory(plan: Plan) -> Memory:
    board, placement = plan.board, plan.placement
    l1 = max(layer.tiling.program.l1_bytes for layer in plan.layers)
    l2, image = placement.plan, placement.image
    reserved = board.l2_reserved_bytes + plan.code_bytes
    return Memory(
        l1=Level(
            capacity=board.memories.l1_bytes,
            peak=l1 + board.l1_reserved_bytes,
            arena=l1,
            lower_bound=max(layer.tiling.program.buffer_bytes for layer in plan.layers),
            reserved=board.l1_reserved_bytes,
            provenance="estimate",
        ),
        l2=Level(
            capacity=board.memories.l2_bytes,
            peak=l2.size + reserved,
            arena=l2.size,
            lower_bound=l2.lower_bound,
            reserved=reserved,
            code=board.reserved.code_bytes + plan.code_bytes,
            provenance="estimate",
        ),
        l3=Level(
            capacity=board.memories.l3_bytes,
            peak=image.ram_bytes,
            arena=image.ram_bytes,
            lower_bound=image.ram_bytes,
        ),
        flash=_flash(board, image),
    )


def _flash(board: Board, image: Image) -> Level | None:
    """Flash, where weights are read from it: it holds those in L3 too, for the start."""
    if image.ram_bytes == image.bytes:
        return None
    capacity = board.memories.flash_bytes
    return Level(capacity=capacity, peak=image.bytes, arena=image.bytes, lower_bound=image.bytes)


def _energy(power: Power, seconds: float) -> Energy:
    joules = power.joules(seconds)
    return Energy(
        joules=joules, average_watts=joules / seconds if seconds else 0.0, provenance="estimate"
    )


def _layer(layer: Layer, plan: Plan, checksum: int, quality: Mapping[str, float]) -> LayerReport:
    program, cost = layer.tiling.program, layer.tiling.cost
    placement = plan.placement
    weights = placement.blocks[layer.index].bytes
    reads = placement.reads[layer.index] > 0
    return LayerReport(
        name=layer.name,
        op=layer.node.op,
        engine="+".join(program.engines),
        on_cores=layer.tiling.on_cores or None,
        macs=layer.macs,
        cycles=round(layer.cycles),
        l1_bytes=program.l1_bytes,
        tiles=program.steps,
        checksum=checksum,  # type: ignore[arg-type]  # the schema spells it in hexadecimal
        sqnr_db=quality.get(layer.node.output.name),
        bytes=weights,
        compute=round(cost.compute),
        exposed_dma=round(cost.exposed_dma),
        exposed_l3=round(layer.exposed_l3),
        exposed_ne16=round(cost.exposed_ne16),
        overhead=round(cost.overhead),
        ne16_busy=round(cost.ne16),
        ne16_macs=layer.ne16_macs,
        bytes_moved=cost.bytes_moved,
        dma_busy=round(cost.dma),
        read_from=placement.weights_from[layer.index] if reads else None,
        read_cycles=round(placement.reads[layer.index]) if reads else None,
        l3_address=placement.image.offsets[layer.index] if weights else None,
    )
