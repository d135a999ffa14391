"""A real board: the vendor project's program `check`, flashed, run, and its lines read back.

Cycles are printed by the program but not taken: latency stays the build's estimate.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from edgecomp.flashing import flash_board
from edgecomp.simulators.common import (
    ProjectRun,
    SimulatorError,
    WindowRun,
    pack_inputs,
    unpack_checksums,
    unpack_outputs,
)
from edgecomp.simulators.dump import LayerDump
from edgecomp.targets import load_board


class BoardSimulator:
    """Flashes the board of the build with the vendor's SDK and compares what it prints."""

    name = "board"
    default_windows: int | None = 1

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def steps(self, windows: int) -> int:
        """The program says nothing before its end."""
        return 0

    def run(self, project: ProjectRun) -> list[WindowRun]:
        """Run every window once it is flashed. EdgecompError where a tool or the program fails."""
        directory = project.firmware.resolve().parent
        name = json.loads((directory / "report.json").read_text(encoding="utf-8"))["board"]
        folder = project.firmware / "build" / "gap_sdk" / "board"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "input.bin").write_bytes(pack_inputs(project.inputs))
        text = flash_board(
            directory,
            load_board(name),
            program="check",
            environment=self._environment,
            progress=project.progress,
        )
        return _windows(text, project)

    def dump(self, project: ProjectRun, layer: int, watch: int | None = None) -> LayerDump:
        """Boards keep no layer's result."""
        raise SimulatorError("a board keeps no layer's result", "use --simulator host or gvsoc")


def _windows(text: str, project: ProjectRun) -> list[WindowRun]:
    lines = [line.strip().split(" ") for line in text.splitlines()]
    said = [words[1:] for words in lines if words[0] == "@ec" and len(words) > 1]
    errors = [" ".join(words[1:]) for words in said if words[0] == "error"]
    if errors:
        raise SimulatorError(f"the program on the board stopped: {errors[0]}")
    if ["done", str(project.windows)] not in said:
        raise SimulatorError(
            f"the board did not report {project.windows} finished windows",
            "is its output the terminal of the flash tool? printf goes through the probe",
        )
    checks = "\n".join(" ".join(words[2:]) for words in said if words[0] == "check")
    data = bytes.fromhex("".join(words[2] for words in said if words[0] == "output"))
    checksums = unpack_checksums(checks, project.layers)
    outputs = unpack_outputs(data, project.output_types)
    return [WindowRun(o, c) for o, c in zip(outputs, checksums, strict=True)]
