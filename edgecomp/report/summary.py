"""A report on a terminal, or in a mail."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from edgecomp.report import figures, usage
from edgecomp.report.battery import battery
from edgecomp.report.columns import Column, Columns, fold
from edgecomp.report.schema import (
    Comparison,
    Energy,
    Layer,
    Level,
    Quantization,
    Report,
    SimulationReport,
)

_SLOWEST = 8
_LABEL = 10
"""Characters of the label before a fact."""


def summarize(report: Report) -> RenderableType:
    """The figures of a build or a simulation: plain text, with styles on a terminal."""
    used = (Text(), _usage(report)) if usage.is_known(report) else ()
    tables = (_title(report), _facts(report), Text(), _memory(report), Text(), _layers(report))
    notices = (Text(f"note: {notice}", "yellow") for notice in report.notices)
    return Group(*tables, *used, *((Text(), *notices) if report.notices else ()))


def _title(report: Report) -> Text:
    text = Text(report.model.name, style="bold")
    place = f" on {report.target} ({report.board}), edgecomp {report.edgecomp}"
    return text.append(place, style="not bold")


class _Fact:
    """A label and a text that is folded beside it."""

    def __init__(self, label: str, text: str, style: str = "") -> None:
        self._label, self._text, self._style = label, text, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        label = self._label
        for line in fold(self._text, options.max_width - _LABEL):
            parts = (label.ljust(_LABEL), "cyan"), (line, self._style)
            yield Text.assemble(*parts, no_wrap=True, overflow="ignore")
            label = ""


def _facts(report: Report) -> Group:
    model = report.model
    size = f"{model.parameters:,} parameters, {figures.count(model.macs)} MAC a window"
    facts = [_Fact("model", size)]
    against_float: Quantization | Comparison = report.quantization
    if isinstance(report, SimulationReport):
        facts.append(_bits(report))
        against_float = report.float_
    facts.append(_Fact("accuracy", _accuracy(against_float, report.quantization.windows)))
    if (weakest := _weakest(report)) is not None:
        facts.append(_Fact("weakest", weakest))
    facts.append(_Fact("latency", _latency(report)))
    if report.energy is not None:
        facts.append(_Fact("energy", _energy(report.energy)))
    if report.duty_cycle is not None:
        facts.append(_Fact("battery", battery(report.duty_cycle)))
    return Group(*facts)


def _bits(report: SimulationReport) -> _Fact:
    if report.bit_exact:
        text = f"equal to the integer reference in every layer ({report.simulator})"
        return _Fact("bits", text, "green")
    return _Fact("bits", f"NOT equal to the integer reference ({report.simulator})", "bold red")


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


def _energy(energy: Energy) -> str:
    power = f"{figures.watts(energy.average_watts)} average"
    return f"{figures.joules(energy.joules)}, {power} ({figures.mark(energy.provenance)})"


def _memory(report: Report) -> Columns:
    marks = {report.peak_provenance(level) for _, level in report.memory if level} - {None}
    reserved_head = "reserved (estimate)" if "estimate" in marks else "code and stacks"
    columns = (
        Column("memory", "whole"),
        Column("peak"),
        Column("of"),
        Column(""),
        Column("arena", leave_out=1),
        Column("lower bound", leave_out=2),
        Column(reserved_head, leave_out=3),
        Column("of it code", leave_out=4),
    )
    return Columns(columns, (_level(name, level) for name, level in report.memory if level))


def _level(name: str, level: Level) -> list[str]:
    return [
        name.upper(),
        figures.size(level.peak),
        figures.size(level.capacity),
        figures.percent(level.peak, level.capacity),
        figures.size(level.arena),
        figures.size(level.lower_bound),
        "-" if level.reserved is None else figures.size(level.reserved),
        "-" if level.code is None else figures.size(level.code),
    ]


def _layers(report: Report) -> Columns:
    provenance = figures.mark(report.latency.provenance)
    columns = (
        Column(_layers_head(len(report.layers)), "path"),
        Column(f"cycles ({provenance})"),
        Column(""),
        Column("MAC", leave_out=1),
        Column("MAC/cycle", leave_out=2),
        Column("tiles", leave_out=3),
        Column("L1", leave_out=4),
    )
    total = sum(layer.cycles for layer in report.layers)
    return Columns(columns, (_layer(layer, total) for layer in _slowest(report)))


def _slowest(report: Report) -> list[Layer]:
    return sorted(report.layers, key=lambda layer: -layer.cycles)[:_SLOWEST]


def _layers_head(count: int) -> str:
    if count <= _SLOWEST:
        return "layer, slowest first" if count > 1 else "layer"
    return f"{_SLOWEST} slowest of {count} layers"


def _layer(layer: Layer, total: float) -> list[str]:
    return [
        _title_of(layer),
        figures.count(layer.cycles),
        figures.percent(layer.cycles, total),
        figures.count(layer.macs) if layer.macs else "-",
        figures.rate(layer.macs, layer.cycles),
        str(layer.tiles),
        figures.size(layer.l1_bytes),
    ]


def _title_of(layer: Layer) -> str:
    return layer.name if layer.op in layer.name else f"{layer.name} {layer.op}"


def _usage(report: Report) -> Columns:
    """Where the cycles of the same layers go. Parts of a layer first, then what NE16 does."""
    ne16, seen = usage.has_ne16(report), usage.sees_ne16(report)
    columns = [
        Column(f"where cycles go ({figures.mark(report.latency.provenance)})", "path"),
        Column("cores"),
        *([Column("wait NE16", leave_out=1)] if ne16 else []),
        Column("wait DMA", leave_out=3),
        Column("wait L3", leave_out=4),
        Column("overhead", leave_out=5),
    ]
    if seen:
        most = report.ne16_macs_per_cycle
        columns += [
            Column("NE16 busy"),
            Column(f"MAC/busy cycle of {most:g}" if most else "MAC/busy cycle", leave_out=2),
        ]
    named = [(_title_of(layer), usage.Usage.of([layer])) for layer in _slowest(report)]
    if len(report.layers) > 1:
        named.insert(0, ("all layers", usage.Usage.of(report.layers)))
    return Columns(columns, (_shares(name, each, ne16, seen) for name, each in named))


def _shares(name: str, used: usage.Usage, ne16: bool, seen: bool) -> list[str]:
    def share(part: float) -> str:
        return figures.percent(part, used.cycles)

    return [
        name,
        share(used.compute),
        *([share(used.exposed_ne16)] if ne16 else []),
        share(used.exposed_dma),
        share(used.exposed_l3),
        share(used.overhead),
        *([share(used.ne16_busy), figures.rate(used.ne16_macs, used.ne16_busy)] if seen else []),
    ]
