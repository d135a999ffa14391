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

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "runtime_c" / "kernels"
DEVICE = Path(__file__).parent / "device"
ARENA = 0x10004800
ARENA_BYTES = 0x10020000 - ARENA
ANSWER_SECONDS = 120.0
FLAGS = ["-O2", "-ffreestanding", "-fomit-frame-pointer", "-nostdlib", "-nostartfiles"]
WARNINGS = ["-std=gnu99", "-Wall", "-Wextra", "-Werror"]
MARCH = ["-march=rv32imc_zicsr", "-mabi=ilp32"]
COMPILERS = {
    "gcc": ["riscv64-unknown-elf-gcc", *MARCH],
    "clang": ["clang-19", "--target=riscv32-unknown-elf", *MARCH, "-fuse-ld=lld"],
}


class DeviceError(Exception):
    """The simulator or the cross compiler is absent or failed."""


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
    for body, name in re.findall(r"typedef struct \{(.*?)\} ec_(\w+)_args;", text, flags=re.S):
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


def find_gvsoc() -> Path:
    """The ``gvsoc`` command: below EDGECOMP_GVSOC (installation folder), then on PATH."""
    folder = os.environ.get("EDGECOMP_GVSOC")
    command = Path(folder) / "bin" / "gvsoc" if folder else None
    if command is None:
        found = shutil.which("gvsoc")
        command = Path(found) if found else None
    if command is None or not command.exists():
        raise DeviceError("no GVSoC: set EDGECOMP_GVSOC to its installation folder")
    return command


def build(folder: Path, compiler: str = "gcc", implementation: str = "xpulp") -> Path:
    """The server with ``implementation``'s kernels, or the reference where it has none."""
    command = COMPILERS[compiler]
    if not shutil.which(command[0]):
        raise DeviceError(f"no cross compiler {command[0]}")
    names = sorted(parse_structs((KERNELS / "include" / "edgecomp_kernels.h").read_text()))
    entries = "".join(f"    (kernel *)ec_{name},\n" for name in names)
    listing = f"static kernel *const kernels[] = {{\n{entries}}};\n"
    (folder / "kernel_list.h").write_text(listing)
    sources = {p.name: p for p in (KERNELS / "reference").glob("*.c")}
    sources |= {p.name: p for p in (KERNELS / implementation).glob("*.c")}
    elf = folder / "kernels.elf"
    includes = [f"-I{p}" for p in (KERNELS / "include", KERNELS / "reference", folder)]
    files = [DEVICE / "boot.S", DEVICE / "driver.c", *sorted(sources.values())]
    quiet = ["-Wno-cast-function-type"]  # one type for all entries of the table
    link = ["-T", str(DEVICE / "link.ld"), _libgcc(), "-o", str(elf)]
    if compiler == "gcc":
        link.append("-Wl,--no-warn-rwx-segments")
    run([*command, *FLAGS, *WARNINGS, *quiet, *includes, *map(str, files), *link])
    return elf


def _libgcc() -> str:
    """GCC's 32-bit support library, which clang uses too."""
    flags = ["-march=rv32imc", "-mabi=ilp32", "-print-libgcc-file-name"]
    return run([COMPILERS["gcc"][0], *flags]).strip()


def run(command: list[str]) -> str:
    """Standard output of ``command``; ``DeviceError`` with its messages where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise DeviceError(f"{command[0]} failed:\n{done.stderr}")
    return done.stdout


class Device:
    """A running simulation. Use as a context manager."""

    def __init__(self, elf: Path, target: str = "gap9_like", target_dir: Path | None = None):
        self.structs = parse_structs((KERNELS / "include" / "edgecomp_kernels.h").read_text())
        self.ops = sorted(self.structs)
        self.folder = Path(tempfile.mkdtemp(prefix="kernels-"))
        for name in ("requests", "answers"):
            os.mkfifo(self.folder / name)
        self.requests = os.open(self.folder / "requests", os.O_RDWR)
        self.answers = os.open(self.folder / "answers", os.O_RDWR | os.O_NONBLOCK)
        options = [f"--target={target}", f"--work-dir={self.folder}", f"--binary={elf.resolve()}"]
        if target_dir is not None:
            options.append(f"--target-dir={target_dir}")
        self.log = self.folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(find_gvsoc()), *options, "run"],
                cwd=self.folder,
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
            raise DeviceError(f"{size} bytes do not fit L1")
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
                raise DeviceError("the simulated program does not answer")
        return bytes(data)

    def _alive(self) -> None:
        if self.process.poll() is not None:
            raise DeviceError(f"the simulation ended:\n{self.log.read_text()[-2000:]}")


@dataclass
class _Segment:
    """Host memory [start, start + size) at ``address`` of L1."""

    start: int
    size: int
    address: int
    view: np.ndarray


def _segments(arrays: Iterable[np.ndarray]) -> list[_Segment]:
    """The union of the arrays' memory, in words from the arena's start on."""
    views = [a.reshape(-1).view(np.uint8) for a in arrays if a.size]
    if not all(a.flags.c_contiguous for a in arrays):
        raise ValueError("arrays must be contiguous")
    segments: list[_Segment] = []
    address = ARENA
    for view in sorted(views, key=lambda v: (v.ctypes.data, -v.size)):
        start = view.ctypes.data
        if segments and start < segments[-1].start + segments[-1].size:
            if start + view.size > segments[-1].start + segments[-1].size:
                raise ValueError("arrays overlap in part")
            continue
        segments.append(_Segment(start, view.size, address + start % 4, view))
        address = (segments[-1].address + view.size + 3) & ~3
    return segments


def _address(array: np.ndarray, segments: list[_Segment]) -> int:
    start = array.ctypes.data
    for segment in segments:
        if segment.start <= start < segment.start + segment.size:
            return segment.address + start - segment.start
    return ARENA
