"""What every simulator takes and gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.ir import TensorType


class SimulatorError(EdgecompError):
    """A simulator that is missing, or a program that does not compile or run."""


@dataclass(frozen=True)
class ProjectRun:
    """A project and the integer windows to run: one array [windows, *shape] per input."""

    firmware: Path
    inputs: Sequence[np.ndarray]
    output_types: Sequence[TensorType]
    layers: int


@dataclass(frozen=True)
class WindowRun:
    """What one window gave: one array per output, one checksum per layer in order."""

    outputs: list[np.ndarray]
    checksums: list[int]


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
