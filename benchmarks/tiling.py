"""The tiler's choice against its next candidates, measured.

    python benchmarks/tiling.py BUILD... [--candidates 3] [--output benchmarks/tiling.md] [--write]

For every layer of each BUILD the cheapest candidates by the cost model, and the one that the tiler
chooses, are run in GVSoC: one simulation for the first candidates of all layers, one for the second
ones, and so on. The table shows for each layer what was predicted and measured, and whether the
order agrees. --write adds the measurements to boards/measured/<board>.json, which the tiler reads:
it then takes no candidate that was measured to be slower than another one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.commit import head
from edgecomp.codegen.project import ProjectSpec, write_project
from edgecomp.errors import EdgecompError
from edgecomp.ir import Graph, Node
from edgecomp.pipeline.compile import plan
from edgecomp.pipeline.reference import Reference, load_reference, quantize_windows
from edgecomp.report import Report
from edgecomp.simulators import GvsocSimulator, LayerCycles, ProjectRun
from edgecomp.targets import Board, load_board, with_engines
from edgecomp.tiling import Tiling, choose, load_measurements, ranked
from edgecomp.tiling.measured import chip_fingerprint, fingerprint, measurements_file
from edgecomp.tiling.program import TileProgram
from edgecomp.tiling.views import layers as layers_of


@dataclass
class Candidate:
    """A program for one or more equal layers, and what it took in each."""

    tiling: Tiling
    layer: str
    chosen: bool
    cycles: list[float] = field(default_factory=list)

    @property
    def measured(self) -> float:
        """Cycles, on average over equal layers, without waits for weights."""
        return sum(self.cycles) / len(self.cycles)


Candidates = list[list[Candidate]]
"""For every layer of a network its candidates; equal layers share one list."""


def candidates(nodes: Sequence[Node], board: Board, count: int) -> Candidates:
    """The tiler's choice first, then the others, cheapest by the cost model first."""
    measured = load_measurements(board)
    known: dict[str, list[Candidate]] = {}
    found = []
    for node in nodes:
        choice = choose(node, board, measured)
        key = fingerprint(choice.program, board)
        if key not in known:
            others = [each for each in ranked(node, board) if each.place != choice.place]
            best = [choice, *others[: count - 1]]
            name = node.name or node.output.name
            known[key] = [Candidate(each, name, each is choice) for each in best]
        found.append(known[key])
    return found


def measure(graph: Graph, reference: Reference, board: Board, found: Candidates) -> None:
    """Run every candidate once, all layers' n-th ones together. EdgecompError for wrong bits."""
    nodes = layers_of(graph)
    for turn in range(max(map(len, found))):
        picked = [each[min(turn, len(each) - 1)] for each in found]
        cycles = simulate(graph, nodes, reference, board, picked)
        for each, candidate, layer in zip(found, picked, cycles, strict=True):
            if turn < len(each):
                candidate.cycles.append(layer.total - layer.exposed_l3)


def simulate(
    graph: Graph,
    nodes: Sequence[Node],
    reference: Reference,
    board: Board,
    picked: Sequence[Candidate],
) -> list[LayerCycles]:
    """The cycles of every layer with the picked programs, of the first window."""
    programs = dict(zip(nodes, picked, strict=True))
    planned = plan(graph, board, choose=lambda node: rebound(programs[node].tiling, node, board))
    with tempfile.TemporaryDirectory() as folder:
        firmware = Path(folder) / "firmware"
        used = [layer.tiling.program for layer in planned.layers]
        spec = ProjectSpec("candidates", graph, nodes, used, planned.placement, board)
        write_project(spec, firmware)
        windows = [array[:1] for array in quantize_windows(graph, reference.windows)]
        types = [value.type for value in graph.outputs]
        [run] = GvsocSimulator().run(ProjectRun(firmware, windows, types, len(nodes)))
    if not np.array_equal(run.checksums, reference.checksums[0]):
        raise EdgecompError("a candidate does not give the bits of the integer reference")
    assert run.measured is not None
    return run.measured.layers


def rebound(tiling: Tiling, node: Node, board: Board) -> Tiling:
    """The candidate of that place for ``node``, an equal layer with tensors of its own."""
    return next(each for each in ranked(node, board) if each.place == tiling.place)


def distinct(found: Candidates) -> list[list[Candidate]]:
    """Each list of candidates once."""
    return list({id(each): each for each in found}.values())


def table(found: Candidates) -> Iterator[str]:
    """Lines of Markdown, by layer in the order predicted."""
    yield "| layer | tiles | predicted | measured | ratio | |"
    yield "|---|---|---|---|---|---|"
    for group in distinct(found):
        fastest = min(each.measured for each in group)
        for each in sorted(group, key=lambda c: c.tiling.cost.total):
            predicted, measured = each.tiling.cost.total, each.measured
            notes = ["chosen"] if each.chosen else []
            notes += ["fastest"] if measured == fastest else []
            cells = [each.layer, tiles(each.tiling.program), f"{predicted:,.0f}"]
            cells += [f"{measured:,.0f}", f"{predicted / measured:.3f}", ", ".join(notes)]
            yield f"| {' | '.join(cells)} |"


def tiles(program: TileProgram) -> str:
    """The loops, outer to inner: extent/step."""
    loops = [f"{loop.name} {loop.extent}/{loop.step}" for loop in program.loops if loop.extent > 1]
    return f"{' x '.join(loops)}, L1 {program.l1_bytes:,}"


def summary(found: Candidates) -> str:
    """How many choices were the fastest, and what the others cost."""
    groups = [group for group in distinct(found) if len(group) > 1]
    losses = []
    for group in groups:
        [chosen] = [each.measured for each in group if each.chosen]
        losses.append(chosen / min(each.measured for each in group) - 1.0)
    right = sum(loss == 0.0 for loss in losses)
    return (
        f"The choice is the fastest measured in {right} of {len(groups)} layers; at most "
        f"{max(losses, default=0.0):.2%} slower in the others."
    )


def write(board: Board, found: Candidates) -> None:
    """Add the measurements to the board's file; those of another chip or kernels go."""
    path = measurements_file(board)
    chip = chip_fingerprint(board)
    kept: Mapping[str, float] = load_measurements(board, path).cycles_of
    programs = {
        fingerprint(each.tiling.program, board): {
            "layer": each.tiling.program.order,
            "tiles": tiles(each.tiling.program),
            "cycles": round(each.measured),
        }
        for group in distinct(found)
        for each in group
    }
    if kept:
        old = {each.pop("program"): each for each in json.loads(path.read_text())["programs"]}
        programs = old | programs
    entries = [{"program": key, **value} for key, value in sorted(programs.items())]
    path.parent.mkdir(exist_ok=True)
    lines = ",\n  ".join(json.dumps(entry) for entry in entries)
    path.write_text(f'{{"chip": "{chip}", "programs": [\n  {lines}\n]}}\n', encoding="utf-8")


def run(options: argparse.Namespace) -> str:
    """Measure every build; the page."""
    names = " ".join(path.name for path in options.builds)
    lines = [
        "# Candidates of the tiler, measured",
        "",
        "Cycles of one layer in GVSoC without waits for weights; equal layers once.",
        f"Commit {head()}:",
        "",
        f"    python benchmarks/tiling.py {names} --candidates {options.candidates}",
        "",
    ]
    for directory in options.builds:
        built = Report.read(directory / "report.json")
        board = with_engines(load_board(built.board), built.engines or "all")
        graph, reference = load_reference(directory)
        found = candidates(layers_of(graph), board, options.candidates)
        measure(graph, reference, board, found)
        lines += [f"## {directory.name}: {built.model.name} on {board.name}", ""]
        lines += [summary(found), "", *table(found), ""]
        if options.write:
            write(board, found)
    return "\n".join(lines)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("builds", nargs="+", type=Path, metavar="BUILD")
    parser.add_argument("--candidates", type=int, default=3, help="how many of each layer")
    parser.add_argument("--output", type=Path, help="write the page there")
    parser.add_argument("--write", action="store_true", help="record the measurements")
    options = parser.parse_args()
    try:
        text = run(options)
    except EdgecompError as error:
        print(f"error: {error.message}\n{error.hint}", file=sys.stderr)
        return 1
    print(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
