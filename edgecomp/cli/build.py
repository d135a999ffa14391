"""`edgecomp build`: from an encoder to a C project."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from edgecomp.cli.command import Command, print_json, print_text
from edgecomp.cli.pairs import parse_sizes, set_option
from edgecomp.cli.progress import open_progress
from edgecomp.cli.recording import RECORDING_FORMATS

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=Command)
@click.argument("model")
@click.option("--target", default="gap9", show_default=True, help="The chip to generate C for.")
@click.option("--board", metavar="NAME|FILE", help="Default: the board of the target.")
@click.option("--weights", type=_FILE, help="A published checkpoint, or safetensors.")
@click.option(
    "--calibration",
    type=_FILE,
    help=f"Recorded windows to calibrate on: {RECORDING_FORMATS} Default: synthetic windows.",
)
@set_option(
    "An option of an encoder of the zoo (see `edgecomp models`); repeatable. For every MODEL: "
    "engines=cores (no NE16), engines=ne16 (NE16 wherever a layer can use it) or engines=all (the "
    "cheaper one for each layer, the default)."
)
@click.option(
    "--dim",
    "dims",
    metavar="NAME=SIZE",
    multiple=True,
    callback=parse_sizes,
    help="The size of a dynamic axis of an ONNX file; repeatable.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Default: build/<model>-<target>.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of synthetic windows and weights: the same seed gives the same build.",
)
@click.option(
    "--windows",
    type=click.IntRange(min=1),
    help="How many windows to calibrate on, at most.  [default: 16]",
)
@click.option(
    "--method",
    type=click.Choice(["minmax", "percentile", "mse"]),
    help="How the range of an activation is chosen.  [default: mse]",
)
@click.option(
    "--every",
    "period_ms",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MILLISECONDS",
    help="A window's period, for the line on power and battery.  [default: 200]",
)
@click.option(
    "--cell-mah",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MILLIAMPERE-HOURS",
    help="The battery's charge, for the line on power and battery.  [default: 150]",
)
@click.option(
    "--normalise",
    metavar="zscore|none|FACTOR",
    help="What the calibrated values are of a front end's samples, for the sample application: "
    "z-scored by channel and window, the samples themselves, or FACTOR times them.  [default: the "
    "encoder's own; of an ONNX file what the calibration windows look like]",
)
@click.option(
    "--exporter",
    type=click.Choice(["dynamo", "legacy"]),
    help="How PyTorch exports the encoder to ONNX.  [default: dynamo]",
)
def build(
    *,
    model: str,
    target: str,
    board: str | None,
    settings: dict[str, str],
    dims: dict[str, int],
    seed: int,
    period_ms: float | None,
    as_json: bool,
    **optional: Any,
) -> None:
    """Turn MODEL into an INT8 C project with a memory map and a report.

    MODEL is an encoder of the zoo (see `edgecomp models`) or the path of an .onnx file.
    """
    from edgecomp import pipeline
    from edgecomp.targets import parse_engines

    given = {name: value for name, value in optional.items() if value is not None}
    if period_ms is not None:
        given["period"] = period_ms / 1000
    engines = parse_engines(settings.get("engines", "all"))
    options = {name: value for name, value in settings.items() if name != "engines"}
    with open_progress() as progress:
        result = pipeline.build(
            model,
            target=target,
            board=board,
            options=options,
            engines=engines,
            dims=dims,
            seed=seed,
            progress=progress,
            **given,
        )
    if as_json:
        found = {"directory": str(result.directory), "deleted": list(result.deleted)}
        print_json({**found, "report": result.report.to_json()})
        return
    from edgecomp.report import summarize

    print_text(summarize(result.report))
    click.echo(f"\nwritten to {result.directory}")
    if result.deleted:
        click.echo(f"deleted with the build before it: {', '.join(result.deleted)}")
    click.echo(f"next: edgecomp simulate {shlex.quote(str(result.directory))}")
