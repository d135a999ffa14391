"""Fusion is caught where it changes bits."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.errors import EdgecompError
from edgecomp.ir import parse
from edgecomp.pipeline.check_fusion import check_fusion
from edgecomp.pipeline.reference import Reference, integer_reference

TEXT = """graph "g" (%x: i8[4, 8; scale=0.1, zero=0]) -> (%y) {
  %w: i8[6, 8] = constant normal 1
  %m: i32[6] = constant splat 40
  %b: i32[6] = constant splat 700
  %y: i8[4, 6; scale=0.1, zero=0] = q_linear(%x, %w, %m, %b) {shift = 9, dtype = "i8",
    scale = 0.1, zero = 0}
}"""

WINDOWS = {"x": np.random.default_rng(0).normal(0, 5, (2, 4, 8)).astype(np.float32)}


def test_fusion_that_changes_a_bit_is_refused() -> None:
    fused = parse(TEXT)
    for shift in (9, 10):
        fused.nodes[0].attributes["shift"] = shift
        integers, checksums = integer_reference(fused, fused.nodes, WINDOWS)
        reference = Reference(WINDOWS, [], integers, checksums)
        if shift == 9:
            check_fusion(parse(TEXT), reference)
            continue
        with pytest.raises(EdgecompError, match="fusion changed .* elements of the output y"):
            check_fusion(parse(TEXT), reference)
