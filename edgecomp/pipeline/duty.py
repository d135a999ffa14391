"""The duty cycle of a network that runs on a battery, an estimate."""

from __future__ import annotations

from edgecomp.report import DutyCycle
from edgecomp.targets import Power

DEFAULT_CELL_MAH = 150.0
CELL_VOLTS = 3.7
"""A small lithium cell, at its nominal voltage, all of it used."""

DEFAULT_PERIOD_SECONDS = 0.2


def duty_cycle(
    power: Power,
    busy_seconds: float,
    period_seconds: float,
    cell_mah: float = DEFAULT_CELL_MAH,
    resident_bytes: int = 0,
) -> DutyCycle:
    """One window of ``busy_seconds`` every ``period_seconds``, on a cell of ``cell_mah``.

    resident_bytes: of weights that stay in L2 between windows. Where the board does not state what
    sleep with L2 powered takes, that without is counted, and the result says so.
    """
    sleep = power.retained_sleep_watts if resident_bytes else power.sleep_watts
    counted = Power(
        active_watts=power.active_watts, sleep_watts=power.sleep_watts if sleep is None else sleep
    )
    uncounted = resident_bytes if sleep is None else 0
    return _estimate(counted, busy_seconds, period_seconds, cell_mah / 1000, uncounted)


def again(duty: DutyCycle, busy_seconds: float) -> DutyCycle:
    """The duty cycle with another time for a window."""
    power = Power(active_watts=duty.active_watts, sleep_watts=duty.sleep_watts)
    rest = duty.cell_ampere_hours, duty.uncounted_l2_bytes
    return _estimate(power, busy_seconds, duty.period_seconds, *rest)


def _estimate(
    power: Power, busy_seconds: float, period_seconds: float, ampere_hours: float, uncounted: int
) -> DutyCycle:
    watts = None
    if busy_seconds <= period_seconds:
        watts = power.average_watts(busy_seconds, period_seconds)
    return DutyCycle(
        period_seconds=period_seconds,
        busy=busy_seconds / period_seconds,
        active_watts=power.active_watts,
        sleep_watts=power.sleep_watts,
        average_watts=watts,
        cell_ampere_hours=ampere_hours,
        cell_volts=CELL_VOLTS,
        hours=ampere_hours * CELL_VOLTS / watts if watts else None,
        uncounted_l2_bytes=uncounted,
    )
