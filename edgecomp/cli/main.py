"""The `edgecomp` program: its commands, one a file."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

import click

from edgecomp.cli.boards import boards
from edgecomp.cli.build import build
from edgecomp.cli.command import Program
from edgecomp.cli.compare import compare
from edgecomp.cli.doctor import doctor
from edgecomp.cli.encode import encode
from edgecomp.cli.flash import flash
from edgecomp.cli.models import models
from edgecomp.cli.ops import ops
from edgecomp.cli.simulate import simulate
from edgecomp.version import VERSION


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION)
def cli() -> None:
    """From a trained wearable encoder to INT8 C for GAP9."""


for _command in (build, simulate, compare, encode, flash, models, boards, ops, doctor):
    cli.add_command(_command)


def main() -> None:
    """Run the program: the console script. Being terminated cleans up as an error does."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _terminate)
    cli(prog_name="edgecomp")


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
