"""Kernel calls on the simulated chip: one GVSoC process that answers requests through pipes."""

from __future__ import annotations

import os
import re
import select
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecomp.simulators.common import SimulatorError
from edgecomp.simulators.installation import find_installation
from edgecomp.simulators.toolchain import Toolchain, find_toolchain

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "runtime_c" / "kernels"
HAL = ROOT / "runtime_c" / "hal"
LIBC = HAL / "gvsoc" / "libc"
CHIP = Path(__file__).parent / "chip"
ARENA = 0x10004800
ARENA_BYTES = 0x10020000 - ARENA
ANSWER_SECONDS = 120.0
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
TARGET = "gap9_gvsoc"


class TooLargeError(SimulatorError):
    """The operands of a call do not fit L1."""


@dataclass(frozen=True)
class Counters:
    """Cycles until the slowest core is done; the others are core 0's."""

    cycles: int
    instructions: int
    load_stalls: int
    cache_misses: int


@dataclass(frozen=True)
class Field:
    """A member of an argument structure: ``count`` 32-bit words."""

    name: str
    count: int
    pointer: bool


def parse_structs(header: str) -> dict[str, list[Field]]:
    """The argument structures of the kernel header; every member has 32-bit words there."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    structs = {}
    for body, name in re.findall(r"typedef struct \{([^}]*)\} ec_(\w+)_args;", text, flags=re.S):
        items = [
            item.strip()
            for _, names in re.findall(r"(?:const )?(\w+)\s+([^;]+);", body)
            for item in names.split(",")
        ]
        structs[name] = [_field(item) for item in items]
    return structs


def _field(item: str) -> Field:
    array = re.fullmatch(r"(\w+)\[(\d+)\]", item)
    if array:
        return Field(array[1], int(array[2]), False)
    return Field(item.lstrip("*"), 1, item.startswith("*"))


def build(folder: Path, implementation: str = "xpulp", toolchain: Toolchain | None = None) -> Path:
    """The server with ``implementation``'s kernels, or the reference where it has none.

    Compiled as ``edgecomp simulate`` compiles a project. SimulatorError without a compiler.
    """
    toolchain = toolchain or find_toolchain()
    (folder / "kernel_list.h").write_text(_kernel_list())
    sources = {p.name: p for p in (KERNELS / "reference").glob("*.c")}
    sources |= {p.name: p for p in (KERNELS / implementation).glob("*.c")}
    sources |= {p.name: p for p in (KERNELS / "ne16").glob("*.c")}
    engine = [HAL / "common" / "ne16.c", HAL / "gvsoc" / "ne16_watch.c"]
    chip = [CHIP / "boot.S", CHIP / "driver.c", LIBC / "libc.c", *engine]
    files = [*chip, *sorted(sources.values())]
    includes = [KERNELS / "include", HAL / "include", HAL / "common", HAL / "gvsoc", LIBC, folder]
    command = toolchain.compile(files, includes, CHIP / "link.ld")
    elf = folder / "kernels.elf"
    quiet = ["-Wno-cast-function-type"]  # one type for all entries of the table
    done = subprocess.run(
        [*command, *WARNINGS, *quiet, "-o", str(elf)], capture_output=True, text=True
    )
    if done.returncode:
        raise SimulatorError(f"the kernels do not compile:\n{done.stderr}")
    return elf


def all_structs() -> dict[str, list[Field]]:
    """The argument structures of kernels and of jobs."""
    headers = (KERNELS / "include" / name for name in ("edgecomp_kernels.h", "edgecomp_ne16.h"))
    return {name: fields for h in headers for name, fields in parse_structs(h.read_text()).items()}


def job_as_kernel(name: str, run: str) -> str:
    """C text of ``run_<name>``, which does a job of NE16 as if it were a kernel of one core.

    ``run`` starts the job ``&job`` and waits for it.
    """
    return (
        f"void run_{name}(const void *args, uint32_t core, uint32_t cores);\n"
        f"void run_{name}(const void *args, uint32_t core, uint32_t cores)\n{{\n"
        f"    ec_ne16_job job;\n    (void)cores;\n    if (core != 0) {{\n        return;\n    }}\n"
        f"    ec_{name}(args, &job);\n    {run}\n}}\n"
    )


def _kernel_list() -> str:
    jobs = parse_structs((KERNELS / "include" / "edgecomp_ne16.h").read_text())
    run = "ec_hal_ne16_wait(ec_hal_ne16_start(&job));"
    wrappers = "".join(job_as_kernel(name, run) for name in sorted(jobs))
    names = (f"{'run' if name in jobs else 'ec'}_{name}" for name in sorted(all_structs()))
    entries = "".join(f"    (kernel *){name},\n" for name in names)
    listing = f"static kernel *const kernels[] = {{\n{entries}}};\n"
    return f'#include "edgecomp_hal.h"\n{wrappers}{listing}'


class Device:
    """A running simulation. Use as a context manager."""

    def __init__(self, elf: Path) -> None:
        installation = find_installation()
        self.structs = all_structs()
        self.ops = sorted(self.structs)
        self.folder = Path(tempfile.mkdtemp(prefix="kernels-"))
        for name in ("requests", "answers"):
            os.mkfifo(self.folder / name)
        self.requests = os.open(self.folder / "requests", os.O_RDWR)
        self.answers = os.open(self.folder / "answers", os.O_RDWR | os.O_NONBLOCK)
        options = [f"--target={TARGET}", f"--target-dir={ROOT / 'boards' / 'gvsoc'}"]
        options += [f"--work-dir={self.folder}", f"--binary={elf.resolve()}"]
        self.log = self.folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(installation.program), *options, "run"],
                cwd=self.folder,
                env=installation.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ask the program to leave; end the simulation where it does not."""
        if self.process.poll() is None:
            os.write(self.requests, struct.pack("<iIII", -1, 0, 0, 0))
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, 15)
        os.close(self.requests)
        os.close(self.answers)
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(
        self,
        op: str,
        cores: int,
        arrays: Mapping[str, np.ndarray],
        scalars: Mapping[str, int | tuple[int, ...]],
    ) -> Counters:
        """``ec_<op>`` on ``cores`` cores with ``arrays`` in L1; arrays are updated in place.

        Arrays that share memory here share it there. Absent fields are 0 or NULL.
        """
        segments = _segments(arrays.values())
        arguments = self._arguments(op, arrays, scalars, segments)
        size = segments[-1].address + segments[-1].size - ARENA if segments else 0
        if size > ARENA_BYTES:
            raise TooLargeError(f"{size} bytes do not fit L1")
        image = bytearray(size)
        for segment in segments:
            at = segment.address - ARENA
            image[at : at + segment.size] = segment.view.tobytes()
        head = struct.pack("<iIII", self.ops.index(op), cores, len(arguments), len(image))
        self._send(head + arguments + bytes(image))
        counters = Counters(*struct.unpack("<IIII", self._receive(16)))
        result = self._receive(len(image))
        for segment in segments:
            at = segment.address - ARENA
            segment.view[:] = np.frombuffer(result[at : at + segment.size], np.uint8)
        return counters

    def _arguments(
        self,
        op: str,
        arrays: Mapping[str, np.ndarray],
        scalars: Mapping[str, int | tuple[int, ...]],
        segments: list[_Segment],
    ) -> bytes:
        words: list[int] = []
        for field in self.structs[op]:
            if field.pointer:
                array = arrays.get(field.name)
                words.append(0 if array is None else _address(array, segments))
                continue
            value = scalars.get(field.name, (0,) * field.count)
            words += value if isinstance(value, tuple) else [value]
        return struct.pack(f"<{len(words)}I", *(w & 0xFFFFFFFF for w in words))

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._alive()
            _, ready, _ = select.select([], [self.requests], [], 1.0)
            if ready:
                view = view[os.write(self.requests, view[:4096]) :]

    def _receive(self, size: int) -> bytes:
        data = bytearray()
        end = time.monotonic() + ANSWER_SECONDS
        while len(data) < size:
            ready, _, _ = select.select([self.answers], [], [], 0.5)
            if ready:
                data += os.read(self.answers, size - len(data))
                continue
            self._alive()
            if time.monotonic() > end:
                raise SimulatorError("the simulated program does not answer")
        return bytes(data)

    def _alive(self) -> None:
        if self.process.poll() is not None:
            raise SimulatorError(f"the simulation ended:\n{self.log.read_text()[-2000:]}")


@dataclass
class _Segment:
    """Host memory [start, start + size) at ``address`` of L1."""

    start: int
    size: int
    address: int
    view: np.ndarray


def _segments(arrays: Iterable[np.ndarray]) -> list[_Segment]:
    """The union of the arrays' memory, from the arena's start on."""
    views = [a.reshape(-1).view(np.uint8) for a in arrays if a.size]
    if not all(a.flags.c_contiguous for a in arrays):
        raise ValueError("arrays must be contiguous")
    segments: list[_Segment] = []
    for view in sorted(views, key=lambda v: (v.ctypes.data, -v.size)):
        start = view.ctypes.data
        if segments and start < segments[-1].start + segments[-1].size:
            if start + view.size > segments[-1].start + segments[-1].size:
                raise ValueError("arrays overlap in part")
            continue
        segments.append(_Segment(start, view.size, 0, view))
    return _placed(segments, [view.ctypes.data for view in views])


def _placed(segments: list[_Segment], order: list[int]) -> list[_Segment]:
    """Addresses in the order of the arrays, so that the same call finds the same banks."""
    first = {s.start: next(i for i, at in enumerate(order) if at == s.start) for s in segments}
    address = ARENA
    for segment in sorted(segments, key=lambda s: first[s.start]):
        segment.address = address + segment.start % 4
        address = (segment.address + segment.size + 3) & ~3
    return sorted(segments, key=lambda s: s.address)


def _address(array: np.ndarray, segments: list[_Segment]) -> int:
    start = array.ctypes.data
    for segment in segments:
        if segment.start <= start < segment.start + segment.size:
            return segment.address + start - segment.start
    return ARENA
