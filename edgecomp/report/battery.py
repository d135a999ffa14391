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
        f"{duty.hours:,.0f} hours on a {cell} (estimate: the chip alone)"
    )


def short(duty: DutyCycle) -> str:
    """What stands beside the hours."""
    every = f"one window every {1000 * duty.period_seconds:g} ms"
    if duty.average_watts is None:
        return f"{every}, and each takes {figures.seconds(busy_seconds(duty))}"
    cell = f"{duty.cell_ampere_hours * 1000:.0f} mAh at {duty.cell_volts:g} V"
    busy = f"busy {100 * duty.busy:.2g} %"
    return f"{every}: {figures.watts(duty.average_watts)}, {busy}; cell of {cell}"


def busy_seconds(duty: DutyCycle) -> float:
    """How long a window takes."""
    return duty.busy * duty.period_seconds
