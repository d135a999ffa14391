"""The proof on one window that fusion changed no bit."""

from __future__ import annotations

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.ir import Graph, interpret
from edgecomp.pipeline.reference import Reference, quantize_windows


def check_fusion(unfused: Graph, reference: Reference) -> None:
    """``EdgecompError`` where the fused graph's ``reference`` is not what ``unfused`` gives.

    Of the first window. All simulators are compared with the fused graph, so that nothing else
    would notice a pass that is wrong.
    """
    inputs = quantize_windows(unfused, reference.windows)
    feed = {value.name: x[0] for value, x in zip(unfused.inputs, inputs, strict=True)}
    expected = interpret(unfused, feed)
    for value, old, new in zip(unfused.outputs, expected, reference.integers, strict=True):
        if not np.array_equal(old, new[0]):
            raise EdgecompError(
                f"fusion changed {np.count_nonzero(old != new[0])} of {old.size} elements of the "
                f"output {value.name}",
                "this is a defect of edgecomp: report it with the model",
            )
