"""``edgecomp.simulate``: run a build and compare it, layer by layer and with the float model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.files import check_file
from edgecomp.ir import Graph
from edgecomp.pipeline.build_project import Build
from edgecomp.pipeline.details import output_samples
from edgecomp.pipeline.float_model import FloatModel
from edgecomp.pipeline.mismatch import Mismatch, first_mismatch, layer_result, locate
from edgecomp.pipeline.quality import agreement
from edgecomp.pipeline.recording_notices import clipped
from edgecomp.pipeline.reference import (
    Reference,
    dequantize,
    integer_reference,
    load_reference,
    quantize_windows,
)
from edgecomp.pipeline.reporting import simulation_report
from edgecomp.pipeline.source import load_inputs
from edgecomp.progress import Progress, Silent
from edgecomp.report import Report, SimulationReport, write_html
from edgecomp.simulators import LayerDump, ProjectRun, Simulator, SimulatorError, select_simulator
from edgecomp.tiling.views import layers as layers_of


@dataclass(frozen=True)
class Simulation:
    """What a simulation found. ``mismatch`` is None where every bit agrees."""

    directory: Path
    report: SimulationReport
    mismatch: Mismatch | None


def simulate(
    build: Build | str | Path,
    *,
    simulator: str = "auto",
    input: str | Path | None = None,
    windows: int | None = None,
    sanitize: bool = False,
    seed: int = 1,
    trace: str | Path | None = None,
    progress: Progress | None = None,
) -> Simulation:
    """Run the project of ``build``; ``simulation.json`` and ``.html`` join its report.

    ``input`` is a recording to run instead of the build's windows; ``windows`` limits how many
    (default: all on the host, one where cycles are counted).
    ``sanitize`` compiles with the address and undefined-behaviour sanitizers;
    ``trace`` is a file for the timeline of a simulator that counts cycles. ``EdgecompError``
    for a folder that is no build, a missing simulator, or a program that stops.
    """
    progress = progress or Silent()
    directory = (build.directory if isinstance(build, Build) else Path(build)).resolve()
    if trace is not None:
        check_file(Path(trace))
    runner = select_simulator(
        simulator, sanitize=sanitize, seed=seed, trace=Path(trace) if trace is not None else None
    )
    built = Report.read(directory / "report.json")
    graph, stored = load_reference(directory)
    if windows is None:
        windows = runner.default_windows
    notices: list[str] = []
    reference = _reference(directory, graph, stored, input, windows, progress, notices)
    names = [node.name or node.output.name for node in layers_of(graph)]
    project = ProjectRun(
        directory / "firmware",
        quantize_windows(graph, reference.windows),
        [value.type for value in graph.outputs],
        len(names),
        names,
        progress,
    )
    runs = runner.run(project)
    mismatch = first_mismatch(reference, runs, names)
    if mismatch is not None:
        mismatch = _located(mismatch, graph, reference, runner, project)
    outputs = [np.stack(each) for each in zip(*(run.outputs for run in runs), strict=True)]
    numbers = dequantize(graph, outputs)
    report = simulation_report(
        built,
        runner.name,
        mismatch is None,
        agreement(reference.floats, numbers),
        agreement(reference.floats, reference.dequantized(graph)),
        len(runs),
        runs[0],
        output_samples(graph, reference.floats, numbers),
    )
    report = report.model_copy(update={"notices": [*report.notices, *notices]})
    try:
        report.write(directory / "simulation.json")
        write_html(report, directory / "simulation.html")
    except OSError as error:  # the result is worth more than the files
        note = f"{error.filename or directory} could not be written: {error.strerror}"
        report = report.model_copy(update={"notices": [*report.notices, note]})
    return Simulation(directory, report, mismatch)


def _reference(
    directory: Path,
    graph: Graph,
    stored: Reference,
    recording: str | Path | None,
    windows: int | None,
    progress: Progress,
    notices: list[str],
) -> Reference:
    """The stored windows, or the float and integer results for the user's own.

    notices: takes what the user must know of these.
    """
    if recording is None:
        return stored if windows is None else _first(stored, windows)
    shapes = {value.name: value.shape for value in graph.inputs}
    own = load_inputs(Path(recording), shapes, windows, notices)
    notices += clipped(graph, own)
    progress.stage("reference", next(iter(own.values())).shape[0])
    floats = FloatModel(directory / "model.onnx").run(own, list(shapes))
    integers, checksums = integer_reference(graph, layers_of(graph), own, progress.step)
    return Reference(own, floats, integers, checksums)


def _first(stored: Reference, windows: int) -> Reference:
    count = stored.checksums.shape[0]
    if windows > count:
        raise EdgecompError(
            f"the build holds {count} windows, {windows} were asked for",
            "give more windows with --input, or build with --windows",
        )
    return Reference(
        {name: array[:windows] for name, array in stored.windows.items()},
        [array[:windows] for array in stored.floats],
        [array[:windows] for array in stored.integers],
        stored.checksums[:windows],
    )


def _located(
    mismatch: Mismatch,
    graph: Graph,
    reference: Reference,
    runner: Simulator,
    project: ProjectRun,
) -> Mismatch:
    """With the first element that differs, from another run that dumps the layer's result."""
    nodes = layers_of(graph)
    if mismatch.layer >= len(nodes):
        return mismatch
    project.progress.stage("find the first element that differs")
    windows = [array[: mismatch.window + 1] for array in project.inputs]
    shorter = replace(project, inputs=windows)
    output = nodes[mismatch.layer].output
    expected = layer_result(graph, reference, mismatch.window, output)

    def again(watch: int) -> LayerDump:
        return runner.dump(shorter, mismatch.layer, watch)

    try:
        difference = locate(expected, runner.dump(shorter, mismatch.layer), again)
    except SimulatorError as error:
        return replace(mismatch, reason=f"where is not known, because {error.message}")
    reason = "" if difference else "but not when the program ran again"
    return replace(mismatch, difference=difference, reason=reason)
