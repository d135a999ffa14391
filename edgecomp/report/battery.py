"""How long a battery lasts at a rate of windows: one sentence, an estimate."""

from __future__ import annotations

from edgecomp.report import figures
from edgecomp.report.schema import Report
from edgecomp.targets import Board

CELL_AMPERE_HOURS = 0.150
CELL_VOLTS = 3.7
"""The cell of the sentence: a small lithium cell, at its nominal voltage, all of it used."""

DEFAULT_PERIOD_SECONDS = 0.2


def battery(report: Report, board: Board, period: float = DEFAULT_PERIOD_SECONDS) -> str:
    """Duty cycle, average power and hours for one window every ``period`` seconds.

    Power is the board's average while running and asleep; front end, radio, regulators and the
    copy of the weights at the start are not in it.
    """
    every = f"one window every {_milliseconds(period)} ms"
    busy = report.latency.seconds
    if busy > period:
        return f"{every}: too often, a window takes {figures.seconds(busy)}"
    watts = board.power.average_watts(busy, period)
    hours = CELL_AMPERE_HOURS * CELL_VOLTS / watts
    cell = f"{CELL_AMPERE_HOURS * 1000:.0f} mAh cell ({CELL_VOLTS:g} V)"
    return (
        f"{every}: busy {100 * busy / period:.2g} %, {figures.watts(watts)}, "
        f"{hours:,.0f} hours on a {cell} (estimate: the chip alone)"
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:g}"
