"""What NE16 refuses of a convolution, in words."""

from __future__ import annotations

import pytest

from edgecomp.ir import parse
from edgecomp.targets import load_board
from edgecomp.tiling import choose

TEXT = """
graph "g" (%x: u8[1, 12, 12, 8; scale=0.1, zero=128]) -> (%y) {{
  %w: i8[16, {kernel}, {width}] = constant splat 1
  %m: i32[16] = constant splat 3
  %b: i32[16] = constant splat 5
  %y: i8[1, {out}, 16; scale=0.1, zero=0] = q_conv(%x, %w, %m, %b) {{strides = [{strides}],
      pads = [{pads}], dilations = [{dilations}], groups = {groups}, zero_x = 128, shift = 9,
      table = false, dtype = "i8", scale = 0.1, zero = 0}}
}}
"""
DENSE = {
    "kernel": "3, 3",
    "width": 8,
    "out": "10, 10",
    "strides": "1, 1",
    "pads": "0, 0, 0, 0",
    "dilations": "1, 1",
    "groups": 1,
}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"kernel": "5, 3", "out": "8, 10"}, "a filter of 5x3 taps"),
        ({"groups": 2, "width": 4}, "2 groups"),
        ({"strides": "3, 3", "out": "4, 4"}, "strides of 3x3"),
        ({"dilations": "2, 2", "out": "8, 8"}, "dilations of 2x2"),
        ({"pads": "2, 2, 2, 2", "out": "14, 14"}, "padding of 2 around 3x3 taps"),
    ],
)
def test_what_is_in_the_way_is_named(changed: dict[str, object], reason: str) -> None:
    [node] = parse(TEXT.format(**DENSE | changed)).nodes
    tiling = choose(node, load_board("gap9_evk"), engines="ne16")
    assert (tiling.program.engines, tiling.on_cores) == (("cluster",), reason)


def test_nothing_is_in_the_way_of_three_by_three_taps() -> None:
    [node] = parse(TEXT.format(**DENSE)).nodes
    tiling = choose(node, load_board("gap9_evk"), engines="ne16")
    assert "ne16" in tiling.program.engines and tiling.on_cores == ""
