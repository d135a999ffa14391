"""Fusion, and the proof on one window that it changed no bit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.fusion import fusion_pipeline
from edgecomp.ir import Graph, interpret, run_passes
from edgecomp.pipeline.reference import quantize_windows
from edgecomp.targets import Board


def fuse(graph: Graph, board: Board, windows: Mapping[str, np.ndarray]) -> None:
    """Fuse the layers of the integer ``graph`` in place.

    ``windows``: input name -> float32 [windows, *shape]. The integer reference is that of the fused
    graph, so that nothing behind this stage would notice a wrong pass: ``EdgecompError`` where the
    outputs of the first window are not what they were.
    """
    inputs = quantize_windows(graph, windows)
    feed = {value.name: x[0] for value, x in zip(graph.inputs, inputs, strict=True)}
    before = interpret(graph, feed)
    run_passes(graph, fusion_pipeline(board.l2_available_bytes, board.ne16 is not None))
    after = interpret(graph, feed)
    for value, old, new in zip(graph.outputs, before, after, strict=True):
        if not np.array_equal(old, new):
            raise EdgecompError(
                f"fusion changed {np.count_nonzero(old != new)} of {old.size} elements of the "
                f"output {value.name}",
                "this is a defect of edgecomp: report it with the model",
            )
