"""The C compiler for the simulated chip: GCC or clang for bare-metal RISC-V."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecomp.simulators.common import SimulatorError

VARIABLE = "EDGECOMP_RISCV_CC"
HOW = (
    "install gcc-riscv64-unknown-elf (Debian, Ubuntu), or clang and lld, or, without root, "
    f"`pip install ziglang`; {VARIABLE} names another compiler"
)

_ARCHITECTURE = ["-march=rv32imc_zicsr", "-mabi=ilp32"]
_COMMON = ["-std=c11", "-O2", "-ffreestanding", "-ffunction-sections", "-fdata-sections"]
_LINK = ["-nostdlib", "-Wl,--gc-sections"]
_GCC = [*_ARCHITECTURE, "-flto", "-fno-tree-loop-distribute-patterns", "-Wl,--no-warn-rwx-segments"]
_CLANG = ["--target=riscv32-unknown-elf", *_ARCHITECTURE, "-flto"]
_ZIG = ["-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+i+m+c+zicsr", "-mabi=ilp32"]
_NEWEST_CLANG = 25
_OLDEST_CLANG = 16


@dataclass(frozen=True)
class Toolchain:
    """A compiler driver with the options for the chip."""

    name: str
    command: tuple[str, ...]
    options: tuple[str, ...]

    def compile(self, sources: Sequence[Path], includes: Sequence[Path], script: Path) -> list[str]:
        """The command that compiles and links ``sources`` with a linker script; add ``-o``."""
        folders = [f"-I{folder}" for folder in includes]
        files = [str(source) for source in sources]
        options = [*self.options, *_COMMON, *_LINK, "-T", str(script)]
        return [*self.command, *options, *folders, *files]


def find_toolchain() -> Toolchain:
    """The compiler of EDGECOMP_RISCV_CC, else the first one of those known that is there.

    SimulatorError, with how to get one, where there is none.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return _named(named)
    for toolchain in _known():
        return toolchain
    raise SimulatorError("no C compiler for RISC-V found", HOW)


def describe(toolchain: Toolchain) -> str:
    """The program and the first line that it says of its version."""
    command = " ".join(toolchain.command)
    try:
        done = subprocess.run(
            [*toolchain.command, "--version"], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return command
    lines = done.stdout.splitlines()
    return f"{command}, {lines[0].strip()}" if lines else command


def _named(text: str) -> Toolchain:
    command = shlex.split(text)
    if not command or shutil.which(command[0]) is None:
        raise SimulatorError(f"{VARIABLE} names {text}, which is not there", HOW)
    name = Path(command[0]).name
    if "ziglang" in command or name == "zig":
        return Toolchain("zig", tuple(command), tuple(_ZIG))
    if "clang" in name:
        return Toolchain("clang", tuple(command), (*_CLANG, _linker(name)))
    return Toolchain("gcc", tuple(command), tuple(_GCC))


def _linker(clang: str) -> str:
    """The option for the lld of the same version as a clang."""
    suffix = clang.rpartition("clang")[2]
    return f"-fuse-ld=lld{suffix if shutil.which(f'ld.lld{suffix}') else ''}"


def _known() -> Iterator[Toolchain]:
    for name in ("riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv-none-elf-gcc"):
        if shutil.which(name):
            yield Toolchain("gcc", (name,), tuple(_GCC))
    versions = range(_NEWEST_CLANG, _OLDEST_CLANG - 1, -1)
    for suffix in ["", *(f"-{version}" for version in versions)]:
        if shutil.which(f"clang{suffix}") and shutil.which(f"ld.lld{suffix}"):
            name = f"clang{suffix}"
            yield Toolchain("clang", (name,), (*_CLANG, _linker(name)))
    if importlib.util.find_spec("ziglang"):
        yield Toolchain("zig", (sys.executable, "-m", "ziglang", "cc"), tuple(_ZIG))
