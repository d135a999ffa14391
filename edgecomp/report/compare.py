"""Two reports side by side: totals, layers, and what the builds were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from edgecomp.report import figures
from edgecomp.report.html import environment, verbatim
from edgecomp.report.schema import Layer, Level, Report, ReportError, SimulationReport

UNCHANGED = 0.005
"""A relative difference that is not worth a line."""


@dataclass(frozen=True)
class Total:
    """A figure of both; ``None`` where a report has none. mark: how each was come by.

    Two figures that were come by in different ways have no change: it would not be the builds'.
    """

    name: str
    a: float | None
    b: float | None
    text_a: str
    text_b: str
    mark_a: str
    mark_b: str
    unit: Literal["", "dB", "points"] = ""

    @property
    def change(self) -> float | None:
        """Relative to A; None where there is nothing to relate to."""
        return _change(self.a, self.b) if self.mark_a == self.mark_b else None

    @property
    def change_text(self) -> str:
        """The change as people read it: decibels and shares by their difference."""
        if not self.unit or self.change is None or self.a is None or self.b is None:
            return percent_change(self.change)
        if self.a == self.b:
            return percent_change(0)
        scale = 100 if self.unit == "points" else 1
        return f"{scale * (self.b - self.a):+.1f} {self.unit}"


@dataclass(frozen=True)
class LayerPair:
    """A layer by its name; None on the side that has none of that name."""

    name: str
    a: Layer | None
    b: Layer | None

    @property
    def cycles(self) -> tuple[float, float]:
        """Of both, 0 where there is no layer."""
        return (self.a.cycles if self.a else 0.0, self.b.cycles if self.b else 0.0)

    @property
    def difference(self) -> float:
        """Cycles of B less those of A."""
        before, after = self.cycles
        return after - before

    @property
    def engines(self) -> str:
        """The engine, or what became of it."""
        before, after = self.a.engine if self.a else "-", self.b.engine if self.b else "-"
        return before if before == after else f"{before} -> {after}"


@dataclass(frozen=True)
class ReportComparison:
    """What differs between reports ``a`` and ``b``.

    options: name -> what A and what B was asked for, where that differs; absent as ``-``.
    """

    a: Report
    b: Report
    totals: list[Total]
    layers: list[LayerPair]
    options: dict[str, tuple[str, str]]

    def changed_layers(self) -> list[LayerPair]:
        """Those whose cycles, engine or presence differ, the largest difference first."""
        changed = [pair for pair in self.layers if _differs(pair)]
        return sorted(changed, key=lambda pair: (-abs(pair.difference), pair.name))

    def to_json(self) -> dict[str, object]:
        """For a program to read."""
        layers = [
            {
                "name": pair.name,
                "cycles": [pair.a and pair.a.cycles, pair.b and pair.b.cycles],
                "engine": [pair.a and pair.a.engine, pair.b and pair.b.engine],
                "sqnr_db": [pair.a and pair.a.sqnr_db, pair.b and pair.b.sqnr_db],
            }
            for pair in self.layers
        ]
        totals = [{**asdict(total), "change": total.change} for total in self.totals]
        options = {name: list(pair) for name, pair in self.options.items()}
        return {"totals": totals, "options": options, "layers": layers}


def newest_report(folder: Path, estimate: bool = False) -> Report:
    """The simulation of a build where there is one, unless ``estimate``; else its report.

    A file is read as it is. Raises ReportError.
    """
    if folder.is_file():
        kind = SimulationReport if folder.name.startswith("simulation") else Report
        return kind.read(folder)
    simulation = folder / "simulation.json"
    if simulation.is_file() and not estimate:
        return SimulationReport.read(simulation)
    if not (folder / "report.json").is_file():
        raise ReportError(
            f"{folder} is not a build: report.json is missing", "give the folder that `build` made"
        )
    return Report.read(folder / "report.json")


def compare(a: Report, b: Report) -> ReportComparison:
    """The differences from ``a`` to ``b``."""
    return ReportComparison(a, b, list(_totals(a, b)), _pairs(a, b), _options(a, b))


def comparison_page(comparison: ReportComparison) -> str:
    """It as one self-contained page."""
    return (
        environment()
        .get_template("compare.html.j2")
        .render(
            comparison=comparison,
            figures=figures,
            style=verbatim("report.css"),
            signed=signed,
            mark=figures.mark,
        )
    )


def write_comparison(comparison: ReportComparison, path: Path) -> None:
    """Write the page."""
    path.write_text(comparison_page(comparison), encoding="utf-8")


def percent_change(change: float | None) -> str:
    """`-12.5 %`; a dash where there is none, `=` where it is nothing."""
    if change is None:
        return "-"
    return "=" if change == 0 else f"{100 * change:+.1f} %"


def signed(cycles: float) -> str:
    """`+1.20 M`."""
    return ("-" if cycles < 0 else "+") + figures.count(abs(cycles))


def _totals(a: Report, b: Report) -> Iterator[Total]:
    def total(
        name: str,
        read: Callable[[Report], float | None],
        text: Callable[[float], str],
        mark: Callable[[Report], str],
        unit: Literal["", "dB", "points"] = "",
    ) -> Total:
        before, after = read(a), read(b)
        text_a = "-" if before is None else text(before)
        text_b = "-" if after is None else text(after)
        return Total(name, before, after, text_a, text_b, mark(a), mark(b), unit)

    yield total("latency", lambda r: r.latency.seconds, figures.seconds, _of_cycles)
    yield total("cycles", lambda r: r.latency.cycles, figures.count, _of_cycles)
    yield total("energy", _joules, figures.joules, _of_energy)
    yield total("battery hours", _hours, lambda hours: f"{hours:,.0f} h", _of_hours)
    yield total("SQNR", lambda r: r.quantization.sqnr_db, figures.decibels, _measured, "dB")
    yield total(
        "same class",
        lambda r: r.quantization.argmax_agreement,
        figures.agreement,
        _measured,
        "points",
    )
    yield total("MAC", lambda r: r.model.macs, figures.count, _counted)
    yield total("parameters", lambda r: r.model.parameters, figures.count, _counted)
    yield total("layers", lambda r: len(r.layers), figures.count, _counted)
    for name in ("l1", "l2", "l3"):
        yield total(f"{name.upper()} peak", _peak(name), figures.size, _of_peak(name))


def _of_cycles(report: Report) -> str:
    return figures.mark(report.latency.provenance, report.latency.label)


def _peak(name: str) -> Callable[[Report], float]:
    def read(report: Report) -> float:
        level: Level = getattr(report.memory, name)
        return level.peak

    return read


def _of_peak(name: str) -> Callable[[Report], str]:
    def mark(report: Report) -> str:
        provenance = report.peak_provenance(getattr(report.memory, name))
        return figures.mark(provenance) if provenance else "planned"

    return mark


def _of_energy(report: Report) -> str:
    return figures.mark(report.energy.provenance) if report.energy else "not known"


def _of_hours(report: Report) -> str:
    return "estimate" if report.duty_cycle else "not known"


def _joules(report: Report) -> float | None:
    return report.energy.joules if report.energy else None


def _measured(report: Report) -> str:
    windows = report.quantization.windows
    return f"measured, {windows} window{'s' if windows != 1 else ''}"


def _counted(report: Report) -> str:
    return "counted"


def _hours(report: Report) -> float | None:
    return report.duty_cycle.hours if report.duty_cycle else None


def _pairs(a: Report, b: Report) -> list[LayerPair]:
    """By name; the n-th of a name with the n-th. In the order of A, then what only B has."""
    first, second = _by_name(a), _by_name(b)
    keys = [*first, *(key for key in second if key not in first)]
    return [LayerPair(key[0], first.get(key), second.get(key)) for key in keys]


def _by_name(report: Report) -> dict[tuple[str, int], Layer]:
    found: dict[tuple[str, int], Layer] = {}
    seen: dict[str, int] = {}
    for layer in report.layers:
        found[layer.name, seen.get(layer.name, 0)] = layer
        seen[layer.name] = seen.get(layer.name, 0) + 1
    return found


def _options(a: Report, b: Report) -> dict[str, tuple[str, str]]:
    first, second = _asked(a), _asked(b)
    names = [*first, *(name for name in second if name not in first)]
    pairs = {name: (first.get(name, "-"), second.get(name, "-")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _asked(report: Report) -> dict[str, str]:
    asked = {"model": report.model.name, "target": report.target, "board": report.board}
    asked["edgecomp"] = report.edgecomp
    if report.engines:
        asked["engines"] = report.engines
    return asked | (report.options or {})


def _change(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return None
    return (b - a) / abs(a) if a else (0.0 if b == a else None)


def _differs(pair: LayerPair) -> bool:
    if pair.a is None or pair.b is None or pair.a.engine != pair.b.engine:
        return True
    return abs(pair.difference) > UNCHANGED * pair.a.cycles
