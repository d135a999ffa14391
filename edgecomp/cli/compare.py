"""`edgecomp compare`: two builds side by side."""

from __future__ import annotations

from pathlib import Path

import click

from edgecomp.cli.command import Command, print_json, print_text

_BUILD = click.Path(exists=True, path_type=Path)


@click.command(cls=Command)
@click.argument("a", type=_BUILD)
@click.argument("b", type=_BUILD)
@click.option(
    "--estimate", is_flag=True, help="Compare report.json, also where there are simulations."
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page, too.")
def compare(*, a: Path, b: Path, estimate: bool, html: Path | None, as_json: bool) -> None:
    """Compare the builds in folders A and B: totals, layers, and what they were asked for.

    Where a build was simulated its simulation is compared. A and B may also be such JSON files.
    """
    from edgecomp.report.compare import compare as compare_reports
    from edgecomp.report.compare import newest_report, write_comparison
    from edgecomp.report.comparison_summary import summarize_comparison

    found = compare_reports(newest_report(a, estimate), newest_report(b, estimate))
    if html is not None:
        write_comparison(found, html)
    if as_json:
        print_json({"a": str(a), "b": str(b), **found.to_json()})
        return
    click.echo(f"A {a}\nB {b}\n")
    print_text(summarize_comparison(found))
    if html is not None:
        click.echo(f"\nwritten to {html}")
