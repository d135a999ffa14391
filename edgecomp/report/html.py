"""A report as one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from edgecomp import resources
from edgecomp.report import figures, usage
from edgecomp.report.schema import Report, SimulationReport


def render_html(report: Report) -> str:
    """The page: no script, style, font or image from elsewhere."""
    environment = Environment(
        loader=FileSystemLoader(resources.folder("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        simulation=report if isinstance(report, SimulationReport) else None,
        figures=figures,
        usage=usage,
    )


def write_html(report: Report, path: Path) -> None:
    """Write the page."""
    path.write_text(render_html(report), encoding="utf-8")
