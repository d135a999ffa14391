"""The description of a board. Field names carry the units; `boards/*.toml` hold the values."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)

from edgecomp.targets.rates import KernelRates, Work

Engine = Literal["cluster", "ne16"]
"""Who runs a kernel: the cores of the cluster together, or the accelerator beside them."""

ClockName = Literal["cluster", "fabric", "peripheral"]


Bank = Annotated[PositiveInt, Field(multiple_of=64)]
"""Bytes of a memory of 16 banks of words: whole rows of them."""

Stack = Annotated[NonNegativeInt, Field(multiple_of=16)]
"""Bytes of a stack: the calling convention keeps its top at a multiple of 16."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Cores(_Section):
    """The cores of the cluster."""

    workers: PositiveInt
    orchestrators: NonNegativeInt = 0


class Memories(_Section):
    """Capacities. l3 is the external RAM that holds the weights while the network runs.

    flash holds the program's files; weights that do not fit l3 are read from it.
    """

    l1_bytes: Bank
    l2_bytes: Bank
    l3_bytes: PositiveInt
    l2_private_bytes: NonNegativeInt = 0
    flash_bytes: NonNegativeInt = 0
    emram_bytes: NonNegativeInt = 0


class Reserved(_Section):
    """Bytes that the planned buffers leave free: code and the fabric stack in L2, stacks in L1.

    code_bytes: code of kernels and runtime, ours and the vendor's. That of a network's layers and
    their tables is estimated and comes on top.
    """

    code_bytes: NonNegativeInt
    fabric_stack_bytes: Stack
    orchestrator_stack_bytes: Stack
    worker_stack_bytes: Stack


class Clocks(_Section):
    """Frequencies in hertz."""

    cluster_hz: PositiveFloat
    fabric_hz: PositiveFloat
    peripheral_hz: PositiveFloat

    def hz(self, clock: ClockName) -> float:
        """The frequency of a clock by its name."""
        return {
            "cluster": self.cluster_hz,
            "fabric": self.fabric_hz,
            "peripheral": self.peripheral_hz,
        }[clock]


class Transfer(_Section):
    """What moving bytes between two memories costs, in cycles of `clock`."""

    clock: ClockName
    bytes_per_cycle: PositiveFloat
    cycles_per_transfer: NonNegativeFloat = 0.0

    def cycles(self, row_bytes: Work, rows: Work = 1, planes: Work = 1) -> Work:
        """Cycles of `clock` for `planes` transfers of `rows` rows of `row_bytes` bytes each."""
        row = np.ceil(row_bytes / self.bytes_per_cycle)
        return planes * (self.cycles_per_transfer + rows * row)


class Transfers(_Section):
    """The paths: between L2 and L1, and between L3 and L2, either direction; from flash to L2.

    Without flash_l2, weights that do not fit L3 are refused.
    """

    l2_l1: Transfer
    l3_l2: Transfer
    flash_l2: Transfer | None = None


class Orchestration(_Section):
    """What the core that runs the tile loops spends, in cluster cycles."""

    cycles_per_step: NonNegativeFloat
    cycles_per_transfer: NonNegativeFloat


class Ne16(_Section):
    """The accelerator, which shares the banks of L1 and waits for the slowest that it needs.

    lost_beside_cores, lost_beside_dma: how much of the time in which these work is lost to it.
    macs_per_cycle: the most that 1x1 jobs reach, for comparison in reports.
    """

    lost_beside_cores: NonNegativeFloat
    lost_beside_dma: NonNegativeFloat
    macs_per_cycle: PositiveFloat


class Power(_Section):
    """Average power while running and while asleep.

    retained_sleep_watts: asleep with L2 powered, so that it keeps its content; none: not known.
    """

    active_watts: PositiveFloat
    sleep_watts: NonNegativeFloat
    retained_sleep_watts: NonNegativeFloat | None = None

    def joules(self, seconds: float) -> float:
        """The energy of running for `seconds`: an estimate from the average power."""
        return self.active_watts * seconds

    def average_watts(self, busy_seconds: float, period_seconds: float) -> float:
        """The average power of running `busy_seconds` of every `period_seconds`, asleep between.

        An estimate; ``ValueError`` where there is more to run than time.
        """
        if not 0 <= busy_seconds <= period_seconds or period_seconds == 0:
            raise ValueError(f"{busy_seconds} s of work do not fit into {period_seconds} s")
        asleep = (period_seconds - busy_seconds) * self.sleep_watts
        return (self.joules(busy_seconds) + asleep) / period_seconds


class MemoryMap(_Section):
    """Where the memories begin, for programs without an operating system or a vendor SDK."""

    l1: NonNegativeInt
    l2: NonNegativeInt
    l2_private: NonNegativeInt


class Gvsoc(_Section):
    """How GVSoC simulates the board.

    target: the name of GVSoC's target. description: the file in `boards/gvsoc` that describes it;
    empty for a target that every installation has. models: component models that an installation
    must hold for it. kernels: folders of `runtime_c/kernels`, the preferred one first. label: what
    figures of this simulator are called.
    """

    target: str
    label: str
    description: str = ""
    models: list[str] = []
    kernels: list[str]
    memory_map: MemoryMap


class GapSdk(_Section):
    """How the vendor's SDK builds for the board and writes it.

    kernels: as in :class:`Gvsoc`. config: lines of the SDK's configuration file. tool: the program
    that writes flash, in the SDK's folder. efuse: the file that the tool wants beside the images.
    options: its options, before commands, in which {sdk}, {cable}, {work} and {binary} stand for
    the SDK, the description of the probe, a folder for images and the program. file_option: what
    is added to them for each {file} of the file system. cable: the probe, unless
    GAPY_OPENOCD_CABLE names another one.
    """

    kernels: list[str]
    config: list[str]
    tool: str
    efuse: str
    cable: str
    options: list[str]
    file_option: str
    commands: list[str]


class Board(_Section):
    """Everything chip-specific that the stages ask for.

    target_description: given by the default board of its target. power: none for a chip that only
    a simulator has; reports then say nothing of energy.
    """

    name: str
    target: str
    target_description: str = ""
    description: str = ""
    cores: Cores
    memories: Memories
    reserved: Reserved
    clocks: Clocks
    transfers: Transfers
    orchestration: Orchestration
    power: Power | None = None
    kernels: KernelRates
    gvsoc: Gvsoc | None = None
    gap_sdk: GapSdk | None = None
    ne16: Ne16 | None = None

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines that layers may use."""
        return ("cluster",) if self.ne16 is None else ("cluster", "ne16")

    @property
    def l1_reserved_bytes(self) -> int:
        """The stacks of the cluster's cores."""
        workers = self.cores.workers * self.reserved.worker_stack_bytes
        return workers + self.cores.orchestrators * self.reserved.orchestrator_stack_bytes

    @property
    def l2_reserved_bytes(self) -> int:
        """The code that all networks share, and the stack of the fabric controller."""
        return self.reserved.code_bytes + self.reserved.fabric_stack_bytes

    @property
    def l1_available_bytes(self) -> int:
        """L1 for planned buffers."""
        return self.memories.l1_bytes - self.l1_reserved_bytes

    @property
    def l2_available_bytes(self) -> int:
        """L2 for planned buffers and the code of the network's layers."""
        return self.memories.l2_bytes - self.l2_reserved_bytes

    @property
    def l3_available_bytes(self) -> int:
        """L3 for planned buffers."""
        return self.memories.l3_bytes

    def l2_l1_cycles(self, row_bytes: Work, rows: Work = 1, planes: Work = 1) -> Work:
        """Cluster cycles of transfers between L2 and L1."""
        return self._cluster_cycles(self.transfers.l2_l1, row_bytes, rows, planes)

    def l3_l2_cycles(self, row_bytes: int) -> float:
        """Cluster cycles of one transfer between L3 and L2."""
        return float(self._cluster_cycles(self.transfers.l3_l2, row_bytes, 1, 1))

    def flash_l2_cycles(self, row_bytes: int) -> float:
        """Cluster cycles of one transfer from flash to L2. ValueError where there is none."""
        if self.transfers.flash_l2 is None:
            raise ValueError(f"{self.name} reads no weights from flash")
        return float(self._cluster_cycles(self.transfers.flash_l2, row_bytes, 1, 1))

    def seconds(self, cluster_cycles: float) -> float:
        """The time that cluster cycles take."""
        return cluster_cycles / self.clocks.cluster_hz

    def _cluster_cycles(
        self, transfer: Transfer, row_bytes: Work, rows: Work, planes: Work
    ) -> Work:
        ratio = self.clocks.cluster_hz / self.clocks.hz(transfer.clock)
        return transfer.cycles(row_bytes, rows, planes) * ratio
