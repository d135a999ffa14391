"""Which simulator runs a build."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from edgecomp.simulators import installation
from edgecomp.simulators.board import BoardSimulator
from edgecomp.simulators.common import ProjectRun, SimulatorError, WindowRun
from edgecomp.simulators.dump import LayerDump
from edgecomp.simulators.gvsoc import GvsocSimulator
from edgecomp.simulators.host import HostSimulator


class Simulator(Protocol):
    """Runs a project; ``name`` is what reports show.

    ``default_windows`` is how many windows it runs unless told; None is all of them.
    """

    name: str
    default_windows: int | None

    def run(self, project: ProjectRun) -> list[WindowRun]:
        """Run every window of ``project``, whose progress it tells of its stages."""

    def dump(self, project: ProjectRun, layer: int, watch: int | None = None) -> LayerDump:
        """Run every window again; the result of ``layer`` in the last one.

        With ``watch``, a byte of L1, cores take turns, and stores tell which one changed it last.
        """


def simulator_names() -> list[str]:
    """What ``--simulator`` accepts."""
    return ["auto", "host", "gvsoc", "board"]


def select_simulator(
    name: str, *, sanitize: bool = False, seed: int = 1, trace: Path | None = None
) -> Simulator:
    """The simulator ``name``; ``auto`` is gvsoc where EDGECOMP_GVSOC is set, else host.

    ``SimulatorError`` for a name that does not exist or a simulator that cannot be used.
    """
    if name not in simulator_names():
        raise SimulatorError(
            f"unknown simulator '{name}'", f"known: {', '.join(simulator_names())}"
        )
    if name == "auto":
        counts = os.environ.get(installation.VARIABLE) and not sanitize
        name = "gvsoc" if counts else "host"
    if name == "host" and trace is not None:
        raise SimulatorError("the host has no timeline: it counts no cycles", "use gvsoc")
    if name == "host":
        return HostSimulator(sanitize, seed)
    if sanitize:
        raise SimulatorError("the sanitizers run on the host only", "use --simulator host")
    if name == "board" and trace is not None:
        raise SimulatorError("a board records no timeline", "use gvsoc")
    if name == "board":
        return BoardSimulator()
    return GvsocSimulator(trace)
