"""The host simulator: the generated project compiled for this computer.

It counts no cycles; latency and energy are the cost model's estimates.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgecomp.simulators import dump
from edgecomp.simulators.common import (
    ProjectRun,
    SimulatorError,
    WindowRun,
    pack_inputs,
    unpack_checksums,
    unpack_outputs,
)
from edgecomp.simulators.dump import LayerDump

TIMEOUT_SECONDS = 1800
_FAST = ["-O3"]
_CHECKED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


class HostSimulator:
    """Compiles with the C compiler of ``CC`` or ``PATH`` and runs.

    ``sanitize`` adds the address and undefined-behaviour sanitizers; ``seed`` orders cores and
    transfers.
    """

    name = "host"
    default_windows: int | None = None

    def __init__(self, sanitize: bool = False, seed: int = 1) -> None:
        self.sanitize = sanitize
        self.seed = seed

    def run(self, project: ProjectRun) -> list[WindowRun]:
        """Compile, run every window, return outputs and checksums.

        ``SimulatorError`` says what the compiler or the program reported.
        """
        project.progress.stage("compile and run (host)")
        with tempfile.TemporaryDirectory(prefix="edgecomp-") as folder:
            work = Path(folder)
            self._compile_and_run(project, work, ())
            checks = unpack_checksums((work / "checksums.txt").read_text(), project.layers)
            data = (work / "output.bin").read_bytes()
            outputs = list(unpack_outputs(data, project.output_types))
        if len(outputs) != len(checks) or len(outputs) != project.inputs[0].shape[0]:
            raise SimulatorError(
                f"the program ran {len(outputs)} of {project.inputs[0].shape[0]} windows"
            )
        return [WindowRun(o, c) for o, c in zip(outputs, checks, strict=True)]

    def dump(self, project: ProjectRun, layer: int, watch: int | None = None) -> LayerDump:
        """Run every window again, as before; the result of ``layer`` in the last one.

        With ``watch``, a byte of L1, stores tell which core changed it last.
        """
        with tempfile.TemporaryDirectory(prefix="edgecomp-") as folder:
            work = Path(folder)
            self._compile_and_run(project, work, dump.options(layer, watch))
            return LayerDump.read(work)

    def _compile_and_run(self, project: ProjectRun, work: Path, options: Sequence[str]) -> None:
        program = work / "network"
        self._compile(find_compiler(), project.firmware.resolve(), program, options)
        (work / "input.bin").write_bytes(pack_inputs(project.inputs))
        self._execute(program, work)

    def _compile(
        self, compiler: list[str], firmware: Path, program: Path, options: Sequence[str]
    ) -> None:
        flags = [*(_CHECKED if self.sanitize else _FAST), *options]
        command = [*compiler, "-std=c11", *flags, *include_flags(firmware), *sources(firmware)]
        done = subprocess.run(
            [*command, "-o", str(program)], cwd=firmware, capture_output=True, text=True
        )
        if done.returncode:
            raise SimulatorError(
                f"{compiler[0]} cannot compile the project (status {done.returncode}):\n"
                f"{_tail(done.stderr or done.stdout)}",
                "set CC to a C11 compiler; without sanitizer libraries leave out --sanitize",
            )

    def _execute(self, program: Path, work: Path) -> None:
        command = [str(program), "input.bin", "output.bin", "checksums.txt", str(self.seed)]
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        try:
            done = subprocess.run(
                command,
                cwd=work,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                env=environment,
                errors="replace",
            )
        except subprocess.TimeoutExpired as error:
            raise SimulatorError(f"the program still ran after {TIMEOUT_SECONDS} s") from error
        if done.returncode:
            raise SimulatorError(
                f"the program stopped with status {done.returncode}:\n{_head(done.stderr)}"
            )


def find_compiler() -> list[str]:
    """The C compiler, with arguments: ``CC``, else ``cc``, ``gcc`` or ``clang`` on the path."""
    given = shlex.split(os.environ.get("CC", ""))
    if given:
        if shutil.which(given[0]) is None:
            raise SimulatorError(f"CC names {given[0]}, which is not there", "correct or unset CC")
        return given
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    raise SimulatorError("no C compiler found", "install gcc or clang, or set CC")


def include_flags(firmware: Path) -> list[str]:
    """The project's include folders as compiler options."""
    folders = ["include", "src", "harness", "runtime/include", "runtime/hal/include"]
    return [
        f"-I{firmware / folder}"
        for folder in [*folders, "runtime/hal/host", "runtime/kernels/include"]
    ]


def sources(firmware: Path) -> list[str]:
    """The project's sources for this computer."""
    folders = ["src", "harness", "runtime/src", "runtime/kernels/reference"]
    folders += ["runtime/kernels/ne16", "runtime/hal/host"]
    found = [path for folder in folders for path in sorted((firmware / folder).glob("*.c"))]
    if not found:
        raise SimulatorError(f"{firmware} holds no generated project", "build it again")
    return [*map(str, found), str(firmware / "src" / "weights.S")]


def _tail(text: str, lines: int = 30) -> str:
    return "\n".join(text.splitlines()[-lines:])


def _head(text: str, lines: int = 30) -> str:
    return "\n".join(text.splitlines()[:lines])
