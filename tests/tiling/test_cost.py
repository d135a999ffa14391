"""The cost model: one example by hand, and what must hold of every program."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.ir import DType, TensorType, Value
from edgecomp.targets import Board, load_board
from edgecomp.targets.rates import KernelRate, KernelRates
from edgecomp.tiling.cost import estimate
from edgecomp.tiling.expr import Expr, wrap
from edgecomp.tiling.program import Call, Loop, Operand, Region, TileProgram

TENSOR = Value("t", TensorType((1 << 20,), DType.I8))


def board(clock: str = "cluster") -> Board:
    """8 bytes a cycle, 16 cycles a transfer; a kernel of 100 + 10 rows + elements + macs / 4."""
    kit = load_board("gap9_evk")
    rate = KernelRate(
        cycles_per_call=100, cycles_per_row=10, cycles_per_element=1, macs_per_cycle=4
    )
    path = kit.transfers.l2_l1.model_copy(
        update={"bytes_per_cycle": 8.0, "cycles_per_transfer": 16.0, "clock": clock}
    )
    return kit.model_copy(
        update={
            "kernels": KernelRates({"k": rate}),
            "transfers": kit.transfers.model_copy(update={"l2_l1": path}),
            "orchestration": kit.orchestration.model_copy(
                update={"cycles_per_step": 60.0, "cycles_per_transfer": 0.0}
            ),
        }
    )


def program(
    extent: int = 200,
    step: int = 80,
    buffers: int = 2,
    macs: int = 0,
    rows: int = 1,
    scale: int = 1,
    when: tuple[tuple[Expr, int], ...] = (),
) -> TileProgram:
    i = Loop("i", extent, step)
    region = Region.contiguous(i.start * scale, i.size * scale)
    x = Operand("x", TENSOR, "in", region, i.index, buffers)
    y = Operand("y", TENSOR, "out", region, i.index, buffers)
    call = Call("k", {}, i.size, wrap(macs), wrap(rows), when)
    return TileProgram((i,), (x, y), (call,))


def test_an_example_by_hand_with_overlap() -> None:
    """Tiles of 80, 80 and 40 bytes: transfers of 26, 26 and 21 cycles, kernels of 190, 190, 150.

    All but the first load and the last store run beside the kernels.
    """
    cost = estimate(program(), board())
    assert cost.compute == 190 + 190 + 150
    assert cost.exposed_dma == 26 + 21
    assert cost.overhead == 3 * 60
    assert cost.total == cost.compute + cost.exposed_dma + cost.overhead
    assert cost.bytes_moved == 400


@pytest.mark.parametrize("elements", [1, 999])
def test_what_the_accelerator_takes_longer_than_the_cores_is_waited_for(elements: int) -> None:
    """Three slots, a fourth of the cores alone: jobs of 300 cycles and what banks cost them.

    A slot of the cores takes 110 + elements, and 60 of the orchestrator.
    """
    i = Loop("i", 3, 1)
    job = Call("k", {}, wrap(190), engine="ne16")
    after = Call("k", {}, wrap(elements), lag=1)
    kit = board()
    cost = estimate(TileProgram((i,), (), (job, after)), kit)
    assert kit.ne16 is not None
    beside = 2 * min(300, 110 + elements) * kit.ne16.lost_beside_cores
    assert cost.ne16 == pytest.approx(3 * 300 + beside)
    assert cost.compute == 3 * (110 + elements)
    assert cost.overhead == 4 * 60
    slots = [(300, 0)] + [(300 + beside / 2, 110 + elements)] * 2 + [(0, 110 + elements)]
    waited = sum(max(0.0, engine - cores - 60) for engine, cores in slots)
    assert cost.exposed_ne16 == pytest.approx(waited)
    assert cost.total == pytest.approx(cost.compute + cost.overhead + cost.exposed_ne16)


def test_without_a_second_buffer_every_transfer_is_exposed() -> None:
    cost = estimate(program(buffers=1), board())
    assert cost.exposed_dma == 2 * (26 + 26 + 21)


def test_a_step_takes_the_longer_of_its_kernels_and_transfers() -> None:
    """Tiles of 80,000 bytes: a load takes 10,016 cycles, a kernel 80,110."""
    slow = estimate(program(extent=160_000, step=80_000, scale=6), board())
    load = 16 + 60_000
    assert slow.exposed_dma == 2 * load
    slower = estimate(program(extent=160_000, step=80_000, scale=16), board())
    load = 16 + 160_000
    assert slower.exposed_dma == 2 * load + 2 * (load - 80_110)


def test_calls_cost_where_their_condition_holds() -> None:
    i = Loop("i", 200, 80)
    cost = estimate(program(when=((i.index, 1),)), board())
    assert cost.compute == 190


def test_a_tile_that_stays_is_moved_once() -> None:
    i, j = Loop("i", 4, 1), Loop("j", 8, 2)
    x = Operand("x", TENSOR, "in", Region.contiguous(i.start * 64, 64), i.index, 1)
    y = Operand("y", TENSOR, "out", Region.contiguous(i.start * 64, 64), i.index, 1)
    cost = estimate(TileProgram((i, j), (x, y), ()), board())
    assert cost.bytes_moved == 2 * 4 * 64
    assert cost.exposed_dma == 2 * 4 * (16 + 8)


def test_planes_are_transfers_of_their_own() -> None:
    region = Region(wrap(0), wrap(9), wrap(3), 16, wrap(2), 64)
    x = Operand("x", TENSOR, "in", region)
    assert estimate(TileProgram((), (x,), ()), board()).exposed_dma == 2 * (16 + 3 * 2)


def test_transfers_are_charged_in_cluster_cycles() -> None:
    """The board says by which clock its DMA counts."""
    fast, slow = board(), board("peripheral")
    ratio = slow.clocks.cluster_hz / slow.clocks.peripheral_hz
    assert ratio != 1
    expected = ratio * estimate(program(buffers=1), fast).exposed_dma
    assert estimate(program(buffers=1), slow).exposed_dma == pytest.approx(expected)


SIZES = st.integers(1, 500)


@given(SIZES, SIZES, st.sampled_from([1, 2]), SIZES, SIZES, st.integers(1, 9))
@settings(deadline=None)
def test_more_work_is_never_cheaper(
    extent: int, step: int, buffers: int, macs: int, more: int, scale: int
) -> None:
    step = min(step, extent)
    kit = board()
    base = estimate(program(extent, step, buffers, macs, 1, scale), kit)
    assert base.exposed_dma >= 0
    for other in (
        program(extent, step, buffers, macs + more, 1, scale),
        program(extent, step, buffers, macs, 1 + more, scale),
        program(extent, step, buffers, macs, 1, scale + more),
        program(extent, step, 1, macs, 1, scale),
    ):
        assert estimate(other, kit).total >= base.total
