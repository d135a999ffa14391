"""How much of L2 the layers' functions and tables take: an estimate, before anything is compiled.

The parts of a function's text are counted, and each kind takes so many bytes of RISC-V code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from edgecomp.codegen.layer import layer_function
from edgecomp.codegen.sharing import share
from edgecomp.tiling.program import TileProgram


@dataclass(frozen=True)
class Kind:
    """Parts of a layer function that ``pattern`` finds, and the bytes of code for each."""

    pattern: str
    bytes: float


KINDS: Mapping[str, Kind] = {
    "function": Kind(r"ec_hal_l1_close\(", 22.6),
    "buffer": Kind(r"ec_stream_(?:open|fill)\(", 16.4),
    "transfer": Kind(r"ec_stream_(?:load|store)\w*\(", 29.7),
    "call": Kind(r"(?:start_\w+|ec_hal_fork)\(", 26.6),
    "field": Kind(r"(?m)^ +\.\w+ =", 3.3),
    "arithmetic": Kind(r" [-+*/] ", 1.1),
    "bound": Kind(r"EC_M(?:IN|AX)\(", 7.7),
    "count": Kind(r"EC_NEXT\(", 19.2),
    "handing on": Kind(r"(?m)^ +\w+_\d+ = ", 32.0),
}
"""Fitted by benchmarks/code_size.py to what GCC 12 makes of the functions with -Os."""

MARGIN = 1.1
"""Code that is planned for each byte estimated: compilers differ, and so do estimates."""

_ROW_BYTES = 40
_NUMBER_BYTES = 4


def layers_bytes(programs: Sequence[TileProgram]) -> int:
    """L2 to set aside for the code and tables of layers that run ``programs``.

    Addresses are taken to differ from layer to layer, since they are not yet known.
    """
    bodies = []
    unknown = 0
    for program in programs:
        count = len(program.operands)
        bodies.append(layer_function(program, range(unknown, unknown + count)))
        unknown += count
    functions = share(bodies)
    numbers = sum(each.parameters * len(each.users) for each in functions)
    code = MARGIN * sum(function_bytes(each.text) for each in functions)
    return round(code) + _NUMBER_BYTES * numbers + _ROW_BYTES * len(programs)


def function_bytes(text: str) -> float:
    """Bytes of code of one function, an estimate: within 20 % for nearly all of them."""
    return sum(kind.bytes * len(_compiled(kind.pattern).findall(text)) for kind in KINDS.values())


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
