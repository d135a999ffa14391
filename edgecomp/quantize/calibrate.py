"""Calibration: what values the activations of a float graph take on example windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.ir import DType, Graph, Value, interpret
from edgecomp.ir.interpret import Observer
from edgecomp.ops.attention import attention_scores
from edgecomp.quantize.histogram import MASKED, Histogram

Windows = np.ndarray | Mapping[str, np.ndarray]
"""Windows ``[count, *input shape without its batch axis]``, or such an array per input name."""

LEAST_INPUT = 1e-25
"""The least magnitude that a window must reach somewhere, unless it is all zeros."""

MOMENT_LIMIT = 4096
"""Second moments are collected for linear layers of up to this many input channels."""


@dataclass
class Moments:
    """First and second moments of the rows ``[..., K]`` of one value, in float64."""

    count: int
    total: np.ndarray
    gram: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean row, ``[K]``."""
        return np.asarray(self.total / max(self.count, 1))

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the channels, ``[K, K]``, its off-diagonal part shrunk.

        ``count`` rows show correlations of about ``1 / sqrt(count)`` between channels that have
        none; what is fitted to them does harm on other rows. The part ``K / (K + count)`` of the
        matrix is replaced by that of its diagonal.
        """
        seen = self.gram / max(self.count, 1) - np.outer(self.mean, self.mean)
        share = self.count / (len(seen) + self.count)
        return np.asarray(share * seen + (1 - share) * np.diag(np.diag(seen)))

    def add(self, array: np.ndarray) -> None:
        """Take the rows of ``array`` into account."""
        rows = array.reshape(-1, array.shape[-1])
        self.count += len(rows)
        self.total += rows.sum(axis=0, dtype=np.float64)
        self.gram += rows.T @ rows


@dataclass
class Scores:
    """Scores ``q . k^T * scale`` of one attention: all of them, and the largest of each row."""

    every: Histogram = field(default_factory=Histogram)
    largest: Histogram = field(default_factory=Histogram)

    def add(self, scores: np.ndarray) -> None:
        """Take the scores ``[B, H, T, S]`` of a window into account."""
        self.every.add(scores)
        self.largest.add(scores.max(axis=-1))


@dataclass
class Statistics:
    """Histograms of all float values, moments of the inputs of linear layers.

    ``scores`` has those of every attention without bias, by its result. ``means`` holds, for the
    input of a convolution, the sum of the means ``[C]`` of its windows.
    """

    histograms: dict[Value, Histogram] = field(default_factory=dict)
    moments: dict[Value, Moments] = field(default_factory=dict)
    means: dict[Value, np.ndarray] = field(default_factory=dict)
    scores: dict[Value, Scores] = field(default_factory=dict)
    windows: int = 0


def calibrate(graph: Graph, windows: Windows) -> Statistics:
    """Run the float ``graph`` on every window and collect statistics of its activations.

    ``EdgecompError`` where the windows do not fit the inputs, or where an activation is not
    finite (the message names the node).
    """
    statistics = Statistics()
    wanted = {node.inputs[0] for node in graph.nodes if node.op == "linear"}
    for value in wanted:
        width = value.shape[-1]
        if width <= MOMENT_LIMIT and not value.is_constant:
            statistics.moments[value] = Moments(0, np.zeros(width), np.zeros((width, width)))

    filtered = {node.inputs[0] for node in graph.nodes if node.op == "conv_nhwc"}
    observe_scores = _score_observer(graph, statistics)

    def observe(value: Value, array: np.ndarray) -> None:
        if value.type.dtype is not DType.F32:
            return
        _check_finite(value, array)
        statistics.histograms.setdefault(value, Histogram()).add(array)
        if value in statistics.moments:
            statistics.moments[value].add(array)
        if value in filtered:
            mean = array.reshape(-1, array.shape[-1]).mean(axis=0, dtype=np.float64)
            statistics.means[value] = statistics.means.get(value, 0.0) + mean
        observe_scores(value, array)

    for inputs in split_windows(graph, windows):
        interpret(graph, inputs, observe)
        statistics.windows += 1
    return statistics


def _score_observer(graph: Graph, statistics: Statistics) -> Observer:
    """Collects the scores of every attention without bias, which are no values of the graph."""
    attentions = [n for n in graph.nodes if n.op == "attention" and len(n.inputs) == 3]
    statistics.scores = {node.output: Scores() for node in attentions}
    read = {value for node in attentions for value in node.inputs[:2]}
    operands = {value: value.array for value in read if value.is_constant}

    def observe(value: Value, array: np.ndarray) -> None:
        if value in read:
            operands[value] = array
        node = value.producer
        if node is not None and value in statistics.scores:
            q, k = (operands[each] for each in node.inputs[:2])
            statistics.scores[value].add(attention_scores(node, q, k))

    return observe


def split_windows(graph: Graph, windows: Windows) -> list[dict[str, np.ndarray]]:
    """The inputs of every single run.

    An array is taken for the only input. Each window fills the declared input shape, whose
    leading batch axis may be left out of the array.
    """
    arrays = _by_name(graph, windows)
    counts = {len(array) for array in arrays.values()}
    if len(counts) != 1 or 0 in counts:
        raise EdgecompError(
            f"calibration needs the same number of windows for every input, got {sorted(counts)}",
            "give at least one window [count, ...] per input",
        )
    return [
        {value.name: _shaped(value, arrays[value.name][index]) for value in graph.inputs}
        for index in range(counts.pop())
    ]


def _by_name(graph: Graph, windows: Windows) -> dict[str, np.ndarray]:
    names = [value.name for value in graph.inputs]
    if isinstance(windows, np.ndarray):
        if len(names) != 1:
            raise EdgecompError(
                f"the network has {len(names)} inputs and one array of windows was given",
                f"give one array per input: {', '.join(names)}",
            )
        return {names[0]: windows}
    missing = [name for name in names if name not in windows]
    if missing:
        raise EdgecompError(f"no windows for the inputs {', '.join(missing)}")
    return {name: np.asarray(windows[name]) for name in names}


def _shaped(value: Value, window: np.ndarray) -> np.ndarray:
    if window.size != value.type.size:
        raise EdgecompError(
            f"a window of shape {window.shape} does not fit input {value.name} {value.shape}",
            f"windows have the shape [count, {', '.join(map(str, value.shape[1:]))}]",
        )
    return np.ascontiguousarray(window.reshape(value.shape), value.type.dtype.numpy)


def _check_finite(value: Value, array: np.ndarray) -> None:
    if np.isfinite(array).all():
        if value.producer is None:
            _check_unit(value, float(np.abs(array).max(initial=0.0)))
        return
    if value.producer is None:
        raise EdgecompError(
            f"calibration windows for input {value.name} hold NaN or infinite values",
            "clean the recording, or leave these windows out",
        )
    origin = value.producer.name or f"%{value.name}"
    raise EdgecompError(
        f"the float model computes NaN or infinite values in {origin} ({value.producer.op})",
        "check the weights, and the scale of the calibration windows",
    )


def _check_unit(value: Value, largest: float) -> None:
    if largest == 0.0 or LEAST_INPUT <= largest < -MASKED:
        return
    raise EdgecompError(
        f"a calibration window for input {value.name} holds values of up to {largest:.3g}",
        "give recordings in the unit that the network was trained with",
    )
