"""Tile programs: L1 layout, the proof that no transfer leaves its tensor, and the choice."""

from __future__ import annotations

import pytest

from edgecomp.ir import DType, Graph, TensorType, Value, create, parse
from edgecomp.targets import Board, load_board
from edgecomp.tiling import TilingError, choose
from edgecomp.tiling.expr import wrap
from edgecomp.tiling.program import (
    L1_ALIGNMENT,
    L1_GUARD,
    Call,
    Loop,
    Operand,
    Pointer,
    Region,
    Scratch,
    TileProgram,
)

TENSOR = Value("t", TensorType((10, 10), DType.I8))


def board(l1_bytes: int) -> Board:
    kit = load_board("gap9_evk")
    memories = kit.memories.model_copy(update={"l1_bytes": l1_bytes + kit.l1_reserved_bytes})
    return kit.model_copy(update={"memories": memories})


def test_l1_buffers_are_apart_aligned_and_guarded() -> None:
    m = Loop("m", 10, 3)
    rows = Region.contiguous(m.start * 10, m.size * 10)
    program = TileProgram(
        (m,),
        (
            Operand("x", TENSOR, "in", rows, m.index, 2),
            Operand("y", TENSOR, "out", rows, m.index, 1),
        ),
        (),
        (Scratch("s", 7),),
    )
    assert [each.bytes for each in program.l1_layout.values()] == [30, 30, 7]
    assert [each.copies for each in program.l1_layout.values()] == [2, 1, 1]
    end = 0
    for each in program.l1_layout.values():
        for copy in range(each.copies):
            offset = each.offset + copy * each.pitch
            assert offset % L1_ALIGNMENT == 0 and offset >= end
            end = offset + each.bytes + L1_GUARD
    assert end <= program.l1_bytes < end + L1_ALIGNMENT


def test_steps_run_through_the_inner_loop_first() -> None:
    program = TileProgram((Loop("a", 4, 2), Loop("b", 3, 1)), (), ())
    assert program.indices["a"].tolist() == [0, 0, 0, 1, 1, 1]
    assert program.indices["b"].tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    "region",
    [
        Region.contiguous(1, 100),
        Region.contiguous(-1, 4),
        Region.block(5, 10, 6, 10),
        Region(wrap(0), wrap(1), wrap(10), 10, wrap(2), 10),
        Region.contiguous(Loop("m", 4, 1).start * 34, 10),
    ],
)
def test_transfers_that_leave_the_tensor_are_found(region: Region) -> None:
    program = TileProgram((Loop("m", 4, 1),), (Operand("x", TENSOR, "in", region),), ())
    with pytest.raises(ValueError, match="operand x touches bytes"):
        program.check()


def test_transfers_up_to_the_last_byte_are_allowed() -> None:
    for region in (Region.contiguous(0, 100), Region.block(4, 10, 6, 10)):
        TileProgram((), (Operand("x", TENSOR, "in", region),), ()).check()


def test_kernels_may_not_point_at_buffers_that_do_not_exist() -> None:
    call = Call("copy", {"x": Pointer("gone")}, wrap(1))
    with pytest.raises(ValueError, match="unknown buffer gone"):
        TileProgram((), (), (call,)).check()


TURN = Loop("m", 10, 1)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (Region.contiguous(0, 10), "byte 0 of .* is written 10 times"),
        (Region.contiguous(TURN.start * 10, 9), "byte 9 of .* is written 0 times"),
        (Region.contiguous(TURN.start * 9, 10), "byte 9 of .* is written 2 times"),
        (Region.block(TURN.start // 2, 10, 1, 10), "byte 0 of .* is written 2 times"),
        (Region.block(TURN.start, 5, 1, 20), "byte 10 of .* is written 0 times"),
        (Region.block(TURN.start, 10, 1, 10), ""),
        (Region(TURN.start * 2, wrap(2), wrap(5), 20), ""),
        (Region(TURN.start, wrap(1), wrap(5), 20, wrap(2), 10), ""),
    ],
)
def test_every_byte_of_a_result_is_written_once(region: Region, message: str) -> None:
    call = Call("fill", {"y": Pointer("y")}, wrap(1))
    program = TileProgram((TURN,), (Operand("y", TENSOR, "out", region, TURN.index),), (call,))
    if not message:
        program.check()
        return
    with pytest.raises(ValueError, match=message):
        program.check()


ADD = """
graph "g" (%a: i8[64, 64; scale=0.5, zero=0]) -> (%y) {
  %y: i8[64, 64; scale=0.5, zero=0] = transpose(%a) {permutation = [1, 0]}
}
"""


def test_the_choice_fits_and_less_memory_is_never_faster() -> None:
    node = parse(ADD).nodes[0]
    totals = []
    for l1_bytes in (512, 2048, 8192, 65536):
        tiling = choose(node, board(l1_bytes))
        assert tiling.program.l1_bytes <= l1_bytes
        totals.append(tiling.cost.total)
    assert totals == sorted(totals, reverse=True)


def test_a_layer_that_never_fits_says_how_much_it_needs() -> None:
    with pytest.raises(TilingError, match=r"needs \d+ bytes of L1.* has 16 beside"):
        choose(parse(ADD).nodes[0], board(16))


def test_an_operator_without_tiler_is_named() -> None:
    graph = Graph()
    x = graph.add_input("x", TensorType((4,), DType.F32))
    node = create(graph, "add", [x, x], name="encoder.add")
    with pytest.raises(TilingError, match=r"operator add \(from encoder.add\)"):
        choose(node, board(4096))


def test_a_layer_without_any_tiling_says_why() -> None:
    """Six axes, all padded: more than a strided copy has."""
    graph = Graph()
    x = graph.add_input("x", TensorType((2,) * 6, DType.I8))
    node = create(graph, "pad", [x], {"pads": (1,) * 12, "value": 0.0})
    with pytest.raises(TilingError, match="more dimensions"):
        choose(node, board(65536))
