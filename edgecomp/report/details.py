"""What a report holds beside its figures: what the page draws, and what the build was asked."""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from edgecomp.report.section import Section

BufferKind = Literal["activation", "weights", "resident", "input", "result", "scratch"]


class Buffer(Section):
    """Bytes of one memory that hold one thing from layer ``first`` to layer ``last``.

    copies: how many pieces of it lie one behind the other, of ``bytes`` together with the guards
    between them. In L2, activation: a tensor; weights: of a layer; resident: weights that stay
    from window to window. In L1, input, weights and result: tiles; scratch: no tensor.
    """

    name: str
    kind: BufferKind
    address: NonNegativeInt
    bytes: NonNegativeInt
    first: NonNegativeInt
    last: NonNegativeInt
    copies: PositiveInt = 1


class Buffers(Section):
    """Every buffer of the three memories. Addresses from the start of each arena."""

    l1: list[Buffer]
    l2: list[Buffer]
    l3: list[Buffer]


class Peaks(Section):
    """What bounds a layer, in cluster cycles: the fastest kernel of the cores, and the paths.

    The bound of NE16 is ``Report.ne16_macs_per_cycle``. All are rates of the board file.
    """

    cores_macs_per_cycle: PositiveFloat | None
    l2_l1_bytes_per_cycle: PositiveFloat
    l3_l2_bytes_per_cycle: PositiveFloat


class OutputSample(Section):
    """Elements of one network output, over all windows: of the float model, and as integers give.

    ``total`` elements there are; where that is many, evenly spread ones are here.
    """

    name: str
    total: NonNegativeInt
    float_model: list[float]
    integer: list[float]


class InputNormalisation(Section):
    """What the sample application computes of a front end's samples x, in integers.

    zscore: (x - mean) / deviation, of each channel in each window; scale: x * ``factor``. unit: of
    x; absent where it is a count of the converter. source: the zoo's encoder, the build's option,
    or what the calibration windows look like.
    """

    kind: Literal["zscore", "scale"]
    factor: PositiveFloat | None = None
    unit: str | None = None
    source: Literal["encoder", "stated", "calibration"]


class DutyCycle(Section):
    """One window every ``period_seconds``, asleep in between; the chip alone. An estimate.

    busy: the share of time in which the network runs; above 1 the windows come too often, and
    there is neither a power nor a time. uncounted_l2_bytes: of weights that stay in L2 from window
    to window, where ``sleep_watts`` does not hold what keeping L2 powered takes.
    """

    period_seconds: PositiveFloat
    busy: NonNegativeFloat
    active_watts: NonNegativeFloat
    sleep_watts: NonNegativeFloat
    average_watts: NonNegativeFloat | None
    cell_ampere_hours: PositiveFloat
    cell_volts: PositiveFloat
    hours: NonNegativeFloat | None
    uncounted_l2_bytes: NonNegativeInt = 0
    provenance: Literal["estimate"] = "estimate"
