"""The lines that a program on the simulated chip prints, and what GVSoC says of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from edgecomp.simulators.program_lines import ProgramLines, words

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_INVALID = re.compile(
    r"(?:Invalid access \((?:pc: (0x[0-9a-f]+), )?offset|Invalid fetch request \(addr|"
    r"[Oo]ut-of-bound request \((?:reqAddr|addr)): (0x[0-9a-f]+)"
)
_CORE = re.compile(r"/cluster/pe(\d+)/|/(fc)/")
_CAUSES = {
    0: "misaligned jump",
    1: "fetch from nowhere",
    2: "illegal instruction",
    3: "breakpoint",
    4: "misaligned load",
    5: "load from nowhere",
    6: "misaligned store",
    7: "store to nowhere",
    11: "illegal instruction or system call",  # the model gives this number to both
}
_FABRIC = 32


@dataclass
class Run(ProgramLines):
    """What the program and the simulator have told so far. stacks_left: bytes never used."""

    stacks_left: tuple[int, ...] = ()

    def read(self, line: str, function: Callable[[int], str]) -> int | None:
        """Take one line in; the layer that it says is finished. ``function`` names an address."""
        line = _COLOUR.sub("", line)
        said = words(line)
        if said is None:
            self._read_simulator(line, function)
            return None
        match said:
            case ["stack", _, _, _]:
                self.stacks_left = tuple(int(each) for each in said[1:])
            case ["trap", hart, cause, pc, address]:
                self._trap(int(hart), int(cause), int(pc, 16), int(address, 16), function)
            case ["hang", layer, busy, task]:
                self._hang(int(layer), int(busy, 16), int(task, 16), function)
            case [kind, *fields]:
                return self.take(kind, fields)
        return None

    def _trap(
        self, hart: int, cause: int, pc: int, address: int, function: Callable[[int], str]
    ) -> None:
        what = _CAUSES.get(cause, f"cause {cause}")
        where = _at(pc, function)
        self.failure = f"{_core(hart)} stopped with an exception ({what}) at {where}"
        if address:
            self.failure += f", address 0x{address:08x}"

    def _hang(self, layer: int, busy: int, task: int, function: Callable[[int], str]) -> None:
        self.layer = layer
        cores = [str(core) for core in range(32) if busy >> core & 1]
        who = f"core {', '.join(cores)} did not return from" if cores else "no core was in"
        self.failure = f"the program hangs: {who} the last task, {_at(task, function)}"

    def _read_simulator(self, line: str, function: Callable[[int], str]) -> None:
        found = _INVALID.search(line)
        if found is None or self.failure:
            return
        core = _CORE.search(line)
        who = "a memory" if core is None else f"core {core[1]}" if core[1] else "the controller"
        at = f" at {_at(int(found[1], 16), function)}" if found[1] else ""
        self.failure = f"{who} was asked for address {found[2]}, where nothing is{at}"


def _core(hart: int) -> str:
    return f"core {hart}" if hart < _FABRIC else "the fabric controller"


def _at(address: int, function: Callable[[int], str]) -> str:
    name = function(address)
    return f"0x{address:08x}" + (f" ({name})" if name else "")
