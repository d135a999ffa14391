"""The cost of a tile program: the cluster cycles of one layer, an estimate.

Engines and transfers work side by side in a slot (`schedule.py`): it takes as long as the cores
with what the orchestrator does around their kernels, or as the accelerator, or as the transfers.
Transfers of operands with one buffer are exposed. The rates come from the board description.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgecomp.targets import Board
from edgecomp.tiling.program import Call, Operand, TileProgram


@dataclass(frozen=True)
class Cost:
    """Where the cycles of a layer go, as a simulator counts them (docs/gvsoc.md).

    ``total`` is what the layer takes from start to end: ``compute``, what the cores work,
    ``exposed_dma`` and ``exposed_ne16``, what is waited for transfers and for the accelerator, and
    ``overhead``. ``ne16`` is what the accelerator works, beside all of these, and ``dma`` what the
    transfers take.
    """

    total: float
    compute: float
    exposed_dma: float
    exposed_ne16: float
    overhead: float
    ne16: float
    dma: float
    bytes_moved: int


def estimate(program: TileProgram, board: Board) -> Cost:
    """Cycles of ``program`` on ``board``'s cluster, with weights already in L2."""
    schedule = program.schedule
    cores = np.zeros(schedule.slots)
    ne16 = np.zeros(schedule.slots)
    for call in program.calls:
        busy = cores if call.engine == "cluster" else ne16
        busy[call.lag : call.lag + program.steps] += _call_cycles(program, call, board)
    transfers = _Transfers(program, board)
    overhead = board.orchestration.cycles_per_step + (
        board.orchestration.cycles_per_transfer * transfers.started
    )
    disturbed = ne16 + _lost(ne16, cores, transfers.beside, board)
    waits = np.maximum(transfers.beside - np.maximum(cores, disturbed), 0.0) + transfers.exposed
    exposed_dma = transfers.before + float(waits.sum()) + transfers.after
    own = cores + overhead
    return Cost(
        float(np.maximum(own, disturbed).sum()) + exposed_dma,
        float(cores.sum()),
        exposed_dma,
        float(np.maximum(disturbed - own, 0.0).sum()),
        float(overhead.sum()),
        float(disturbed.sum()),
        transfers.cycles,
        transfers.bytes,
    )


def _lost(ne16: np.ndarray, cores: np.ndarray, moving: np.ndarray, board: Board) -> np.ndarray:
    """What the accelerator loses in every slot to those that use L1 beside it."""
    if board.ne16 is None:
        return np.zeros_like(ne16)
    by_cores = np.minimum(cores, ne16) * board.ne16.lost_beside_cores
    by_dma = np.minimum(moving, ne16) * board.ne16.lost_beside_dma
    return np.asarray(by_cores + by_dma)


class _Transfers:
    """What is moved in every slot: cycles ``beside`` the engines and ``exposed`` ones.

    ``before`` and ``after`` are cycles before the first slot and after the last one; ``started``
    counts the transfers of each slot. ``cycles`` are all of them, exposed or not.
    """

    def __init__(self, program: TileProgram, board: Board) -> None:
        self._program, self._board = program, board
        slots = program.schedule.slots
        self.beside, self.exposed, self.started = (np.zeros(slots) for _ in range(3))
        self.before = self.after = self.cycles = 0.0
        self.bytes = 0
        for operand in program.operands:
            self._add(operand)

    def _add(self, operand: Operand) -> None:
        program = self._program
        steps, cycles, moved = _transfers(program, operand, self._board)
        self.bytes += moved
        self.cycles += float(cycles.sum())
        if operand.direction == "in":
            slots = steps + program.schedule.first_lag(operand.name)
            np.add.at(self.started, slots, 1)
            if operand.buffers == 1:
                np.add.at(self.exposed, slots, cycles)
                return
            ahead = slots - 1
        else:
            slots = steps + program.schedule.store_lag(operand)
            np.add.at(self.started, slots, 1)
            if operand.buffers == 1:
                np.add.at(self.exposed, slots, cycles)
                return
            ahead = slots + (0 if program.schedule.stored_early(operand) else 1)
        inside = (ahead >= 0) & (ahead < len(self.beside))
        np.add.at(self.beside, ahead[inside], cycles[inside])
        self.before += float(cycles[ahead < 0].sum())
        self.after += float(cycles[ahead >= len(self.beside)].sum())


def _call_cycles(program: TileProgram, call: Call, board: Board) -> np.ndarray:
    """Cycles of a call at every step."""
    cycles = np.array(
        board.kernels[call.rate or call.kernel].cycles(
            elements=program.at_steps(call.elements),
            macs=program.at_steps(call.macs),
            rows=program.at_steps(call.rows),
            cores=board.cores.workers if call.engine == "cluster" else 1,
        )
    )
    for index, value in call.when:
        cycles[program.at_steps(index) != value] = 0.0
    return cycles


def _transfers(
    program: TileProgram, operand: Operand, board: Board
) -> tuple[np.ndarray, np.ndarray, int]:
    """The steps with a transfer, its cycles there, and the bytes moved in all.

    A load counts at the step that first needs the tile, a store at the last one that fills it.
    """
    keys = program.at_steps(operand.key)
    changes = np.ones(program.steps, dtype=bool)
    if operand.direction == "in":
        changes[1:] = keys[1:] != keys[:-1]
    else:
        changes[:-1] = keys[1:] != keys[:-1]
    steps = np.flatnonzero(changes)
    region = operand.region
    planes = program.at_steps(region.planes)[steps]
    rows = program.at_steps(region.rows)[steps]
    length = program.at_steps(region.length)[steps]
    cycles = np.asarray(board.l2_l1_cycles(length, rows, planes), float)
    return steps, cycles, int((planes * rows * length).sum())
