"""The GVSoC simulator: the generated project on a simulated chip, counted in cycles."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

from edgecomp.simulators import dump
from edgecomp.simulators.common import (
    Measurement,
    ProjectRun,
    SimulatorError,
    WindowRun,
    pack_inputs,
    unpack_outputs,
)
from edgecomp.simulators.dump import LayerDump
from edgecomp.simulators.elf import Elf
from edgecomp.simulators.gvsoc_lines import Run
from edgecomp.simulators.installation import Installation, find_installation
from edgecomp.simulators.selftest import Chip, check_models
from edgecomp.simulators.timeline import write_timeline
from edgecomp.simulators.toolchain import Toolchain, find_toolchain

PATIENCE_SECONDS = 900.0
"""How long no layer may finish before the simulator is stopped. The program's own watch over
simulated time comes first unless the simulator itself hangs."""

_LAST_LINES = 15

_FRAME_BYTES = 16
"""The least that a function takes of a stack, by the calling convention."""


@dataclass(frozen=True)
class Platform:
    """What `gvsoc/board.json` of a project says of the simulated chip."""

    target: str
    label: str
    description: str
    models: list[str]
    kernels: list[str]
    l1: tuple[int, int]
    l2: tuple[int, int]
    hertz: float

    @classmethod
    def read(cls, firmware: Path) -> Platform:
        """The platform of a project. SimulatorError for one whose board has no simulator."""
        path = firmware / "gvsoc" / "board.json"
        try:
            board: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SimulatorError(
                "the board of this build says nothing of GVSoC",
                "build it for a board with a section [gvsoc], or simulate on the host",
            ) from error
        gvsoc, memories = board["gvsoc"], board["memories"]
        places = gvsoc["memory_map"]
        return cls(
            gvsoc["target"],
            gvsoc["label"],
            gvsoc["description"],
            gvsoc["models"],
            gvsoc["kernels"],
            (places["l1"], memories["l1_bytes"]),
            (places["l2"], memories["l2_bytes"]),
            board["clocks"]["cluster_hz"],
        )

    def chip(self, firmware: Path) -> Chip:
        """What a self-test must know."""
        folder = (firmware / "gvsoc").resolve() if self.description else None
        return Chip(self.target, self.models, folder, self.l1[0], self.l2[0])


class GvsocSimulator:
    """Compiles with a RISC-V compiler and runs on GVSoC, found by EDGECOMP_GVSOC or on the path.

    Every window is run twice: once for its cycles, once with checksums. ``trace`` is a file for a
    timeline that Perfetto opens: a second run of the first window, since recording takes time.
    """

    name = "gvsoc"
    default_windows: int | None = 1

    def __init__(self, trace: Path | None = None, patience: float = PATIENCE_SECONDS) -> None:
        self.installation = find_installation()
        self.toolchain = find_toolchain()
        self._trace = trace
        self._patience = patience

    def run(self, project: ProjectRun) -> list[WindowRun]:
        """Compile, run every window, return outputs, checksums and cycles.

        SimulatorError says what the compiler reported, or in which layer and where the run
        stopped.
        """
        project.progress.stage("compile (gvsoc)")
        platform = Platform.read(project.firmware)
        self.installation.check(platform.models, platform.target)
        check_models(self.installation, platform.chip(project.firmware), self.toolchain)
        with tempfile.TemporaryDirectory(prefix="edgecomp-") as folder:
            work = Path(folder)
            stages = _stages(project.windows)
            elf, run = self._compile_and_run(platform, project, work, (), stages)
            data = (work / "output.bin").read_bytes()
        outputs = list(unpack_outputs(data, project.output_types))
        run.check_complete(project)
        _check_stacks(run)
        if self._trace is not None:
            self._write_trace(platform, project, self._trace)
        l1, l2 = elf.end(*platform.l1), elf.end(*platform.l2)
        return [
            WindowRun(
                output,
                sums,
                Measurement("gvsoc", platform.label, total, layers, l1_bytes=l1, l2_bytes=l2),
            )
            for output, sums, total, layers in zip(
                outputs, run.checksums, run.totals, run.timed, strict=True
            )
        ]

    def dump(self, project: ProjectRun, layer: int, watch: int | None = None) -> LayerDump:
        """Run every window again; the result of ``layer`` in the last one.

        With ``watch``, a byte of L1, cores take turns, and stores tell which one changed it last.
        """
        platform = Platform.read(project.firmware)
        with tempfile.TemporaryDirectory(prefix="edgecomp-") as folder:
            work = Path(folder)
            self._compile_and_run(platform, project, work, dump.options(layer, watch))
            return LayerDump.read(work)

    def _write_trace(self, platform: Platform, project: ProjectRun, path: Path) -> None:
        project.progress.stage("compile for the timeline")
        first = replace(project, inputs=[array[:1] for array in project.inputs])
        with tempfile.TemporaryDirectory(prefix="edgecomp-") as folder:
            work = Path(folder)
            options, stages = ("-DEC_TRACE",), _stages(1, " for the timeline")
            elf, _ = self._compile_and_run(platform, first, work, options, stages)
            events = (work / "trace.bin").read_bytes()
        names = [_name(project, layer) for layer in range(project.layers)]
        write_timeline(path, events, platform.hertz, names, elf.function)

    def _compile_and_run(
        self,
        platform: Platform,
        project: ProjectRun,
        work: Path,
        options: Sequence[str],
        stages: Sequence[str] = (),
    ) -> tuple[Elf, Run]:
        """``stages``: a name for each run of a window; without, its layers are steps."""
        firmware = project.firmware.resolve()
        program = work / "network.elf"
        compile_project(self.toolchain, firmware, platform.kernels, program, options)
        (work / "input.bin").write_bytes(pack_inputs(project.inputs))
        (work / "weights.bin").symlink_to(firmware / "weights.bin")
        elf = Elf(program)
        return elf, self._execute(platform, firmware, work, elf, project, stages)

    def _execute(
        self,
        platform: Platform,
        firmware: Path,
        work: Path,
        elf: Elf,
        project: ProjectRun,
        stages: Sequence[str],
    ) -> Run:
        run = Run()
        finished = _finished(project, stages)
        next(finished)
        last: list[str] = []
        command = _command(self.installation, platform, firmware, work)
        environment = {**self.installation.environment(), "PYTHONPATH": str(firmware / "gvsoc")}
        with _process(command, work, environment) as (process, output):
            for line in _lines(process, output, self._patience):
                last = [*last, line][-_LAST_LINES:]
                layer = run.read(line, elf.function)
                if layer is not None:
                    finished.send(layer)
            timed_out = process.poll() is None
        if timed_out:
            minutes = self._patience / 60
            raise SimulatorError(f"{_where(project, run)}: nothing happened for {minutes:.0f} min")
        if run.failure:
            raise SimulatorError(f"{_where(project, run)}: {run.failure}")
        if process.returncode or run.windows is None:
            text = "\n".join(last)
            raise SimulatorError(f"GVSoC stopped with status {process.returncode}:\n{text}")
        return run


def _stages(windows: int, purpose: str = "") -> list[str]:
    """Names for the runs of ``windows``, in the order of gvsoc_main.c."""
    runs = "run with checksums", "run for cycles"
    return [
        f"{run}{purpose}{f', window {window + 1} of {windows}' if windows > 1 else ''}"
        for window in range(windows)
        for run in runs
    ]


def _finished(project: ProjectRun, stages: Sequence[str]) -> Generator[None, int, None]:
    """Takes the layers that are finished: each is a step, and every run a stage of its own."""
    names = iter(stages)
    while True:
        if (name := next(names, None)) is not None:
            project.progress.stage(name, project.layers)
        for _ in range(project.layers):
            project.progress.step(_name(project, (yield)))


def compile_project(
    toolchain: Toolchain,
    firmware: Path,
    kernels: list[str],
    program: Path,
    options: Sequence[str] = (),
) -> None:
    """Compile and link a project for the simulated chip. SimulatorError with the messages."""
    command = toolchain.compile(
        gvsoc_sources(firmware, kernels), gvsoc_includes(firmware), firmware / "gvsoc" / "gvsoc.ld"
    )
    done = subprocess.run(
        [*command, *options, "-o", str(program)], capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        text = "\n".join(done.stderr.splitlines()[-2 * _LAST_LINES :])
        hint = ""
        if "overflow" in text or "will not fit" in text:
            hint = (
                "code takes more L2 than planned: raise reserved.code_bytes in the board file and "
                "build again"
            )
        raise SimulatorError(f"{toolchain.command[0]} cannot compile the project:\n{text}", hint)


def gvsoc_sources(firmware: Path, kernels: list[str]) -> list[Path]:
    """The project's sources for the chip; a kernel comes from the first folder that has it."""
    runtime = firmware / "runtime"
    own = (firmware / "src", firmware / "harness", runtime / "src")
    jobs = runtime / "kernels/ne16"
    hal = runtime / "hal"
    folders = (*own, jobs, hal / "common", hal / "gvsoc", hal / "gvsoc/libc")
    found = [path for folder in folders for path in sorted(folder.glob("*.c"))]
    chosen: dict[str, Path] = {}
    for name in kernels:
        for path in sorted((runtime / "kernels" / name).glob("*.c")):
            chosen.setdefault(path.name, path)
    return [*found, hal / "gvsoc/start.S", *chosen.values()]


def gvsoc_includes(firmware: Path) -> list[Path]:
    """The project's include folders for the chip."""
    runtime = firmware / "runtime"
    hal = ("hal/include", "hal/common", "hal/gvsoc", "hal/gvsoc/libc")
    folders = ("include", *hal, "kernels/include")
    own = (firmware / "include", firmware / "src", firmware / "harness")
    return [*own, *(runtime / folder for folder in folders)]


def _command(
    installation: Installation, platform: Platform, firmware: Path, work: Path
) -> list[str]:
    folder = [f"--target-dir={firmware / 'gvsoc'}"] if platform.description else []
    return [
        str(installation.program),
        f"--target={platform.target}",
        *folder,
        f"--work-dir={work}",
        f"--binary={work / 'network.elf'}",
        "run",
    ]


@contextmanager
def _process(
    command: list[str], work: Path, environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], IO[str]]]:
    """The running simulator and what it prints; it and its children end with the block.

    It prints to a terminal: into a pipe, the C library would hold lines back until it has many.
    """
    reader, terminal = os.openpty()
    try:
        process = subprocess.Popen(
            command,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
    finally:
        os.close(terminal)
    try:
        yield process, os.fdopen(reader, errors="replace")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _lines(process: subprocess.Popen[bytes], output: IO[str], patience: float) -> Iterator[str]:
    """Lines as they come; ends with the output, or when none came for ``patience`` seconds."""
    queue: Queue[str | None] = Queue()

    def pump() -> None:
        with output, suppress(OSError):  # how a terminal says that nobody writes to it any more
            for line in output:
                queue.put(line.rstrip("\n"))
        queue.put(None)

    threading.Thread(target=pump, daemon=True).start()
    while True:
        try:
            line = queue.get(timeout=patience)
        except Empty:
            return
        if line is None:
            process.wait()
            return
        yield line


_STACKS = {
    "the fabric controller": "fabric_stack_bytes",
    "the orchestrator": "orchestrator_stack_bytes",
    "a worker": "worker_stack_bytes",
}


def _check_stacks(run: Run) -> None:
    """Every stack has room for one more frame: one that has none may have run over its end."""
    for (who, field), left in zip(_STACKS.items(), run.stacks_left, strict=True):
        if left < _FRAME_BYTES:
            raise SimulatorError(
                f"{who} used all of its stack, and maybe more",
                f"raise reserved.{field} in the board file and build again",
            )


def _name(project: ProjectRun, layer: int) -> str:
    return project.names[layer] if layer < len(project.names) else f"layer {layer}"


def _where(project: ProjectRun, run: Run) -> str:
    if run.layer is None:
        return "before the first layer"
    if run.layer >= project.layers:
        return "after the last layer"
    return f"layer {run.layer} ({_name(project, run.layer)})"
