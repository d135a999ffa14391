"""Cycles that tile programs were measured to take, for the choice of tiles.

``boards/measured/<board>.json`` holds them; ``benchmarks/tiling.py`` writes it. They are of one
chip and of the kernels as they were: of another chip or changed kernels they say nothing, and are
not used.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path

from edgecomp import resources
from edgecomp.targets import Board
from edgecomp.tiling.program import Call, Operand, Scalar, TileProgram

_CHIP = {"cores", "memories", "clocks", "gvsoc"}
_SOURCES = ("src", "include", "hal/include", "hal/common", "hal/gvsoc")
_TEMPLATES = "firmware/layer*.j2"
_INCLUDE = re.compile(r'#include "(\w+\.h)"')


@dataclass(frozen=True)
class Measurements:
    """Cycles by `fingerprint` of programs on ``board``, without waits for weights from L3."""

    board: Board
    cycles_of: Mapping[str, float] = field(default_factory=dict)

    def cycles(self, program: TileProgram) -> float | None:
        """What ``program`` took; None where it was not measured."""
        return self.cycles_of.get(fingerprint(program, self.board)) if self.cycles_of else None


def measurements_file(board: Board) -> Path:
    """Where the measurements of a board are."""
    return resources.folder("boards") / "measured" / f"{board.name}.json"


def load_measurements(board: Board, path: Path | None = None) -> Measurements:
    """Those of ``board``'s chip; none where the file is of another one."""
    path = path or measurements_file(board)
    if not path.is_file():
        return Measurements(board)
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["chip"] != chip_fingerprint(board):
        return Measurements(board)
    programs = {each["program"]: each["cycles"] for each in content["programs"]}
    return Measurements(board, programs)


def fingerprint(program: TileProgram, board: Board) -> str:
    """Equal for programs that differ in the values of tensors and scalars only.

    The sources of the kernels that ``board`` gives the program are part of it.
    """
    parts = [repr(program.loops), repr(program.scratch)]
    parts += [_operand(operand) for operand in program.operands]
    for call in program.calls:
        kept = {k: v for k, v in call.arguments.items() if not isinstance(v, Scalar)}
        parts.append(repr(replace(call, arguments=kept)))
        parts.append(_kernel(call.kernel, _folders(call, board)))
    return _digest("\n".join(parts).encode())


def chip_fingerprint(board: Board) -> str:
    """Of what all measured cycles depend on beside kernels: the chip, HAL and generated code."""
    runtime = resources.folder("runtime_c")
    paths = [p for part in _SOURCES for p in sorted((runtime / part).glob("*.[chS]"))]
    paths += sorted(resources.folder("templates").glob(_TEMPLATES))
    if board.gvsoc and board.gvsoc.description:
        paths.append(resources.folder("boards") / "gvsoc" / board.gvsoc.description)
    chip = json.dumps(board.model_dump(mode="json", include=_CHIP), sort_keys=True)
    return _digest(chip.encode(), *(_code(path).encode() for path in paths))


def _code(path: Path) -> str:
    """The text without comments and indentation, which change no cycle."""
    bare = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(bare.split())


def _folders(call: Call, board: Board) -> tuple[str, ...]:
    """The folders of kernels in which ``call``'s is looked for, the preferred one first."""
    if call.engine == "ne16":
        return ("ne16",)
    return tuple(board.gvsoc.kernels) if board.gvsoc else ()


@lru_cache
def _kernel(name: str, folders: tuple[str, ...]) -> str:
    """Of the kernel's source and the headers beside it that it includes; empty without one."""
    kernels = resources.folder("runtime_c") / "kernels"
    sources = (kernels / folder / f"{name}.c" for folder in folders)
    source = next((path for path in sources if path.is_file()), None)
    return "" if source is None else _digest(*(p.read_bytes() for p in _with_headers(source)))


def _with_headers(source: Path) -> list[Path]:
    found, pending = [], [source]
    while pending:
        path = pending.pop()
        found.append(path)
        included = (path.parent / name for name in _INCLUDE.findall(path.read_text()))
        pending += [each for each in included if each.is_file() and each not in found]
    return found


def _operand(operand: Operand) -> str:
    value = operand.value
    kind = f"{value.type.dtype.name} {value.shape} {value.is_constant}"
    rest = {f.name: getattr(operand, f.name) for f in fields(operand) if f.name != "value"}
    return f"{kind} {rest!r}"


def _digest(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(hashlib.sha256(part).digest())
    return found.hexdigest()[:16]
