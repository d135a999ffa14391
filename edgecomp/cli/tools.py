"""The tools that edgecomp uses, and whether this computer has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from edgecomp.errors import EdgecompError

if TYPE_CHECKING:
    from edgecomp.simulators.installation import Installation
    from edgecomp.targets import Gvsoc

_TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Tool:
    """A tool: detail is its place and version where it is; enables and how are for people.

    Not found, with a place: it is there, and cannot be used as it is.
    """

    name: str
    found: bool
    required: bool
    detail: str
    enables: str
    how: str


def inspect_tools() -> list[Tool]:
    """All tools, those that are required first."""
    return [_pytorch(), _compiler(), _sanitizers(), _gvsoc(), _riscv(), _sdk(), _gapy()]


def _pytorch() -> Tool:
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        version = ""
    return Tool(
        "PyTorch",
        bool(version),
        True,
        version,
        "building the encoders of the zoo",
        "python3 bootstrap.py demo installs the CPU build",
    )


def _compiler() -> Tool:
    compiler = _find_compiler()
    return Tool(
        "C compiler",
        compiler is not None,
        True,
        _describe(compiler) if compiler else "",
        "simulate --simulator host",
        "install gcc or clang with the system's packages, or set CC",
    )


def _sanitizers() -> Tool:
    compiler = _find_compiler()
    works = compiler is not None and _compiles_with_sanitizers(compiler)
    return Tool(
        "sanitizers",
        works,
        False,
        "address, undefined behaviour" if works else "",
        "simulate --sanitize",
        "install the compiler's sanitizer libraries (libasan and libubsan, or compiler-rt)",
    )


def _gvsoc() -> Tool:
    from edgecomp.simulators.installation import find_installation

    enables = "simulate --simulator gvsoc: cycles of a simulated chip"
    place = ""
    try:
        found = find_installation()
        place = str(found.program)
        found.check_python()
    except EdgecompError as error:
        return Tool("GVSoC", False, False, place, enables, str(error).replace("\n", "; "))
    return Tool("GVSoC", True, False, f"{found.program}; {_simulated(found)}", enables, "")


def _simulated(found: Installation) -> str:
    """Which boards an installation can simulate, and what is in the way of the others."""
    from edgecomp.targets import board_names, load_board

    works, problems = [], []
    for board in map(load_board, board_names()):
        if board.gvsoc is None:
            continue
        try:
            found.check(board.gvsoc.models, board.gvsoc.target)
            note = _self_tested(found, board.gvsoc)
            works.append(f"{board.name}{note}")
        except EdgecompError as error:
            hint = f" ({error.hint})" if error.hint else ""
            problems.append(f"not {board.name}: {error.message}{hint}")
    return "; ".join([f"boards: {', '.join(works) or 'none'}", *problems])


def _self_tested(found: Installation, gvsoc: Gvsoc) -> str:
    """A remark where the models could not be tested; EdgecompError where they are wrong."""
    from edgecomp import resources
    from edgecomp.simulators import toolchain
    from edgecomp.simulators.selftest import Chip, check_models

    folder = resources.folder("boards") / "gvsoc" if gvsoc.description else None
    places = gvsoc.memory_map
    try:
        compiler = toolchain.find_toolchain()
    except EdgecompError:
        return " (not tested: no RISC-V compiler)" if gvsoc.models else ""
    check_models(found, Chip(gvsoc.target, gvsoc.models, folder, places.l1, places.l2), compiler)
    return ""


def _riscv() -> Tool:
    from edgecomp.simulators import toolchain

    enables = "simulate --simulator gvsoc"
    try:
        found = toolchain.find_toolchain()
    except EdgecompError:
        return Tool("RISC-V compiler", False, False, "", enables, toolchain.HOW)
    return Tool("RISC-V compiler", True, False, toolchain.describe(found), enables, "")


def _sdk() -> Tool:
    place = os.environ.get("GAP_SDK_HOME", "")
    return Tool(
        "vendor SDK",
        bool(place) and Path(place).is_dir(),
        False,
        place,
        "flash: building for a real board",
        "get the GAP9 SDK from the chip's vendor and source its set-up file (GAP_SDK_HOME)",
    )


def _gapy() -> Tool:
    return _program(
        "gapy",
        ["gapy"],
        "flash: writing a board",
        "part of the vendor SDK: source its set-up file",
    )


def _program(name: str, candidates: list[str], enables: str, how: str) -> Tool:
    found = next((path for each in candidates if each and (path := shutil.which(each))), None)
    return Tool(name, found is not None, False, _describe(found) if found else "", enables, how)


def _find_compiler() -> str | None:
    from edgecomp.simulators.host import find_compiler

    try:
        return find_compiler()[0]
    except EdgecompError:
        return None


def _describe(program: str) -> str:
    """The program and the first line that `--version` prints."""
    done = _run([program, "--version"])
    lines = done.stdout.splitlines() if done is not None and done.returncode == 0 else []
    return f"{program}, {lines[0].strip()}" if lines else program


def _compiles_with_sanitizers(compiler: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="edgecomp-") as folder:
        source, program = Path(folder, "empty.c"), Path(folder, "empty")
        source.write_text("int main(void) { return 0; }\n")
        flags = ["-fsanitize=address,undefined"]
        compiled = _run([compiler, *flags, str(source), "-o", str(program)])
        if compiled is None or compiled.returncode:
            return False
        ran = _run([str(program)])
        return ran is not None and ran.returncode == 0


def _run(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
