"""Predicted against measured cycles of every layer, as a table.

    python benchmarks/predictions.py BUILD... [--output benchmarks/predictions.md]

A BUILD holds report.json (the cost model's estimate) and simulation.json of a run in GVSoC. Layers
that are equal (operator, products, tiles, L1) stand in one line: how many there are, and the sums
of their cycles.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.builds import MeasuredBuild
from benchmarks.commit import head
from edgecomp.errors import EdgecompError
from edgecomp.report.schema import Layer

PARTS = ("compute", "exposed_dma", "exposed_l3", "exposed_ne16", "overhead")
COLUMNS = [
    "layer, the first of equal ones",
    "count",
    "predicted",
    "measured",
    "ratio",
    "compute",
    "exposed DMA",
    "exposed L3",
    "exposed NE16",
    "overhead",
]


@dataclass(frozen=True)
class Row:
    """Equal layers: the first one's name, how many, and sums of cycles."""

    name: str
    op: str
    count: int
    predicted: float
    measured: float
    parts: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Predicted over measured."""
        return self.predicted / self.measured

    def text(self) -> str:
        """A line of the table."""
        cycles = (self.predicted, self.measured)
        shares = (f"{part / self.measured:.1%}" for part in self.parts)
        cells = [
            f"{self.name} {self.op}".strip(),
            str(self.count),
            *(f"{c:,.0f}" for c in cycles),
            f"{self.ratio:.3f}",
        ]
        return f"| {' | '.join([*cells, *shares])} |"


def rows(pairs: Iterable[tuple[Layer, Layer]]) -> list[Row]:
    """One row for all layers that are equal, in the order of the first of each."""
    groups: dict[tuple[object, ...], list[tuple[Layer, Layer]]] = {}
    for built, measured in pairs:
        key = (built.op, built.engine, built.macs, built.tiles, built.l1_bytes)
        groups.setdefault(key, []).append((built, measured))
    return [_sum(group) for group in groups.values()]


def total(found: Iterable[Row]) -> Row:
    """All rows in one."""
    each = list(found)
    parts = tuple(map(sum, zip(*(row.parts for row in each), strict=True)))
    predicted, measured = sum(r.predicted for r in each), sum(r.measured for r in each)
    return Row("**all layers**", "", sum(r.count for r in each), predicted, measured, parts)


def section(build: MeasuredBuild) -> Iterator[str]:
    """The lines of one build."""
    found = rows(build.pairs)
    everything = total(found)
    shape = f"{build.built.model.macs / 1e6:.1f} M MAC"
    label = build.measured.latency.label or build.measured.simulator
    worst = max(found, key=lambda row: abs(row.predicted - row.measured))
    yield f"## {build.directory.name}: {build.built.model.name} on {build.built.board}, {shape}"
    yield ""
    yield (
        f"{label}. Total: predicted {everything.predicted / 1e6:.2f} M cycles, measured "
        f"{everything.measured / 1e6:.2f} M, ratio {everything.ratio:.3f}. Furthest off, in "
        f"cycles: {worst.name}, ratio {worst.ratio:.3f}."
    )
    yield ""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    yield from (row.text() for row in found)
    yield everything.text()
    yield ""


def document(builds: Iterable[MeasuredBuild], command: str) -> str:
    """The whole page."""
    lines = [
        "# Predicted against measured cycles",
        "",
        "The cost model's estimate at build time against GVSoC, layer by layer; equal layers in "
        "one line. The ratio is predicted over measured; the parts are shares of the measured "
        "cycles (docs/gvsoc.md says what they are).",
        f"Commit {head()}:",
        "",
        f"    {command}",
        "",
    ]
    for build in builds:
        lines += section(build)
    return "\n".join(lines)


def _sum(group: list[tuple[Layer, Layer]]) -> Row:
    first, _ = group[0]
    measured = [layer for _, layer in group]
    parts = tuple(sum(getattr(layer, part) or 0.0 for layer in measured) for part in PARTS)
    predicted = sum(built.cycles for built, _ in group)
    cycles = sum(layer.cycles for layer in measured)
    return Row(first.name, first.op, len(group), predicted, cycles, parts)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("builds", nargs="+", type=Path, metavar="BUILD")
    parser.add_argument("--output", type=Path, help="write the page there")
    options = parser.parse_args()
    try:
        builds = [MeasuredBuild.read(path) for path in options.builds]
    except EdgecompError as error:
        print(f"error: {error.message}\n{error.hint}", file=sys.stderr)
        return 1
    names = " ".join(path.name for path in options.builds)
    output = f" --output {options.output}" if options.output else ""
    text = document(builds, f"python benchmarks/predictions.py {names}{output}")
    print(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
