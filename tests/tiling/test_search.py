"""The choice of tiles: what fits, what is cheapest, and that searching once gives the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgecomp.ir import Graph, parse
from edgecomp.targets import Board, TargetError, load_board, parse_engines, with_engines
from edgecomp.tiling import Measurements, Search, TilingError, choose
from edgecomp.tiling.measured import fingerprint
from edgecomp.tiling.program import TileProgram
from edgecomp.tiling.search import _TILERS, ranked

TEXT = """
graph "two" (%x: i8[100, 64; scale=0.1, zero=0]) -> (%y, %z) {
  %w: i8[96, 64] = constant splat 1
  %m: i32[96] = constant splat 3
  %b: i32[96] = constant splat 5
  %y: i8[100, 96; scale=0.1, zero=0] = q_linear(%x, %w, %m, %b) {shift = 9, table = false,
      residual = false, dtype = "i8", scale = 0.1, zero = 0}
  %v: i8[96, 64] = constant splat 2
  %n: i32[96] = constant splat 7
  %c: i32[96] = constant splat 8
  %z: i8[100, 96; scale=0.2, zero=4] = q_linear(%x, %v, %n, %c) {shift = 11, table = false,
      residual = false, dtype = "i8", scale = 0.2, zero = 4}
}
"""


def graph() -> Graph:
    return parse(TEXT)


def test_a_layer_of_the_same_shape_gets_the_same_tiles_with_its_own_tensors() -> None:
    board = load_board("gap9_evk")
    search = Search(board)
    first, second = graph().nodes
    one, two = search.choose(first), search.choose(second)
    assert (one.place, one.cost) == (two.place, two.cost)
    assert one.place == choose(second, board).place
    assert two.program.operands[-1].value is second.output
    assert {op.value for op in two.program.operands} == {*second.inputs, second.output}


def test_the_choice_is_the_cheapest_that_fits() -> None:
    """With less L1 the layer costs more, never less, and stays inside."""
    board = load_board("gap9_evk")
    node = graph().nodes[0]
    costs = []
    for l1_bytes in (100_000, 8_000, 2_000):
        memories = board.memories.model_copy(
            update={"l1_bytes": l1_bytes + board.l1_reserved_bytes}
        )
        tiling = choose(node, board.model_copy(update={"memories": memories}))
        assert tiling.program.l1_bytes <= l1_bytes
        costs.append(tiling.cost.total)
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


def test_a_layer_that_no_tiling_brings_into_l1_is_refused_with_numbers() -> None:
    board = load_board("gap9_evk")
    memories = board.memories.model_copy(update={"l1_bytes": 100 + board.l1_reserved_bytes})
    with pytest.raises(TilingError, match="needs [0-9]+ bytes of L1 .* has 100"):
        choose(graph().nodes[0], board.model_copy(update={"memories": memories}))


def raised() -> Graph:
    return parse(
        TEXT.replace("%x: i8[100, 64; scale=0.1, zero=0]", "%x: u8[100, 64; scale=0.1, zero=0]")
    )


def test_engines_say_who_computes() -> None:
    board, never = load_board("gap9_evk"), slow_ne16()
    node = raised().nodes[0]
    assert choose(node, never).program.engines == ("cluster",)
    assert "ne16" in choose(node, never, engines="ne16").program.engines
    assert Search(never, engines="ne16").choose(node).program.engines == ("ne16",)
    cores = with_engines(board, "cores")
    assert choose(node, cores).program.engines == ("cluster",)


def slow_ne16() -> Board:
    """The board with an NE16 that is never worth it."""
    board = load_board("gap9_evk")
    slow = board.kernels["ne16_linear"].model_copy(update={"macs_per_cycle": 0.01})
    kernels = type(board.kernels)({**board.kernels.root, "ne16_linear": slow})
    return board.model_copy(update={"kernels": kernels})


def test_a_layer_on_the_cores_says_why() -> None:
    """Where NE16 has a part, or the board has none, there is nothing to say."""
    board, node, signed = load_board("gap9_evk"), raised().nodes[0], graph().nodes[0]
    assert choose(node, board).on_cores == ""
    assert choose(node, load_board("pulp_open")).on_cores == ""
    assert choose(signed, board).on_cores == "a signed input"
    cores = with_engines(board, "cores")
    assert choose(node, cores, engines="cores").on_cores == ""
    small = board.memories.model_copy(update={"l1_bytes": 2_000 + board.l1_reserved_bytes})
    short = board.model_copy(update={"memories": small})
    assert choose(node, short).on_cores == "no tiling on NE16 fits L1"


def test_the_reason_names_the_cycles_of_both_engines() -> None:
    board, node = slow_ne16(), raised().nodes[0]
    chosen, other = choose(node, board), choose(node, board, engines="ne16")
    cycles = f"{chosen.cost.total:,.0f} cycles, with NE16 {other.cost.total:,.0f}"
    assert chosen.on_cores == f"cheaper by the model ({cycles})"
    found = {fingerprint(each.program, board): 9.0 for each in (chosen, other)}
    found[fingerprint(chosen.program, board)] = 5.0
    measured = choose(node, board, Measurements(board, found))
    assert measured.on_cores == "faster as measured (5 cycles, with NE16 9)"


def test_equal_layers_that_ne16_refuses_for_their_numbers_are_kept_apart() -> None:
    """The second one's multipliers are too large: the tiles of the first are not for it."""
    first, second = raised().nodes
    multiplier = second.inputs[2]
    multiplier.data = np.full(multiplier.shape, 1 << 16, np.int32)
    search = Search(load_board("gap9_evk"))
    assert search.choose(first).on_cores == ""
    assert search.choose(second).on_cores == "a multiplier of more than 16 bits"
    assert search.choose(second).on_cores == "a multiplier of more than 16 bits"


def test_engines_that_cannot_be_are_refused() -> None:
    with pytest.raises(TargetError, match="engines is one of cores, ne16, all"):
        parse_engines("gpu")
    with pytest.raises(TargetError, match="pulp_open has none"):
        with_engines(load_board("pulp_open"), "ne16")


def racing(program: TileProgram) -> TileProgram:
    """``program`` with a call far behind the others that writes a result's only buffer."""
    last = program.calls[-1]
    operands = tuple(
        replace(each, buffers=1 if each.direction == "out" else each.buffers)
        for each in program.operands
    )
    return replace(program, operands=operands, calls=(*program.calls, replace(last, lag=9)))


def test_candidates_that_race_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    board, node = with_engines(load_board("gap9_evk"), "cores"), graph().nodes[0]
    good = [tiling.program for tiling in ranked(node, board)]
    bad = [racing(program) for program in good if program.steps > 9]
    monkeypatch.setitem(_TILERS, "q_linear", {"cluster": lambda _: [bad[0], good[0], bad[1]]})
    found = [(each.place, each.program) for each in ranked(node, board)]
    assert found == [(("cluster", 1), good[0])]
    monkeypatch.setitem(_TILERS, "q_linear", {"cluster": lambda _: bad})
    with pytest.raises(TilingError, match="no tiling whose buffers are kept apart: the content of"):
        ranked(node, board)


@pytest.mark.parametrize(
    ("largest", "engines"), [(65_535, {"cluster", "ne16"}), (65_536, {"cluster"})]
)
def test_multipliers_beyond_16_bits_are_left_to_the_cores(largest: int, engines: set[str]) -> None:
    node = raised().nodes[0]
    multiplier = node.inputs[2]
    multiplier.data = np.full(multiplier.shape, largest, np.int32)
    candidates = ranked(node, load_board("gap9_evk"))
    assert {engine for each in candidates for engine in each.program.engines} == engines
