"""What a build is for: a target (a chip) and a board (its memories, clocks, costs and power)."""

from edgecomp.targets.board import (
    Board,
    Clocks,
    Cores,
    Engine,
    GapSdk,
    Gvsoc,
    Memories,
    MemoryMap,
    Ne16,
    Power,
    Reserved,
    Transfer,
    Transfers,
)
from edgecomp.targets.engines import Engines, parse_engines, with_engines
from edgecomp.targets.load import BoardError, board_names, load_board
from edgecomp.targets.rates import KernelRate, KernelRates
from edgecomp.targets.target import Target, TargetError, board_for, load_target, target_names

__all__ = [
    "Board",
    "BoardError",
    "Clocks",
    "Cores",
    "Engine",
    "Engines",
    "GapSdk",
    "Gvsoc",
    "KernelRate",
    "KernelRates",
    "Memories",
    "MemoryMap",
    "Ne16",
    "Power",
    "Reserved",
    "Target",
    "TargetError",
    "Transfer",
    "Transfers",
    "board_for",
    "board_names",
    "load_board",
    "load_target",
    "parse_engines",
    "target_names",
    "with_engines",
]
