"""A comparison of two reports on a terminal, or in a mail."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from edgecomp.report import figures
from edgecomp.report.columns import Column, Columns
from edgecomp.report.compare import LayerPair, ReportComparison, Total, signed

MOST_LAYERS = 20


def summarize_comparison(comparison: ReportComparison) -> RenderableType:
    """Totals, what was asked for, and the layers that differ most."""
    parts: list[RenderableType] = [_totals(comparison)]
    if comparison.options:
        parts += [Text(), _options(comparison)]
    return Group(*parts, Text(), _layers(comparison))


def _totals(comparison: ReportComparison) -> Columns:
    columns = [Column("", "whole"), Column("A"), Column("B"), Column("B to A"), Column("", "prose")]
    return Columns(columns, map(_total, comparison.totals))


def _total(total: Total) -> list[str]:
    marks = [total.mark_a] if total.mark_a == total.mark_b else [total.mark_a, total.mark_b]
    note = f"({', '.join(marks)})" if any(marks) else ""
    return [total.name, total.text_a, total.text_b, total.change_text, note]


def _options(comparison: ReportComparison) -> Columns:
    columns = [Column("asked for", "whole"), Column("A", "whole"), Column("B", "whole")]
    return Columns(columns, ([name, *pair] for name, pair in comparison.options.items()))


def _layers(comparison: ReportComparison) -> RenderableType:
    changed = comparison.changed_layers()
    if not changed:
        return Text(f"all {len(comparison.layers)} layers take the same cycles")
    shown = changed[:MOST_LAYERS]
    head = f"{len(shown)} of {len(changed)} layers that differ, of {len(comparison.layers)}"
    columns = [
        Column(head, "path"),
        Column(f"cycles, A ({figures.mark(comparison.a.latency.provenance)})"),
        Column(f"cycles, B ({figures.mark(comparison.b.latency.provenance)})"),
        Column("difference"),
        Column("engine", "whole", leave_out=1),
    ]
    return Columns(columns, map(_layer, shown))


def _layer(pair: LayerPair) -> list[str]:
    before = figures.count(pair.a.cycles) if pair.a else "-"
    after = figures.count(pair.b.cycles) if pair.b else "-"
    return [pair.name, before, after, signed(pair.difference), pair.engines]
