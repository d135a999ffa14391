"""L2 holds the layers' code beside the planned buffers, and fusion cuts more where it must."""

from __future__ import annotations

import re

import pytest

from edgecomp.fusion import fusion_pipeline
from edgecomp.ir import Graph, parse, print_graph, run_passes
from edgecomp.memory import DoesNotFit
from edgecomp.pipeline.compile import Plan, fuse_and_plan, plan
from edgecomp.targets import Board, load_board
from edgecomp.tiling import Search

SIDE, FEW, MANY = 40, 4, 16
PIXELS = SIDE * SIDE
HIDDEN = f"i8[1, {SIDE}, {SIDE}, {MANY}; scale=0.02, zero=-5]"
TEXT = f"""graph "grid" (%x: i8[1, {SIDE}, {SIDE}, {FEW}; scale=0.02, zero=-5]) -> (%y) {{
  %w1: i8[{MANY}, {FEW}] = constant normal 1
  %w: i8[{MANY}, 3, 3, 1] = constant normal 2
  %m: i32[{MANY}] = constant splat 60
  %b: i32[{MANY}] = constant splat -900
  %w2: i8[{FEW}, {MANY}] = constant normal 3
  %m2: i32[{FEW}] = constant splat 60
  %b2: i32[{FEW}] = constant splat -900
  %h: {HIDDEN} = q_linear(%x, %w1, %m, %b) {{shift = 6, dtype = "i8", scale = 0.02, zero = -5}}
  %c: {HIDDEN} = q_conv(%h, %w, %m, %b) {{strides = [1, 1], pads = [1, 1, 1, 1],
    dilations = [1, 1], groups = {MANY}, zero_x = -5, shift = 9, table = false, dtype = "i8",
    scale = 0.02, zero = -5}}
  %y: i8[1, {SIDE}, {SIDE}, {FEW}; scale=0.02, zero=-5] = q_linear(%c, %w2, %m2, %b2) {{
    shift = 9, dtype = "i8", scale = 0.02, zero = -5}}
}}"""
NEEDED = 2 * PIXELS * MANY + 1_000
"""Both hidden tensors, and more than the constants of the convolution; less than there is code."""


def board(available: int) -> Board:
    """The kit with so many bytes of L2 for buffers and layers."""
    kit = load_board("gap9_evk")
    memories = kit.memories.model_copy(update={"l2_bytes": available + kit.l2_reserved_bytes})
    return kit.model_copy(update={"memories": memories})


def planned(graph: Graph, available: int) -> Plan:
    kit = board(available)
    return fuse_and_plan(graph, kit, Search(kit).choose)


@pytest.fixture
def whole() -> Plan:
    """The network without cuts."""
    graph = parse(TEXT)
    run_passes(graph, fusion_pipeline(raised=True))
    return plan(graph, load_board("gap9_evk"), keep=False)


def test_what_fits_beside_the_code_is_not_cut(whole: Plan) -> None:
    found = planned(parse(TEXT), NEEDED + whole.code_bytes)
    assert len(found.layers) == len(whole.layers)
    assert found.placement.plan.capacity + found.code_bytes == found.board.l2_available_bytes


def test_what_fits_without_the_code_only_is_cut(whole: Plan) -> None:
    graph = parse(TEXT)
    text = print_graph(graph)
    run_passes(uncut := graph.copy(), fusion_pipeline(NEEDED, raised=True))
    assert len(plan(uncut, load_board("gap9_evk")).layers) == len(whole.layers)
    found = planned(graph, NEEDED)
    assert len(found.layers) > len(whole.layers)
    assert found.placement.plan.size + found.code_bytes <= found.board.l2_available_bytes
    assert print_graph(graph) == text, "the quantized graph stays"


def test_what_never_fits_is_told_with_the_bytes_of_code() -> None:
    kit = board(2 * PIXELS * FEW)
    with pytest.raises(DoesNotFit) as caught:
        fuse_and_plan(parse(TEXT), kit, Search(kit).choose)
    found = re.search(
        r"([\d,]+) bytes of which code takes ([\d,]+) \(([\d,]+) of them the network's layers",
        caught.value.message,
    )
    assert found is not None
    l2, code, layers = (int(number.replace(",", "")) for number in found.groups())
    assert l2 == kit.memories.l2_bytes
    assert code == kit.reserved.code_bytes + layers
    assert 500 < layers < 20_000
