"""The figures of a build and of a simulation, as reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgecomp.ir import Graph, Value, interpret
from edgecomp.pipeline.compile import Layer, Plan
from edgecomp.pipeline.quality import Agreement, agreement, sqnr_db
from edgecomp.pipeline.reference import Reference, quantize_windows
from edgecomp.pipeline.source import Source
from edgecomp.report import (
    Comparison,
    Energy,
    Latency,
    Level,
    Memory,
    Model,
    Quantization,
    Report,
    SimulationReport,
)
from edgecomp.report import Layer as LayerReport
from edgecomp.targets import Board
from edgecomp.version import VERSION

QUALITY_WINDOWS = 2
"""Windows over which the per-layer SQNR is taken."""


def build_report(
    source: Source,
    plan: Plan,
    reference: Reference,
    mapping: Mapping[str, str],
    float_graph: Graph,
    target: str,
    macs: int,
) -> Report:
    """The report of a build; latency and energy are estimates of the cost model."""
    board = plan.board
    agreed = agreement(reference.floats, reference.dequantized(plan.graph))
    seconds = board.seconds(plan.cycles)
    per_layer = layer_sqnr(plan, float_graph, mapping, reference.windows)
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
        energy=_energy(board, seconds),
        layers=[
            _layer(layer, plan, int(reference.checksums[0, layer.index]), per_layer)
            for layer in plan.layers
        ],
        notices=source.notices,
    )


def simulation_report(
    built: Report,
    simulator: str,
    bit_exact: bool,
    agreed: Agreement,
    quantization: Agreement,
    windows: int,
    checksums: Sequence[int],
) -> SimulationReport:
    """The report of a simulation that counts no cycles: latency stays the build's estimate."""
    fields = built.model_dump(by_alias=False)
    layers = [
        {**layer, "checksum": int(value)}
        for layer, value in zip(fields["layers"], checksums, strict=True)
    ]
    fields |= {
        "layers": layers,
        "quantization": Quantization(
            sqnr_db=quantization.sqnr_db,
            cosine=quantization.cosine,
            argmax_agreement=quantization.argmax_agreement,
            windows=windows,
        ),
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


def layer_sqnr(
    plan: Plan,
    float_graph: Graph,
    mapping: Mapping[str, str],
    windows: Mapping[str, np.ndarray],
) -> dict[Value, float]:
    """SQNR in dB of every layer's result against the float value that it stands for.

    Errors of earlier layers are included: the drop from one layer to the next shows what the
    layer itself loses.
    """
    outputs = [layer.node.output for layer in plan.layers]
    wanted = {mapping[v.name]: v for v in outputs if v.name in mapping}
    signal: dict[Value, float] = {}
    noise: dict[Value, float] = {}
    integers = quantize_windows(plan.graph, windows)
    for index in range(min(QUALITY_WINDOWS, integers[0].shape[0])):
        floats: dict[Value, np.ndarray] = {}

        def keep(value: Value, array: np.ndarray, floats: dict[Value, np.ndarray] = floats) -> None:
            if value.name in wanted:
                floats[wanted[value.name]] = array

        def compare(
            value: Value, array: np.ndarray, floats: dict[Value, np.ndarray] = floats
        ) -> None:
            quantization = value.type.quantization
            expected = floats.get(value)
            if expected is None or quantization is None or expected.size != array.size:
                return
            error = quantization.dequantize(array).ravel() - expected.ravel()
            signal[value] = signal.get(value, 0.0) + float(np.square(expected).sum())
            noise[value] = noise.get(value, 0.0) + float(np.square(error).sum())

        interpret(float_graph, {k: v[index] for k, v in windows.items()}, keep)
        feed = {v.name: x[index] for v, x in zip(plan.graph.inputs, integers, strict=True)}
        interpret(plan.graph, feed, compare)
    return {
        value: sqnr_db(np.sqrt(np.array([signal[value]])), np.sqrt(np.array([noise[value]])))
        for value in signal
    }


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
    l2 = placement.plan
    return Memory(
        l1=Level(
            capacity=board.memories.l1_bytes,
            peak=l1 + board.l1_reserved_bytes,
            arena=l1,
            lower_bound=l1,
            reserved=board.l1_reserved_bytes,
        ),
        l2=Level(
            capacity=board.memories.l2_bytes,
            peak=l2.size + board.l2_reserved_bytes,
            arena=l2.size,
            lower_bound=l2.lower_bound,
            reserved=board.l2_reserved_bytes,
        ),
        l3=Level(
            capacity=board.memories.l3_bytes,
            peak=placement.l3_bytes,
            arena=placement.l3_bytes,
            lower_bound=placement.l3_bytes,
        ),
    )


def _energy(board: Board, seconds: float) -> Energy:
    joules = board.power.joules(seconds)
    return Energy(
        joules=joules, average_watts=joules / seconds if seconds else 0.0, provenance="estimate"
    )


def _layer(layer: Layer, plan: Plan, checksum: int, quality: Mapping[Value, float]) -> LayerReport:
    return LayerReport(
        name=layer.name,
        op=layer.node.op,
        engine="cluster",
        macs=layer.macs,
        cycles=round(layer.cycles),
        l1_bytes=layer.tiling.program.l1_bytes,
        tiles=layer.tiling.program.steps,
        checksum=checksum,  # type: ignore[arg-type]  # the schema spells it in hexadecimal
        sqnr_db=quality.get(layer.node.output),
        bytes=plan.placement.blocks[layer.index].bytes,
    )
