"""`report.json` and `simulation.json`, schema 1."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    ValidationError,
)

from edgecomp.errors import EdgecompError
from edgecomp.report.details import Buffers, DutyCycle, InputNormalisation, OutputSample, Peaks
from edgecomp.report.section import Provenance, Section


class ReportError(EdgecompError):
    """A report that cannot be read."""


def _finite(value: object) -> object:
    """JSON has no infinity: the ratio of a perfect match, or of silence, is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _hexadecimal(value: object) -> object:
    return f"{value:08x}" if isinstance(value, int) and value >= 0 else value


Decibels: TypeAlias = Annotated[float | None, BeforeValidator(_finite)]
Checksum: TypeAlias = Annotated[str, BeforeValidator(_hexadecimal), Field(pattern="^[0-9a-f]{8}$")]
Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class Model(Section):
    """macs: multiply-accumulates of one window, each counted once, from the IR."""

    name: str
    parameters: NonNegativeInt
    macs: NonNegativeInt


class Level(Section):
    """Bytes of one memory.

    peak: all in all, code and stacks too. arena: the planned buffers. lower_bound: the largest
    sum of tensors live together. reserved: set aside for code and stacks. code: how much of that
    is code and its tables. provenance: of these, and so of peak; absent where nothing is reserved,
    and in reports of earlier versions.
    """

    capacity: NonNegativeInt
    peak: NonNegativeInt
    arena: NonNegativeInt
    lower_bound: NonNegativeInt
    reserved: NonNegativeInt | None = None
    code: NonNegativeInt | None = None
    provenance: Provenance | None = None


class Memory(Section):
    """The memories. flash: where weights that do not fit l3 are read from it in every window."""

    l1: Level
    l2: Level
    l3: Level
    flash: Level | None = None


class Quantization(Section):
    """The integer reference against the float model, over `windows` windows.

    sqnr_db: null where it is infinite or undefined. argmax_agreement: the fraction of windows
    with the same largest output; null where the output is no set of scores.
    """

    sqnr_db: Decibels
    cosine: float
    argmax_agreement: Fraction | None
    windows: NonNegativeInt


class Latency(Section):
    """One window, in cluster cycles. label: what a measured figure is to be called."""

    cycles: NonNegativeFloat
    frequency_hz: PositiveFloat
    seconds: NonNegativeFloat
    provenance: Provenance
    label: str | None = None


class Energy(Section):
    """One window."""

    joules: NonNegativeFloat
    average_watts: NonNegativeFloat
    provenance: Provenance


class Layer(Section):
    """One layer of the integer graph.

    checksum: of its output for the first window, 8 hexadecimal digits. sqnr_db: its output
    against the float model. bytes: its weights. compute, exposed_dma, exposed_l3, exposed_ne16,
    overhead: where the cycles go: kernels on the cores, waiting for L1 transfers, for weights and
    for NE16, the rest. ne16_busy: cycles in which NE16 works, beside these. ne16_macs: its share
    of the products. They are measured where ``cycles`` are; what a board cannot count is absent.

    bytes_moved: between L2 and L1. dma_busy: cycles in which these transfers run. read_from: the
    layer at whose start the read of the weights may begin, read_cycles: how long that takes; absent
    where nothing is read in every window. These four are always estimates. l3_address: where the
    weights lie in L3. on_cores: why the board's NE16 has no part in the layer.
    """

    name: str
    op: str
    engine: str
    macs: NonNegativeInt
    cycles: NonNegativeFloat
    l1_bytes: NonNegativeInt
    tiles: NonNegativeInt
    checksum: Checksum
    sqnr_db: Decibels = None
    bytes: NonNegativeInt | None = None
    compute: NonNegativeFloat | None = None
    exposed_dma: NonNegativeFloat | None = None
    exposed_l3: NonNegativeFloat | None = None
    exposed_ne16: NonNegativeFloat | None = None
    overhead: NonNegativeFloat | None = None
    ne16_busy: NonNegativeFloat | None = None
    ne16_macs: NonNegativeInt | None = None
    bytes_moved: NonNegativeInt | None = None
    dma_busy: NonNegativeFloat | None = None
    read_from: NonNegativeInt | None = None
    read_cycles: NonNegativeFloat | None = None
    l3_address: NonNegativeInt | None = None
    on_cores: str | None = None


class Comparison(Section):
    """The outputs of the C project against the float model; fields as in Quantization."""

    sqnr_db: Decibels
    cosine: float
    max_abs_error: NonNegativeFloat
    argmax_agreement: Fraction | None


class Report(Section):
    """What a build reports.

    notices: what a reader must know about the figures: synthetic weights, for instance.
    engines: which engines the build was to use; absent in reports of earlier versions.
    energy: absent, and duty_cycle with it, where the board file states no power.
    ne16_macs_per_cycle: the most that 1x1 jobs of the board's NE16 reach, where it has one.
    normalisation: what the sample application computes; absent where there is none.
    options: what the build was asked for. It, duty_cycle, peaks, buffers and outputs are absent in
    reports of earlier versions, too.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    edgecomp: str
    model: Model
    target: str
    board: str
    memory: Memory
    quantization: Quantization
    latency: Latency
    energy: Energy | None = None
    layers: list[Layer]
    notices: list[str] = Field(default_factory=list)
    engines: Literal["cores", "ne16", "all"] | None = None
    ne16_macs_per_cycle: PositiveFloat | None = None
    options: dict[str, str] | None = None
    normalisation: InputNormalisation | None = None
    duty_cycle: DutyCycle | None = None
    peaks: Peaks | None = None
    buffers: Buffers | None = None
    outputs: list[OutputSample] | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """The report in a file. Raises ReportError, naming the file and the field."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ReportError(f"cannot read {path}: {error.strerror}", "build it again") from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            where = f"{field}: " if field else ""
            raise ReportError(
                f"{path} is not a report of schema 1: {where}{first['msg']}",
                "it was made by another version of edgecomp, or changed; build it again",
            ) from error

    def peak_provenance(self, level: Level) -> Provenance | None:
        """How the peak of a level was come by; None where it is planned."""
        return None if level.reserved is None else level.provenance or self.latency.provenance

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        path.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")

    def to_json(self) -> dict[str, object]:
        """The report as JSON values; optional fields without a value are left out."""
        content = self.model_dump(mode="json", by_alias=True)
        for section in (
            content,
            content["latency"],
            *content["layers"],
            content["memory"],
            *filter(None, content["memory"].values()),
        ):
            for name in [name for name in _OPTIONAL if section.get(name, 0) is None]:
                del section[name]
        return content


_OPTIONAL = (
    "energy",
    "engines",
    "ne16_macs_per_cycle",
    "flash",
    "reserved",
    "provenance",
    "code",
    "sqnr_db",
    "bytes",
    "label",
    "compute",
    "exposed_dma",
    "exposed_l3",
    "exposed_ne16",
    "overhead",
    "ne16_busy",
    "ne16_macs",
    "bytes_moved",
    "dma_busy",
    "read_from",
    "read_cycles",
    "l3_address",
    "on_cores",
    "options",
    "normalisation",
    "duty_cycle",
    "peaks",
    "buffers",
    "outputs",
)


class SimulationReport(Report):
    """What a simulation reports: the fields of the build, measured where the simulator measures.

    bit_exact: every layer and output equal to the integer reference. float_: against the float
    model (`float` in JSON).
    """

    simulator: str
    bit_exact: bool
    float_: Comparison = Field(alias="float")
