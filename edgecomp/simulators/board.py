"""A real board: the vendor project's program `check`, flashed, run, and its lines read back.

It counts cycles and waits, on the orchestrating core; when NE16 works nobody sees, and how much of
the memories code and stacks take is not known either.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from edgecomp.flashing import built_for, flash_board
from edgecomp.simulators.common import (
    Measurement,
    ProjectRun,
    SimulatorError,
    WindowRun,
    pack_inputs,
    unpack_outputs,
)
from edgecomp.simulators.dump import LayerDump
from edgecomp.simulators.program_lines import ProgramLines, words


class BoardSimulator:
    """Flashes the board of the build with the vendor's SDK and compares what it prints."""

    name = "board"
    default_windows: int | None = 1

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def run(self, project: ProjectRun) -> list[WindowRun]:
        """Run every window once it is flashed: outputs, checksums and cycles.

        EdgecompError where a tool or the program fails.
        """
        directory = project.firmware.resolve().parent
        board = built_for(directory)
        folder = project.firmware / "build" / "gap_sdk" / "board"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "input.bin").write_bytes(pack_inputs(project.inputs))
        text = flash_board(
            directory,
            board,
            program="check",
            environment=self._environment,
            progress=project.progress,
        )
        return _windows(_lines(text), project, board.name)

    def dump(self, project: ProjectRun, layer: int, watch: int | None = None) -> LayerDump:
        """Boards keep no layer's result."""
        raise SimulatorError("a board keeps no layer's result", "use --simulator host or gvsoc")


def _lines(text: str) -> ProgramLines:
    """What the program said. SimulatorError where a line is not what it prints."""
    lines = ProgramLines()
    for line in text.splitlines():
        said = words(line)
        try:
            if said:
                lines.take(said[0], said[1:])
        except (ValueError, TypeError, IndexError) as error:
            raise SimulatorError(
                f"the board printed a line that the program does not print: {line.strip()}",
                "something else writes to the same terminal, or characters were lost",
            ) from error
    return lines


def _windows(lines: ProgramLines, project: ProjectRun, board: str) -> list[WindowRun]:
    if lines.failure:
        raise SimulatorError(f"on the board {lines.failure}")
    if lines.windows is None:
        raise SimulatorError(
            f"the board did not report {project.windows} finished windows",
            "is its output the terminal of the flash tool? printf goes through the probe",
        )
    lines.check_complete(project)
    outputs = unpack_outputs(lines.outputs, project.output_types)
    return [
        WindowRun(output, sums, Measurement("board", board, total, layers, lines.clock_hz))
        for output, sums, total, layers in zip(
            outputs, lines.checksums, lines.totals, lines.timed, strict=True
        )
    ]
