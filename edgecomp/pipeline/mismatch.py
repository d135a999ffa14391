"""Where a program and the integer reference differ: window, layer, element, address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgecomp.ir import Graph, Value, interpret
from edgecomp.pipeline.reference import Reference, quantize_windows
from edgecomp.simulators import LayerDump, WindowRun


@dataclass(frozen=True)
class Difference:
    """The first element that differs, of ``count`` that do.

    ``place`` says where it lies; empty for an output of the network.
    """

    index: tuple[int, ...]
    expected: int
    actual: int
    count: int
    place: str = ""

    def __str__(self) -> str:
        where = f"; it lies in {self.place}" if self.place else ""
        others = f", the first of {self.count} that differ" if self.count > 1 else ""
        index = ", ".join(map(str, self.index))
        return f"element [{index}] is {self.actual}, not {self.expected}{others}{where}"


@dataclass(frozen=True)
class Mismatch:
    """The first place where a program and the integer reference differ.

    ``difference`` is None where it could not be found; ``reason`` says why.
    """

    window: int
    layer: int
    name: str
    difference: Difference | None = None
    reason: str = ""

    def __str__(self) -> str:
        what = str(self.difference) if self.difference else self.reason
        where = f"window {self.window}, layer {self.layer} ({self.name})"
        return f"{where} is the first that differs" + (f": {what}" if what else "")


def first_mismatch(
    reference: Reference, runs: Sequence[WindowRun], names: Sequence[str]
) -> Mismatch | None:
    """The first layer whose checksum is wrong, or output that is; None where all agrees."""
    for window, run in enumerate(runs):
        for layer, checksum in enumerate(run.checksums):
            if checksum != int(reference.checksums[window, layer]):
                return Mismatch(window, layer, names[layer])
        for expected, actual in zip(reference.integers, run.outputs, strict=True):
            difference = compare(expected[window], actual)
            if difference is not None:
                return Mismatch(window, len(names), "network output", difference)
    return None


def compare(expected: np.ndarray, actual: np.ndarray) -> Difference | None:
    """The first element, in memory order, that differs."""
    wrong = np.flatnonzero(expected.ravel() != actual.ravel())
    if wrong.size == 0:
        return None
    first = int(wrong[0])
    index = tuple(int(each) for each in np.unravel_index(first, expected.shape))
    return Difference(
        index, int(expected.ravel()[first]), int(actual.ravel()[first]), int(wrong.size)
    )


def locate(
    expected: np.ndarray, dump: LayerDump, again: Callable[[int], LayerDump]
) -> Difference | None:
    """The first element of a layer's dumped result that is not ``expected``, and its place.

    ``again`` dumps the layer once more, watching a byte of L1, which tells the core.
    """
    difference = compare(expected, _array(expected, dump))
    if difference is None:
        return None
    flat = int(np.ravel_multi_index(difference.index, expected.shape))
    first = flat * expected.dtype.itemsize + _first_byte(expected, difference)
    byte = dump.address(first)
    place = f"byte {byte} of the L2 arena"
    origin = dump.origin(byte)
    if origin is None:
        return replace(difference, place=f"{place}, where the layer stored nothing")
    store, l1 = origin
    place += f", stored from byte {l1} of L1 (store {store + 1} of {len(dump.stores)})"
    return replace(difference, place=f"{place}, {_writer(expected, difference, again(l1), store)}")


def _array(expected: np.ndarray, dump: LayerDump) -> np.ndarray:
    stored = np.frombuffer(dump.data, expected.dtype.newbyteorder("<"))
    return stored.reshape(expected.shape)


def _first_byte(expected: np.ndarray, difference: Difference) -> int:
    """Which byte of the element is the first that is wrong."""
    values = np.array([difference.expected, difference.actual], expected.dtype.newbyteorder("<"))
    good, bad = values.view(np.uint8).reshape(2, -1)
    return int(np.flatnonzero(good != bad)[0])


def _writer(expected: np.ndarray, first: Difference, watched: LayerDump, store: int) -> str:
    """What a run in which the cores took turns says of who wrote the element."""
    actual = int(_array(expected, watched)[first.index])
    if actual == first.expected:
        return "right when the cores take turns: they disturb each other"
    core = watched.stores[store].core
    return "by no core that could be seen" if core is None else f"written by core {core}"


def layer_result(graph: Graph, reference: Reference, window: int, output: Value) -> np.ndarray:
    """What the integer definition gives for one value in one window."""
    inputs = quantize_windows(graph, reference.windows)
    feed = {v.name: x[window] for v, x in zip(graph.inputs, inputs, strict=True)}
    found: list[np.ndarray] = []

    def observe(value: Value, array: np.ndarray) -> None:
        if value is output:
            found.append(array)

    interpret(graph, feed, observe)
    return found[0]
