"""`edgecomp simulate`: run what a build left."""

from __future__ import annotations

from pathlib import Path

import click

from edgecomp.cli.command import Command, print_json, print_text
from edgecomp.cli.progress import open_progress
from edgecomp.cli.recording import RECORDING_FORMATS
from edgecomp.errors import EdgecompError


def _known(_context: click.Context, parameter: click.Parameter, name: str) -> str:
    from edgecomp.simulators import simulator_names

    if name not in simulator_names():
        known = ", ".join(simulator_names())
        raise click.BadParameter(f"'{name}' is not one of {known}", param=parameter)
    return name


@click.command(cls=Command)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--simulator",
    metavar="auto|host|gvsoc|board",
    default="auto",
    show_default=True,
    callback=_known,
    help="host needs a C compiler only; gvsoc counts cycles, and needs GVSoC and a RISC-V compiler "
    "(see `edgecomp doctor`); board flashes the build's board and reads what it "
    "prints; auto: gvsoc if EDGECOMP_GVSOC is set, else host.",
)
@click.option(
    "--input",
    "inputs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Windows of your own: {RECORDING_FORMATS} Default: those of the build.",
)
@click.option(
    "--windows",
    type=click.IntRange(min=1),
    help="How many windows to run. Default: all; gvsoc and board: 1.",
)
@click.option(
    "--trace",
    type=click.Path(dir_okay=False, path_type=Path),
    help="gvsoc: write a timeline that Perfetto opens (.json).",
)
@click.option("--sanitize", is_flag=True, help="Host: check memory accesses and arithmetic.")
def simulate(
    *,
    directory: Path,
    simulator: str,
    inputs: Path | None,
    windows: int | None,
    trace: Path | None,
    sanitize: bool,
    as_json: bool,
) -> None:
    """Run the project in DIRECTORY and compare it with the float model, layer by layer."""
    from edgecomp import pipeline

    with open_progress() as progress:
        result = pipeline.simulate(
            directory,
            simulator=simulator,
            input=inputs,
            windows=windows,
            sanitize=sanitize,
            trace=trace,
            progress=progress,
        )
    if as_json:
        print_json({"directory": str(directory), "report": result.report.to_json()})
    else:
        from edgecomp.report import summarize

        print_text(summarize(result.report))
    if result.mismatch is not None:
        raise EdgecompError(
            f"the C project does not give the bits of the integer reference: {result.mismatch}",
            "this is a defect of edgecomp: please report it with report.json and simulation.json",
        )
