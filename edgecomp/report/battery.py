"""How long a battery lasts at a rate of windows: one sentence, an estimate."""

from __future__ import annotations

from edgecomp.report import figures
from edgecomp.report.details import DutyCycle


def battery(duty: DutyCycle) -> str:
    """Duty cycle, average power and hours.

    Front end, radio, regulators and the copy of the weights at the start are not in it.
    """
    every = f"one window every {1000 * duty.period_seconds:g} ms"
    if duty.average_watts is None or duty.hours is None:
        return f"{every}: too often, a window takes {figures.seconds(busy_seconds(duty))}"
    cell = f"{duty.cell_ampere_hours * 1000:.0f} mAh cell ({duty.cell_volts:g} V)"
    return (
        f"{every}: busy {100 * duty.busy:.2g} %, {figures.watts(duty.average_watts)}, "
        f"{duty.hours:,.0f} hours on a {cell} (estimate: the chip alone, {_asleep(duty)})"
    )


def short(duty: DutyCycle) -> str:
    """What stands beside the hours."""
    every = f"one window every {1000 * duty.period_seconds:g} ms"
    if duty.average_watts is None:
        return f"{every}, and each takes {figures.seconds(busy_seconds(duty))}"
    cell = f"{duty.cell_ampere_hours * 1000:.0f} mAh at {duty.cell_volts:g} V"
    busy = f"busy {100 * duty.busy:.2g} %"
    watts = figures.watts(duty.average_watts)
    return f"{every}: {watts}, {busy}, {_asleep(duty)}; cell of {cell}"


def _asleep(duty: DutyCycle) -> str:
    """The power between windows, and what is missing in it."""
    asleep = f"asleep at {figures.watts(duty.sleep_watts)}"
    if not duty.uncounted_l2_bytes:
        return asleep
    kept = figures.size(duty.uncounted_l2_bytes)
    return f"{asleep} without the power that keeps {kept} of weights in L2"


def busy_seconds(duty: DutyCycle) -> float:
    """How long a window takes."""
    return duty.busy * duty.period_seconds
