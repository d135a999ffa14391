"""``edgecomp.build``: from an encoder to a C project, its reference and its report."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from edgecomp.codegen.project import ProjectSpec, application_stream, write_project
from edgecomp.errors import EdgecompError
from edgecomp.frontend import import_onnx
from edgecomp.ir import Graph, lookup, run_passes
from edgecomp.normalisation import ZSCORE, Normalisation, parse_normalisation
from edgecomp.passes import default_pipeline
from edgecomp.pipeline.check_fusion import check_fusion
from edgecomp.pipeline.compile import Plan, check_weights, fuse_and_plan
from edgecomp.pipeline.duty import DEFAULT_CELL_MAH, DEFAULT_PERIOD_SECONDS
from edgecomp.pipeline.float_model import FloatModel
from edgecomp.pipeline.listing import listing
from edgecomp.pipeline.normalise import choose_normalisation
from edgecomp.pipeline.output import check_writable, made_later, new_directory
from edgecomp.pipeline.reference import Reference, integer_reference, save_reference
from edgecomp.pipeline.reporting import build_report
from edgecomp.pipeline.source import (
    Source,
    Windows,
    calibration_windows,
    onnx_source,
    zoo_source,
)
from edgecomp.progress import Progress, Silent
from edgecomp.quantize import Method, quantize
from edgecomp.report import InputNormalisation, Report, write_html
from edgecomp.targets import Engines, board_for, with_engines
from edgecomp.tiling import Search, load_measurements

if TYPE_CHECKING:
    from edgecomp.frontend.export import Exporter

DEFAULT_WINDOWS = 16
"""Windows to calibrate on, and as many others to judge by."""


@dataclass(frozen=True)
class Build:
    """What a build left: the folder and its report.

    deleted: what simulations of the build that it replaced had left there.
    """

    directory: Path
    report: Report
    deleted: Sequence[str] = ()


def build(
    model: str | Path,
    *,
    target: str = "gap9",
    board: str | Path | None = None,
    weights: str | Path | None = None,
    calibration: str | Path | None = None,
    options: Mapping[str, object] | None = None,
    dims: Mapping[str, int] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    windows: int = DEFAULT_WINDOWS,
    method: Method = "mse",
    exporter: Exporter = "dynamo",
    engines: Engines = "all",
    period: float = DEFAULT_PERIOD_SECONDS,
    cell_mah: float = DEFAULT_CELL_MAH,
    normalise: str | float | None = None,
    progress: Progress | None = None,
) -> Build:
    """Compile ``model``, an encoder of the zoo or the path of an ONNX file.

    ``options`` are those of the zoo's encoder, ``dims`` fix dynamic axes of an ONNX file,
    ``weights`` is a checkpoint, ``calibration`` a recording; ``engines``: who computes, see
    :data:`edgecomp.targets.engines.Engines`. ``period`` is the time from window to window in
    seconds and ``cell_mah`` the battery's charge, for the estimate of power and battery.
    ``normalise`` says what the values that the model wants are of a front end's samples, for the
    sample application: ``zscore``, ``none`` or a factor; the default is the encoder's own, or what
    calibration windows look like. ``out`` defaults to ``build/<model>-<target>``. The same
    arguments give the same bytes (BLAS runs on one thread, so that sums have one order). Every
    failure is an ``EdgecompError`` and leaves no directory behind.
    """
    progress = progress or Silent()
    chip = with_engines(board_for(target, board), engines)
    name = _model_name(model)
    stated = parse_normalisation(str(normalise)) if normalise is not None else None
    asked = asked_for(
        {**(options or {}), **{f"dim {axis}": size for axis, size in (dims or {}).items()}},
        weights=weights and Path(weights).name,
        calibration=calibration and Path(calibration).name,
        seed=seed,
        windows=windows,
        method=method,
        exporter=exporter,
        period=f"{period:g} s",
        cell=f"{cell_mah:g} mAh",
        normalise=normalise,
    )
    directory = Path(out) if out is not None else Path("build") / f"{name}-{target}"
    check_writable(directory)
    with (
        tempfile.TemporaryDirectory(prefix="edgecomp-") as scratch,
        threadpool_limits(1, user_api="blas"),
    ):
        progress.stage("export and import")
        source = _source(model, Path(scratch), options or {}, weights, dims, exporter)
        graph = import_onnx(source.path, dims)
        shapes = {value.name: value.shape for value in graph.inputs}
        recording = Path(calibration) if calibration is not None else None
        first, second = calibration_windows(source, shapes, recording, windows, seed)
        progress.stage("simplify")
        names = [value.name for value in graph.outputs]
        run_passes(graph, default_pipeline())
        graph.name = name
        restore_output_names(graph, names)
        macs = total_macs(graph)
        check_weights(graph, chip)
        progress.stage("quantize")
        quantized = quantize(graph, first, method)
        normalisation = _normalisation(
            source, stated, quantized.graph, first, recording is not None
        )
        progress.stage("tile and place", None)
        search = Search(chip, load_measurements(chip), engines)
        planned = fuse_and_plan(quantized.graph, chip, search.choose, progress.step)
        reference = _reference(source, planned, second, shapes, progress)
        check_fusion(quantized.graph, reference)
        report = build_report(
            source, planned, reference, quantized.mapping, graph, target, macs, period, cell_mah
        )
        chosen = {"engines": engines, "options": asked, "normalisation": normalisation}
        report = report.model_copy(update=chosen)
        progress.stage("write")
        deleted = made_later(directory)
        with new_directory(directory) as folder:
            _write(folder, name, source, planned, reference, report)
    return Build(directory, report, deleted)


def _normalisation(
    source: Source,
    stated: Normalisation | None,
    graph: Graph,
    windows: Mapping[str, np.ndarray],
    recorded: bool,
) -> InputNormalisation | None:
    """What the sample application computes; notices about it are added to the source's."""
    stream = application_stream(graph, source.stream)
    scale = graph.inputs[0].type.scale_or_one
    calibrated = next(iter(windows.values()))
    chosen, notices = choose_normalisation(
        stated, source.normalisation, calibrated, stream, scale, recorded
    )
    source.notices += notices
    return chosen


def restore_output_names(graph: Graph, names: list[str]) -> None:
    """Give the network outputs the names that the user's model has for them."""
    for value, name in zip(graph.outputs, names, strict=True):
        if value.producer is not None and value.name not in names:
            graph.rename(value, name)


def total_macs(graph: Graph) -> int:
    """Multiply-accumulates of one window, from the IR."""
    return sum(lookup(node.op).macs(node) for node in graph.nodes)


def asked_for(settings: Mapping[str, object], **arguments: object) -> dict[str, str]:
    """What a build was asked for, as text: its settings, and the arguments that are given."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return {name: str(value) for name, value in {**settings, **given}.items()}


def _model_name(model: str | Path) -> str:
    text = str(model)
    return Path(text).stem if text.endswith(".onnx") or isinstance(model, Path) else text


def _source(
    model: str | Path,
    scratch: Path,
    options: Mapping[str, object],
    weights: str | Path | None,
    dims: Mapping[str, int] | None,
    exporter: Exporter,
) -> Source:
    text = str(model)
    if text.endswith(".onnx") or isinstance(model, Path):
        if weights is not None:
            raise EdgecompError(
                "--weights belongs to the zoo's encoders; an ONNX file holds its own weights"
            )
        return onnx_source(Path(text), scratch, options)
    if Path(text).is_file():
        raise EdgecompError(
            f"{text} is neither an encoder of the zoo nor an .onnx file",
            "export the model to ONNX first (torch.onnx.export), and give the .onnx file",
        )
    if dims:
        raise EdgecompError(
            f"--dim fixes dynamic axes of an ONNX file; {text} is an encoder of the zoo",
            "use --set, for example --set samples=200",
        )
    return zoo_source(text, scratch, options, Path(weights) if weights else None, exporter)


def _reference(
    source: Source,
    planned: Plan,
    windows: Windows,
    shapes: Mapping[str, tuple[int, ...]],
    progress: Progress,
) -> Reference:
    count = next(iter(windows.values())).shape[0]
    progress.stage("reference", count)
    floats = FloatModel(source.path).run(windows, list(shapes))
    nodes = [layer.node for layer in planned.layers]
    integers, checksums = integer_reference(planned.graph, nodes, windows, progress.step)
    return Reference(windows, floats, integers, checksums)


def _write(
    folder: Path,
    name: str,
    source: Source,
    planned: Plan,
    reference: Reference,
    report: Report,
) -> None:
    (folder / "model.onnx").write_bytes(source.path.read_bytes())
    (folder / "graph.txt").write_text(listing(planned), encoding="utf-8")
    save_reference(folder / "reference.npz", planned.graph, reference)
    programs = [layer.tiling.program for layer in planned.layers]
    nodes = [layer.node for layer in planned.layers]
    slowest = max(layer.cycles for layer in planned.layers)
    told = report.normalisation
    spec = ProjectSpec(
        name,
        planned.graph,
        nodes,
        programs,
        planned.placement,
        planned.board,
        slowest,
        source.stream,
        Normalisation(told.kind, told.factor, told.unit) if told else ZSCORE,
    )
    write_project(spec, folder / "firmware")
    report.write(folder / "report.json")
    write_html(report, folder / "report.html")
