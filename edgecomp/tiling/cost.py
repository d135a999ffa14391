"""The cost of a tile program: the cluster cycles of one layer, an estimate.

Compute and transfers overlap where an operand has two buffers: a step takes the longer of its
kernels and of the transfers that run beside them. Transfers of operands with one buffer are
exposed. The rates come from the board description.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgecomp.targets import Board
from edgecomp.tiling.program import Call, Operand, TileProgram


@dataclass(frozen=True)
class Cost:
    """Where the cycles of a layer go; ``total`` is what the layer takes from start to end."""

    total: float
    compute: float
    exposed_dma: float
    overhead: float
    bytes_moved: int


def estimate(program: TileProgram, board: Board) -> Cost:
    """Cycles of ``program`` on ``board``'s cluster, with weights already in L2."""
    compute = np.zeros(program.steps)
    for call in program.calls:
        compute += _call_cycles(program, call, board)
    beside = np.zeros(program.steps)
    exposed = np.zeros(program.steps)
    prologue = epilogue = 0.0
    moved = transfers = 0
    for operand in program.operands:
        cycles, bytes_moved = _transfer_cycles(program, operand, board)
        moved += bytes_moved
        transfers += int(np.count_nonzero(cycles))
        if operand.buffers == 1:
            exposed += cycles
        elif operand.direction == "in":
            prologue += cycles[0]
            beside[:-1] += cycles[1:]
        else:
            beside[1:] += cycles[:-1]
            epilogue += cycles[-1]
    overhead = board.orchestration.cycles_per_step * program.steps
    overhead += board.orchestration.cycles_per_transfer * transfers
    waits = np.maximum(beside - compute, 0.0) + exposed
    exposed_dma = prologue + float(waits.sum()) + epilogue
    busy = float(compute.sum())
    return Cost(busy + exposed_dma + overhead, busy, exposed_dma, overhead, moved)


def _call_cycles(program: TileProgram, call: Call, board: Board) -> np.ndarray:
    cycles = np.array(
        board.kernels[call.kernel].cycles(
            elements=program.at_steps(call.elements),
            macs=program.at_steps(call.macs),
            rows=program.at_steps(call.rows),
            cores=board.cores.workers,
        )
    )
    for index, value in call.when:
        cycles[program.at_steps(index) != value] = 0.0
    return cycles


def _transfer_cycles(
    program: TileProgram, operand: Operand, board: Board
) -> tuple[np.ndarray, int]:
    """Cycles per step and the bytes moved in all.

    A load counts at the step that first needs the tile, a store at the last one that fills it.
    """
    keys = program.at_steps(operand.key)
    changes = np.ones(program.steps, dtype=bool)
    if operand.direction == "in":
        changes[1:] = keys[1:] != keys[:-1]
    else:
        changes[:-1] = keys[1:] != keys[:-1]
    region = operand.region
    planes = program.at_steps(region.planes)
    rows = program.at_steps(region.rows)
    length = program.at_steps(region.length)
    cycles = np.where(changes, board.l2_l1_cycles(length, rows, planes), 0.0)
    return cycles, int(np.where(changes, planes * rows * length, 0).sum())
