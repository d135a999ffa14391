"""A report on a terminal, or in a mail."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgecomp.report import figures
from edgecomp.report.schema import Comparison, Quantization, Report, SimulationReport

_SLOWEST = 8


def summarize(report: Report) -> RenderableType:
    """The figures of a build or a simulation: plain text, with styles on a terminal."""
    tables = (_title(report), _facts(report), Text(), _memory(report), Text(), _layers(report))
    notices = (Text(f"note: {notice}", "yellow") for notice in report.notices)
    return Group(*tables, *((Text(), *notices) if report.notices else ()))


def _title(report: Report) -> Text:
    text = Text(report.model.name, style="bold")
    place = f" on {report.target} ({report.board}), edgecomp {report.edgecomp}"
    return text.append(place, style="not bold")


def _facts(report: Report) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    model = report.model
    table.add_row(
        "model", f"{model.parameters:,} parameters, {figures.count(model.macs)} MAC a window"
    )
    against_float: Quantization | Comparison = report.quantization
    if isinstance(report, SimulationReport):
        table.add_row("bits", _bits(report))
        against_float = report.float_
    table.add_row("accuracy", _accuracy(against_float, report.quantization.windows))
    if (weakest := _weakest(report)) is not None:
        table.add_row("weakest", weakest)
    table.add_row("latency", _latency(report))
    table.add_row("energy", _energy(report))
    return table


def _bits(report: SimulationReport) -> Text:
    if report.bit_exact:
        return Text(f"equal to the integer reference in every layer ({report.simulator})", "green")
    return Text(f"NOT equal to the integer reference ({report.simulator})", "bold red")


def _accuracy(against_float: Quantization | Comparison, windows: int) -> str:
    parts = [
        f"{figures.decibels(against_float.sqnr_db)} SQNR against the float model",
        f"cosine {against_float.cosine:.5f}",
    ]
    if against_float.argmax_agreement is not None:
        parts.append(f"same class {figures.agreement(against_float.argmax_agreement)}")
    return ", ".join([*parts, f"{windows} window{'' if windows == 1 else 's'}"])


def _weakest(report: Report) -> str | None:
    """The layer whose result is furthest from the float model's."""
    judged = [(layer.sqnr_db, layer.name) for layer in report.layers if layer.sqnr_db is not None]
    if not judged:
        return None
    sqnr_db, name = min(judged)
    return f"{name}: {figures.decibels(sqnr_db)}, errors of the layers before it included"


def _latency(report: Report) -> str:
    latency = report.latency
    cycles = f"{figures.count(latency.cycles)} cycles at {figures.hertz(latency.frequency_hz)}"
    mark = figures.mark(latency.provenance, latency.label)
    return f"{figures.seconds(latency.seconds)}, {cycles} ({mark})"


def _energy(report: Report) -> str:
    energy = report.energy
    power = f"{figures.watts(energy.average_watts)} average"
    return f"{figures.joules(energy.joules)}, {power} ({figures.mark(energy.provenance)})"


def _memory(report: Report) -> Table:
    measured = report.latency.provenance != "estimate"
    reserved_head = "code and stacks" if measured else "reserved (estimate)"
    table = _table("memory", "peak", "of", "", "arena", "lower bound", reserved_head)
    for name, level in report.memory:
        reserved = "-" if level.reserved is None else figures.size(level.reserved)
        table.add_row(
            name.upper(),
            figures.size(level.peak),
            figures.size(level.capacity),
            figures.percent(level.peak, level.capacity),
            figures.size(level.arena),
            figures.size(level.lower_bound),
            reserved,
        )
    return table


def _layers(report: Report) -> Table:
    provenance = figures.mark(report.latency.provenance)
    slowest = sorted(report.layers, key=lambda layer: -layer.cycles)[:_SLOWEST]
    head = f"{len(slowest)} slowest of {len(report.layers)} layers"
    table = _table(head, f"cycles ({provenance})", "", "MAC", "MAC/cycle", "tiles", "L1")
    total = sum(layer.cycles for layer in report.layers)
    for layer in slowest:
        table.add_row(
            f"{layer.name} {layer.op}" if layer.op not in layer.name else layer.name,
            figures.count(layer.cycles),
            figures.percent(layer.cycles, total),
            figures.count(layer.macs) if layer.macs else "-",
            figures.rate(layer.macs, layer.cycles),
            str(layer.tiles),
            figures.size(layer.l1_bytes),
        )
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="cyan")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table
