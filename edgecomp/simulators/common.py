"""What every simulator takes and gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.ir import TensorType
from edgecomp.progress import Progress, Silent


class SimulatorError(EdgecompError):
    """A simulator that is missing, or a program that does not compile or run."""


@dataclass(frozen=True)
class ProjectRun:
    """A project and the integer windows to run: one array [windows, *shape] per input.

    ``names`` are those of the layers, for messages; ``progress`` gets a step a finished layer.
    """

    firmware: Path
    inputs: Sequence[np.ndarray]
    output_types: Sequence[TensorType]
    layers: int
    names: Sequence[str] = ()
    progress: Progress = field(default_factory=Silent)

    @property
    def windows(self) -> int:
        """How many windows there are."""
        return int(self.inputs[0].shape[0])


@dataclass(frozen=True)
class LayerCycles:
    """Measured cluster cycles of one layer.

    total: from the end of the layer before. compute: of kernels on the cores. exposed_dma,
    exposed_l3 and exposed_ne16: waiting for transfers between L2 and L1, for weights from L3, and
    for NE16. ne16_busy: in which NE16 worked, beside all of these; None where nothing counts it.
    """

    total: int
    compute: int
    exposed_dma: int
    exposed_l3: int
    exposed_ne16: int = 0
    ne16_busy: int | None = None

    @property
    def overhead(self) -> int:
        """Everything else: the orchestrator's own work between kernels.

        ``SimulatorError`` where the parts, which no two share, are more than the whole.
        """
        waits = self.exposed_dma + self.exposed_l3 + self.exposed_ne16
        rest = self.total - self.compute - waits
        if rest < 0:
            raise SimulatorError(
                f"a layer of {self.total} cycles is said to compute for {self.compute} "
                f"and to wait for {waits}",
                "this is a defect of edgecomp's counters: report it with the build",
            )
        return rest


@dataclass(frozen=True)
class Measurement:
    """What was measured for one window.

    provenance: as reports have it. label: what to call it. cycles: cluster cycles from the call of
    the network's run function to its return. frequency_hz: of the cluster; None: the board file's.
    l1_bytes and l2_bytes: all that the program takes there, code and stacks too; None where that
    is not known.
    """

    provenance: Literal["gvsoc", "board"]
    label: str
    cycles: int
    layers: list[LayerCycles]
    frequency_hz: float | None = None
    l1_bytes: int | None = None
    l2_bytes: int | None = None


@dataclass(frozen=True)
class WindowRun:
    """What one window gave: one array per output, one checksum per layer in order.

    ``measured`` is None where the simulator counts no cycles.
    """

    outputs: list[np.ndarray]
    checksums: list[int]
    measured: Measurement | None = None


def pack_inputs(inputs: Sequence[np.ndarray]) -> bytes:
    """Windows as a program reads them: all inputs of a window back to back."""
    windows = inputs[0].shape[0]
    parts = []
    for window in range(windows):
        for array in inputs:
            little = array[window].astype(array.dtype.newbyteorder("<"))
            parts.append(np.ascontiguousarray(little).tobytes())
    return b"".join(parts)


def unpack_outputs(data: bytes, types: Sequence[TensorType]) -> Iterator[list[np.ndarray]]:
    """The outputs of each window; ``SimulatorError`` where the data is no whole window."""
    size = sum(t.bytes for t in types)
    if size == 0 or len(data) % size:
        raise SimulatorError(f"the program wrote {len(data)} bytes, not whole windows of {size}")
    for start in range(0, len(data), size):
        cursor = start
        outputs = []
        for tensor_type in types:
            raw = np.frombuffer(data, tensor_type.dtype.numpy, tensor_type.size, cursor)
            outputs.append(raw.reshape(tensor_type.shape).copy())
            cursor += tensor_type.bytes
        yield outputs


def unpack_checksums(text: str, layers: int) -> list[list[int]]:
    """Checksums [window][layer] from lines "layer checksum"."""
    values: list[list[int]] = []
    for line in text.splitlines():
        layer, checksum = line.split()
        if int(layer) == 0:
            values.append([])
        if not values or int(layer) != len(values[-1]):
            raise SimulatorError(f"the program reported layer {layer} out of order")
        values[-1].append(int(checksum, 16))
    if any(len(row) != layers for row in values):
        raise SimulatorError(f"the program did not report all of its {layers} layers")
    return values
