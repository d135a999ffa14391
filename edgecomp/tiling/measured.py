"""Cycles that tile programs were measured to take, for the choice of tiles.

``boards/measured/<board>.json`` holds them; ``benchmarks/tiling.py`` writes it. They are of one
chip and one set of kernels: of another they say nothing, and are not used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from edgecomp import resources
from edgecomp.targets import Board
from edgecomp.tiling.program import Operand, Scalar, TileProgram

_CHIP = {"cores", "memories", "clocks", "gvsoc"}
_SOURCES = ("src", "include", "hal/include", "hal/common", "hal/gvsoc", "kernels/include")
_TEMPLATE = "firmware/layer.c.j2"


@dataclass(frozen=True)
class Measurements:
    """Measured cycles by fingerprint of the program, without waits for weights from L3."""

    cycles_of: Mapping[str, float] = field(default_factory=dict)

    def cycles(self, program: TileProgram) -> float | None:
        """What ``program`` took; None where it was not measured."""
        return self.cycles_of.get(fingerprint(program)) if self.cycles_of else None


def measurements_file(board: Board) -> Path:
    """Where the measurements of a board are."""
    return resources.folder("boards") / "measured" / f"{board.name}.json"


def load_measurements(board: Board, path: Path | None = None) -> Measurements:
    """Those of ``board``'s chip with today's kernels; none where the file is of others."""
    path = path or measurements_file(board)
    if not path.is_file():
        return Measurements()
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["chip"] != chip_fingerprint(board):
        return Measurements()
    return Measurements({each["program"]: each["cycles"] for each in content["programs"]})


def fingerprint(program: TileProgram) -> str:
    """Equal for programs that differ in the values of tensors and scalars only."""
    parts = [repr(program.loops), repr(program.scratch)]
    parts += [_operand(operand) for operand in program.operands]
    for call in program.calls:
        kept = {k: v for k, v in call.arguments.items() if not isinstance(v, Scalar)}
        parts.append(repr(replace(call, arguments=kept)))
    return _digest("\n".join(parts).encode())


def chip_fingerprint(board: Board) -> str:
    """Of everything that measured cycles depend on: the chip, the kernels, the generated code."""
    runtime = resources.folder("runtime_c")
    kernels = [f"kernels/{name}" for name in (board.gvsoc.kernels if board.gvsoc else [])]
    paths = [p for part in (*_SOURCES, *kernels) for p in sorted((runtime / part).glob("*.[chS]"))]
    paths.append(resources.folder("templates") / _TEMPLATE)
    if board.gvsoc and board.gvsoc.description:
        paths.append(resources.folder("boards") / "gvsoc" / board.gvsoc.description)
    chip = json.dumps(board.model_dump(mode="json", include=_CHIP), sort_keys=True)
    return _digest(chip.encode(), *(path.read_bytes() for path in paths))


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
