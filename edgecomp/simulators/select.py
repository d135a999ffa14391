"""Which simulator runs a build."""

from __future__ import annotations

from typing import Protocol

from edgecomp.simulators.common import ProjectRun, SimulatorError, WindowRun
from edgecomp.simulators.host import HostSimulator


class Simulator(Protocol):
    """Runs a project; ``name`` is what reports show."""

    name: str

    def run(self, project: ProjectRun) -> list[WindowRun]:
        """Run every window of ``project``."""


def simulator_names() -> list[str]:
    """What ``--simulator`` accepts."""
    return ["auto", "host", "gvsoc"]


def select_simulator(name: str, *, sanitize: bool = False, seed: int = 1) -> Simulator:
    """The simulator ``name``; ``auto`` takes the most faithful one that is there.

    ``SimulatorError`` for a name that does not exist or a simulator that cannot be used.
    """
    if name in ("auto", "host"):
        return HostSimulator(sanitize, seed)
    if name == "gvsoc":
        raise SimulatorError(
            "this version of edgecomp has no GVSoC platform layer yet",
            "use --simulator host: it runs the same C bit for bit, with estimated cycles",
        )
    raise SimulatorError(f"unknown simulator '{name}'", f"known: {', '.join(simulator_names())}")
