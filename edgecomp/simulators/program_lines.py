"""The lines that a program with counted cycles prints, on the simulated chip and on a board.

They begin with "@ec"; runtime_c/hal/gvsoc/gvsoc_main.c and hal/pmsis/check_main.c list them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from edgecomp.simulators.common import LayerCycles, ProjectRun, SimulatorError

Row = TypeVar("Row")

_MARK = "@ec "


def words(line: str) -> list[str] | None:
    """What the program says in ``line``, word by word; None for a line that is not its own."""
    place = line.find(_MARK)
    return None if place < 0 else line[place + len(_MARK) :].split()


@dataclass
class ProgramLines:
    """What the lines so far have told. ``layer`` is the one that runs; None before the first."""

    timed: list[list[LayerCycles]] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    checksums: list[list[int]] = field(default_factory=list)
    outputs: bytes = b""
    clock_hz: int | None = None
    windows: int | None = None
    failure: str = ""
    layer: int | None = None

    def take(self, kind: str, fields: list[str]) -> int | None:
        """Take one line in; the layer that it says is finished."""
        match kind, fields:
            case "begin", [layer]:
                self.layer = int(layer)
            case "timed", [window, layer, *cycles]:
                _row(self.timed, int(window)).append(LayerCycles(*map(int, cycles)))
                self.layer = int(layer) + 1
                return int(layer)
            case "check", [window, layer, checksum]:
                _row(self.checksums, int(window)).append(int(checksum, 16))
                return int(layer)
            case "output", [_, data]:
                self.outputs += bytes.fromhex(data)
            case "clock", [hertz]:
                self.clock_hz = int(hertz)
            case "window", [_, cycles]:
                self.totals.append(int(cycles))
            case "done", [windows]:
                self.windows = int(windows)
            case "error", _:
                self.failure = f"the program stopped: {' '.join(fields)}"
        return None

    def check_complete(self, project: ProjectRun) -> None:
        """SimulatorError where windows or layers are missing."""
        windows = project.windows
        if self.windows != windows:
            raise SimulatorError(f"the program ran {self.windows} of {windows} windows")
        counts = [len(each) for each in self.timed] + [len(each) for each in self.checksums]
        if counts != [project.layers] * (2 * windows) or len(self.totals) != windows:
            raise SimulatorError(f"the program did not report all of its {project.layers} layers")


def _row(rows: list[list[Row]], window: int) -> list[Row]:
    """The row of ``window``, a new one where it is the next."""
    if window == len(rows):
        rows.append([])
    return rows[window]
