"""The duty cycle of a network that runs on a battery, an estimate."""

from __future__ import annotations

from edgecomp.report import DutyCycle
from edgecomp.targets import Power

CELL_AMPERE_HOURS = 0.150
CELL_VOLTS = 3.7
"""A small lithium cell, at its nominal voltage, all of it used."""

DEFAULT_PERIOD_SECONDS = 0.2


def duty_cycle(power: Power, busy_seconds: float, period_seconds: float) -> DutyCycle:
    """One window of ``busy_seconds`` every ``period_seconds``."""
    watts = None
    if busy_seconds <= period_seconds:
        watts = power.average_watts(busy_seconds, period_seconds)
    return DutyCycle(
        period_seconds=period_seconds,
        busy=busy_seconds / period_seconds,
        active_watts=power.active_watts,
        sleep_watts=power.sleep_watts,
        average_watts=watts,
        cell_ampere_hours=CELL_AMPERE_HOURS,
        cell_volts=CELL_VOLTS,
        hours=CELL_AMPERE_HOURS * CELL_VOLTS / watts if watts else None,
    )


def again(duty: DutyCycle, busy_seconds: float) -> DutyCycle:
    """The duty cycle with another time for a window."""
    power = Power(active_watts=duty.active_watts, sleep_watts=duty.sleep_watts)
    return duty_cycle(power, busy_seconds, duty.period_seconds)
