"""Builds that GVSoC has run: what was planned for each layer, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgecomp.errors import EdgecompError
from edgecomp.ir import Graph, Node
from edgecomp.pipeline.reference import load_reference
from edgecomp.report import Report, SimulationReport
from edgecomp.report.schema import Layer
from edgecomp.targets import Board, load_board, with_engines
from edgecomp.tiling import Search, load_measurements
from edgecomp.tiling.search import Tiling
from edgecomp.tiling.views import layers as layers_of


@dataclass(frozen=True)
class MeasuredBuild:
    """A build's report and that of its simulation; both have the same layers in order."""

    directory: Path
    built: Report
    measured: SimulationReport

    @classmethod
    def read(cls, directory: Path) -> MeasuredBuild:
        """EdgecompError where GVSoC has not run the build, or bits were wrong."""
        built = Report.read(directory / "report.json")
        how = f"run `edgecomp simulate {directory} --simulator gvsoc` first"
        if not (directory / "simulation.json").is_file():
            raise EdgecompError(f"{directory} was not simulated", how)
        measured = SimulationReport.read(directory / "simulation.json")
        if measured.latency.provenance == "estimate":
            raise EdgecompError(f"the simulation in {directory} counted no cycles", how)
        if not measured.bit_exact:
            raise EdgecompError(f"the simulation in {directory} did not give the reference's bits")
        return cls(directory, built, measured)

    @property
    def pairs(self) -> list[tuple[Layer, Layer]]:
        """(predicted, measured) of every layer."""
        return list(zip(self.built.layers, self.measured.layers, strict=True))


def network(directory: Path) -> tuple[Graph, list[Node]]:
    """The integer graph of a build and its layers."""
    graph, _ = load_reference(directory)
    return graph, layers_of(graph)


def tilings(build: MeasuredBuild, board: Board | None = None) -> list[Tiling]:
    """The tiles of every layer, searched again on ``board`` (default: the build's, by name).

    EdgecompError where they are not those of the build: the board or the tilers have changed.
    """
    engines = build.built.engines or "all"
    board = with_engines(board or load_board(build.built.board), engines)
    search = Search(board, load_measurements(board), engines)
    _, nodes = network(build.directory)
    found = [search.choose(node) for node in nodes]
    for tiling, layer in zip(found, build.built.layers, strict=True):
        if (tiling.program.steps, tiling.program.l1_bytes) != (layer.tiles, layer.l1_bytes):
            raise EdgecompError(
                f"{layer.name} of {build.directory} has other tiles than the tiler now chooses",
                "build and simulate it again, then repeat this",
            )
    return found
