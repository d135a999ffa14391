"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence

_KIB = 1024
_KINDS = {"estimate": "estimate", "gvsoc": "simulated", "board": "measured"}
_MARKS = {"board": "measured on the board"}


def kind(provenance: str) -> str:
    """How a figure was come by, in one word: estimate, simulated or measured."""
    return _KINDS[provenance]


def mark(provenance: str, label: str | None = None) -> str:
    """How a figure was come by, in words; ``label`` says more of it where there is one."""
    words = _MARKS.get(provenance, _KINDS[provenance])
    return f"{words}: {label}" if label else words


def count(value: float) -> str:
    """A count to three or four digits: `955 M`, `1.909 G`, `812`."""
    return _scaled(value, ((1e9, "G"), (1e6, "M"), (1e3, "k")), "").strip()


def seconds(value: float) -> str:
    """A time: `496 ms`."""
    return _scaled(value, ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")), "s")


def joules(value: float) -> str:
    """An energy: `44.9 mJ`."""
    return _scaled(value, ((1.0, "J"), (1e-3, "mJ"), (1e-6, "uJ"), (1e-9, "nJ")), "J")


def watts(value: float) -> str:
    """A power: `57.2 mW`."""
    return _scaled(value, ((1.0, "W"), (1e-3, "mW"), (1e-6, "uW"), (1e-9, "nW")), "W")


def hertz(value: float) -> str:
    """A frequency: `370 MHz`."""
    return _scaled(value, ((1e9, "GHz"), (1e6, "MHz"), (1e3, "kHz")), "Hz")


def size(value: float) -> str:
    """Bytes: `512 B`, `101.2 KiB`, `1.50 MiB`."""
    if value < _KIB:
        return f"{value:.0f} B"
    if value < _KIB * _KIB:
        return f"{value / _KIB:.1f} KiB"
    return f"{value / _KIB / _KIB:.2f} MiB"


def percent(part: float, whole: float) -> str:
    """A share: `79 %`; a dash where there is no whole."""
    return f"{100 * part / whole:.0f} %" if whole else "-"


def decibels(value: float | None) -> str:
    """A ratio: `31.7 dB`; a dash where it is infinite or undefined."""
    return "-" if value is None else f"{value:.1f} dB"


def agreement(value: float | None) -> str:
    """A fraction of windows: `98.4 %`; a dash where there is none."""
    return "-" if value is None else f"{100 * value:.1f} %"


def rate(macs: float, cycles: float) -> str:
    """MACs per cycle: `12.3`; a dash without either."""
    return f"{macs / cycles:.1f}" if macs and cycles else "-"


def _scaled(value: float, scales: Sequence[tuple[float, str]], unit: str) -> str:
    """In the largest unit that leaves a figure of 1 or more; else in the smallest there is."""
    if not value:
        return f"0 {unit}"
    smaller = [*scales, (1.0, unit)] if scales[-1][0] > 1 else scales
    scale, name = next((each for each in smaller if value >= each[0]), smaller[-1])
    return f"{_digits(value / scale)} {name}"


def _digits(value: float) -> str:
    """Three significant digits at least, integers whole."""
    if value >= 100 or math.isclose(value, round(value), rel_tol=1e-6):
        return f"{value:.0f}"
    if value >= 1:
        return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return f"{value:.3g}"
