"""Fusion is caught where it changes bits."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.errors import EdgecompError
from edgecomp.ir import Graph, Pass, parse
from edgecomp.pipeline import fuse as stage
from edgecomp.targets import load_board

TEXT = """graph "g" (%x: i8[4, 8; scale=0.1, zero=0]) -> (%y) {
  %w: i8[6, 8] = constant normal 1
  %m: i32[6] = constant splat 40
  %b: i32[6] = constant splat 700
  %y: i8[4, 6; scale=0.1, zero=0] = q_linear(%x, %w, %m, %b) {shift = 9, dtype = "i8",
    scale = 0.1, zero = 0}
}"""

WINDOWS = {"x": np.random.default_rng(0).normal(0, 5, (1, 4, 8)).astype(np.float32)}


class Shift(Pass):
    """A pass that halves a result."""

    name = "shift"

    def run(self, graph: Graph) -> bool:
        """Shift once more."""
        [node] = graph.nodes
        node.attributes["shift"] = node.integer("shift") + 1
        return False


def test_fusion_that_changes_a_bit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    board = load_board("gap9_evk")
    stage.fuse(parse(TEXT), board, WINDOWS)
    monkeypatch.setattr(stage, "fusion_pipeline", lambda *_: [Shift()])
    with pytest.raises(EdgecompError, match="fusion changed .* elements of the output y"):
        stage.fuse(parse(TEXT), board, WINDOWS)
