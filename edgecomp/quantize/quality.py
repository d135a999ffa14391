"""How far the integer network is from the float one: end to end, and layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgecomp.ir import DType, Graph, Value, interpret
from edgecomp.ir.interpret import Observer
from edgecomp.quantize.calibrate import Windows, split_windows

PERFECT_DB = 200.0
"""Reported instead of infinity where there is no error at all."""


@dataclass(frozen=True)
class LayerQuality:
    """One integer value against the float value it stands for.

    ``drop_db`` is how much lower its SQNR is than that of its worst operand: where it is positive,
    this layer loses.
    """

    name: str
    op: str
    origin: str
    sqnr_db: float
    drop_db: float


@dataclass(frozen=True)
class Quality:
    """All windows together.

    ``outputs_db`` holds the SQNR of every output; ``sqnr_db`` and ``cosine`` are of the worst one.
    ``argmax_agreement`` is that of the first output; ``layers`` are in execution order.
    """

    sqnr_db: float
    cosine: float
    argmax_agreement: float | None
    windows: int
    outputs_db: tuple[float, ...]
    layers: tuple[LayerQuality, ...]

    @property
    def weakest(self) -> LayerQuality | None:
        """The layer that loses most against its operands."""
        return max(self.layers, key=lambda layer: layer.drop_db, default=None)


class Energies:
    """Energies of a reference, of a result and of their difference, summed up array by array."""

    def __init__(self) -> None:
        self.signal = self.noise = self.product = self.other = self.max_abs_error = 0.0

    def add(self, reference: np.ndarray, actual: np.ndarray) -> None:
        """Take two arrays of the same size into account."""
        a, b = reference.astype(np.float64).ravel(), actual.astype(np.float64).ravel()
        self.signal += float(a @ a)
        self.noise += float((a - b) @ (a - b))
        self.product += float(a @ b)
        self.other += float(b @ b)
        self.max_abs_error = max(self.max_abs_error, float(np.abs(a - b).max(initial=0.0)))

    @property
    def sqnr_db(self) -> float:
        """Signal-to-quantization-noise ratio in dB, within +-``PERFECT_DB``."""
        if self.noise <= self.signal * 10 ** (-PERFECT_DB / 10):
            return PERFECT_DB
        return max(10 * math.log10(max(self.signal, 1e-300) / self.noise), -PERFECT_DB)

    @property
    def cosine(self) -> float:
        """Cosine of the angle between reference and result."""
        norm = math.sqrt(self.signal * self.other)
        return self.product / norm if norm > 0 else float(self.signal == self.other)


def measure(
    float_graph: Graph, integer_graph: Graph, mapping: dict[str, str], windows: Windows
) -> Quality:
    """Run both graphs on ``windows`` (as for calibration) and compare.

    ``mapping`` is that of ``quantize``; values it does not name are skipped, so it stays valid
    through fusion. SQNR is ``10 log10(sum reference^2 / sum error^2)`` over all windows.
    """
    layers: dict[Value, Energies] = {}
    totals = [Energies() for _ in float_graph.outputs]
    firsts: list[tuple[np.ndarray, np.ndarray]] = []
    runs = split_windows(float_graph, windows)
    wanted = set(mapping.values())
    for inputs in runs:
        references = _Recorder(wanted)
        expected = interpret(float_graph, inputs, references.keep)

        def compare(value: Value, array: np.ndarray, seen: _Recorder = references) -> None:
            reference = seen.arrays.get(mapping.get(value.name, ""))
            if reference is not None and reference.shape == array.shape:
                layers.setdefault(value, Energies()).add(reference, dequantized(value, array))

        actual = run_integer(integer_graph, inputs, compare)
        for total, reference, result in zip(totals, expected, actual, strict=True):
            total.add(reference, result)
        firsts.append((expected[0], actual[0]))
    worst = min(totals, key=lambda total: total.sqnr_db)
    first, other = (np.stack(each) for each in zip(*firsts, strict=True))
    return Quality(
        worst.sqnr_db,
        worst.cosine,
        class_agreement(first, other),
        len(runs),
        tuple(total.sqnr_db for total in totals),
        _layer_table(integer_graph, layers),
    )


def quantize_inputs(graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Float inputs as the integer ``graph`` takes them."""
    return {
        value.name: value.type.quantization.quantize(inputs[value.name], value.type.dtype)
        if value.type.quantization is not None
        else inputs[value.name]
        for value in graph.inputs
    }


def dequantized(value: Value, array: np.ndarray) -> np.ndarray:
    """What the integers in ``array`` mean under the type of ``value``."""
    quantization = value.type.quantization
    return array if quantization is None else quantization.dequantize(array)


def run_integer(
    graph: Graph, inputs: dict[str, np.ndarray], observe: Observer | None = None
) -> list[np.ndarray]:
    """Float outputs of the integer ``graph`` for float inputs."""
    results = interpret(graph, quantize_inputs(graph, inputs), observe)
    return [dequantized(v, r) for v, r in zip(graph.outputs, results, strict=True)]


class _Recorder:
    def __init__(self, wanted: set[str]) -> None:
        self.wanted = wanted
        self.arrays: dict[str, np.ndarray] = {}

    def keep(self, value: Value, array: np.ndarray) -> None:
        if value.name in self.wanted and value.type.dtype is DType.F32:
            self.arrays[value.name] = array


def class_agreement(expected: np.ndarray, actual: np.ndarray) -> float | None:
    """The share of windows with the same largest score, for scores ``[windows, ..., classes]``.

    None where a window gives anything but one row of at least two scores.
    """
    classes = expected.shape[-1] if expected.ndim > 1 else 1
    if classes < 2 or expected.size != len(expected) * classes:
        return None
    rows = (each.reshape(-1, classes).argmax(axis=1) for each in (expected, actual))
    return float(np.mean(np.equal(*rows)))


def _layer_table(graph: Graph, layers: dict[Value, Energies]) -> tuple[LayerQuality, ...]:
    rows = []
    for node in graph.nodes:
        value = node.outputs[0]
        if value not in layers:
            continue
        own = layers[value].sqnr_db
        before = [layers[v].sqnr_db for v in node.inputs if v in layers]
        drop = min(before) - own if before else PERFECT_DB - own
        rows.append(LayerQuality(value.name, node.op, node.name, own, drop))
    return tuple(rows)
