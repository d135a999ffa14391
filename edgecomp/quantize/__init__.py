"""Post-training quantization: from a float graph and example windows to an integer graph."""

from __future__ import annotations

from dataclasses import dataclass

from edgecomp.errors import EdgecompError
from edgecomp.ir import DType, Graph, run_passes, verify
from edgecomp.quantize import calibrate as calibration
from edgecomp.quantize import lower as lowering
from edgecomp.quantize.assign import Assignment
from edgecomp.quantize.calibrate import Statistics, Windows, split_windows
from edgecomp.quantize.expand_operations import ExpandOperations
from edgecomp.quantize.hoist_functions import HoistFunctions
from edgecomp.quantize.ranges import METHODS, Method
from edgecomp.quantize.recognize_norms import RecognizeNorms

__all__ = [
    "METHODS",
    "Assignment",
    "Method",
    "Quantized",
    "Statistics",
    "Windows",
    "quantize",
    "split_windows",
]


@dataclass(frozen=True)
class Quantized:
    """An integer graph and what it came from.

    ``mapping`` gives, for the name of an integer value, the name of the float value it stands for.
    """

    graph: Graph
    mapping: dict[str, str]
    statistics: Statistics


def quantize(
    graph: Graph, windows: Windows, method: Method = "mse", compensate: bool = True
) -> Quantized:
    """The integer form of the float ``graph``, calibrated on ``windows``.

    Some operations of ``graph`` are expressed by others and functions change places with data
    movement; its meaning stays.

    ``method`` chooses 8-bit ranges: least squared error, extremes seen, or percentiles.
    ``compensate`` fits the rounding of weights to the second moments of the layer's input. The
    same arguments give the same bits. ``EdgecompError`` for windows that do not fit, activations
    that are not finite, and operations without integer form.
    """
    if method not in METHODS:
        raise EdgecompError(f"unknown range method {method!r}", f"known: {', '.join(METHODS)}")
    _check_inputs(graph)
    run_passes(graph, [RecognizeNorms(), ExpandOperations(), HoistFunctions()])
    statistics = calibration.calibrate(graph, windows)
    integer, mapping = lowering.lower(graph, Assignment(graph, statistics, method), compensate)
    verify(integer)
    return Quantized(integer, mapping, statistics)


def _check_inputs(graph: Graph) -> None:
    for value in graph.inputs:
        if value.type.dtype is not DType.F32:
            raise EdgecompError(
                f"input {value.name} is {value.type.dtype.value}; networks take float32 inputs",
                "export the part of the model behind the integer input",
            )
