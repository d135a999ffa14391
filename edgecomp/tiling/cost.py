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

STEP_CYCLES = 60.0
"""Cycles the orchestrating core spends on loop control and stream bookkeeping per step.

A planning figure: about 40 instructions of generated code."""


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
    moved = 0
    for operand in program.operands:
        cycles, bytes_moved = _transfer_cycles(program, operand, board)
        moved += bytes_moved
        if operand.buffers == 1:
            exposed += cycles
        elif operand.direction == "in":
            prologue += cycles[0]
            beside[:-1] += cycles[1:]
        else:
            beside[1:] += cycles[:-1]
            epilogue += cycles[-1]
    overhead = STEP_CYCLES * program.steps
    waits = np.maximum(beside - compute, 0.0) + exposed
    exposed_dma = prologue + float(waits.sum()) + epilogue
    busy = float(compute.sum())
    return Cost(busy + exposed_dma + overhead, busy, exposed_dma, overhead, moved)


def _call_cycles(program: TileProgram, call: Call, board: Board) -> np.ndarray:
    rate = board.kernels[call.kernel]
    cycles = np.full(program.steps, rate.cycles_per_call)
    cycles += program.at_steps(call.rows) * rate.cycles_per_row
    cycles += program.at_steps(call.elements) * rate.cycles_per_element
    if rate.macs_per_cycle is not None:
        cycles += program.at_steps(call.macs) / rate.macs_per_cycle
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
    transfer = board.transfers.l2_l1
    lines = program.at_steps(region.planes) * program.at_steps(region.rows)
    length = program.at_steps(region.length)
    cycles = program.at_steps(region.planes) * transfer.cycles_per_transfer
    cycles = cycles + lines * np.ceil(length / transfer.bytes_per_cycle)
    cycles *= board.clocks.cluster_hz / board.clocks.hz(transfer.clock)
    cycles = np.where(changes, cycles, 0.0)
    return cycles, int(np.where(changes, lines * length, 0).sum())
