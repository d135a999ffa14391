"""A report as one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from edgecomp import resources
from edgecomp.report import battery, figures, usage
from edgecomp.report.layer_table import cycles_mark, layer_columns
from edgecomp.report.schema import Report, SimulationReport

SCRIPTS = ("chart.js", "table.js", "figures.js")


def environment() -> Environment:
    """Templates of pages; what comes from a report is escaped."""
    return Environment(
        loader=FileSystemLoader(_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_html(report: Report) -> str:
    """The page: no script, style, font or image from elsewhere."""
    slowest = sorted(report.layers, key=lambda layer: -layer.cycles)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            simulation=report if isinstance(report, SimulationReport) else None,
            figures=figures,
            battery=battery.short,
            columns=layer_columns(report),
            cycles_mark=cycles_mark(report),
            slowest=slowest,
            total=usage.Usage.of(report.layers),
            style=verbatim("report.css"),
            script=Markup("").join(verbatim(name) for name in SCRIPTS),
        )
    )


def write_html(report: Report, path: Path) -> None:
    """Write the page."""
    path.write_text(render_html(report), encoding="utf-8")


def verbatim(name: str) -> Markup:
    """A style sheet or script of ours as it is."""
    return Markup((_folder() / name).read_text(encoding="utf-8"))


def _folder() -> Path:
    return resources.folder("templates") / "report"
