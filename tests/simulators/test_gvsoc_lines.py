"""What the lines of a run on the simulated chip mean."""

from __future__ import annotations

import pytest

from edgecomp.simulators.common import LayerCycles, SimulatorError
from edgecomp.simulators.gvsoc_lines import Run


def name(address: int) -> str:
    return "ec_linear" if address == 0x1C010400 else ""


def read(*lines: str) -> Run:
    run = Run()
    for line in lines:
        run.read(line, name)
    return run


def test_a_run_of_two_layers() -> None:
    run = read(
        "@ec timed 0 0 100 60 20 10",
        "@ec timed 0 1 50 50 0 0",
        "@ec window 0 160",
        "@ec check 0 0 00000001",
        "@ec check 0 1 ffffffff",
        "@ec stack 336 788 160",
        "@ec done 1",
    )
    assert run.timed == [[LayerCycles(100, 60, 20, 10), LayerCycles(50, 50, 0, 0)]]
    assert run.timed[0][0].overhead == 10
    assert run.totals == [160]
    assert run.checksums == [[1, 0xFFFFFFFF]]
    assert run.stacks_left == (336, 788, 160)
    assert run.windows == 1
    assert run.failure == ""


def test_parts_beyond_the_whole_are_a_defect() -> None:
    cycles = LayerCycles(total=100, compute=60, exposed_dma=30, exposed_l3=11)
    with pytest.raises(SimulatorError, match="100 cycles is said to compute for 60 and to wait"):
        _ = cycles.overhead


def test_waits_for_the_engine_are_no_overhead_and_its_work_is_beside_the_rest() -> None:
    [[layer]] = read("@ec timed 0 0 100 60 20 10 7 90").timed
    assert (layer.exposed_ne16, layer.ne16_busy) == (7, 90)
    assert layer.overhead == 3


def test_finished_layers_are_progress() -> None:
    run = Run()
    assert run.read("@ec begin 4", name) is None
    assert run.read("@ec check 0 4 0000000a", name) == 4
    assert run.read("@ec timed 0 3 100 60 20 10", name) == 3
    assert run.read("@ec window 0 100", name) is None
    assert run.read("a line of the simulator", name) is None


def test_the_layer_that_runs_is_known() -> None:
    assert read("@ec error weights.bin is too short").layer is None
    assert read("@ec begin 0", "@ec begin 1", "@ec check 0 0 00000001").layer == 1
    assert read("@ec begin 1", "@ec check 0 1 00000001", "@ec timed 0 0 1 1 0 0").layer == 1


def test_a_trap_names_core_cause_and_place() -> None:
    failure = read("@ec trap 3 2 1c010400 00000000").failure
    assert failure == (
        "core 3 stopped with an exception (illegal instruction) at 0x1c010400 (ec_linear)"
    )
    assert read("@ec trap 992 5 1c010000 20000000").failure == (
        "the fabric controller stopped with an exception (load from nowhere) at 0x1c010000, "
        "address 0x20000000"
    )


def test_a_hang_names_the_cores_that_did_not_return() -> None:
    run = read("@ec timed 0 0 1 1 0 0", "@ec hang 1 00000005 1c010400")
    assert run.layer == 1
    assert run.failure == (
        "the program hangs: core 0, 2 did not return from the last task, 0x1c010400 (ec_linear)"
    )


@pytest.mark.parametrize(
    ("path", "who"), [("/chip/cluster/pe4/lsu", "core 4"), ("/chip/soc/fc/lsu", "the controller")]
)
def test_an_access_that_the_simulator_refuses_is_a_failure(path: str, who: str) -> None:
    line = f"0: 0: [\x1b[31m{path}\x1b[0m] Invalid access (pc: 0x1c010400, offset: 0x30000000, "
    assert read(line + "size: 0x4, is_write: 0)").failure == (
        f"{who} was asked for address 0x30000000, where nothing is at 0x1c010400 (ec_linear)"
    )


@pytest.mark.parametrize(
    ("path", "complaint", "failure"),
    [
        (
            "/chip/cluster/pe8/prefetcher",
            "Invalid fetch request (addr: 0x0, size: 0x10)",
            "core 8 was asked for address 0x0, where nothing is",
        ),
        (
            "/chip/cluster/l1/interleaver",
            "Received out-of-bound request (reqAddr: 0x20000, size: 0x4)",
            "a memory was asked for address 0x20000, where nothing is",
        ),
        (
            "/ram/trace",
            "Received out-of-bound request (addr: 0x20000, ram_size: 0x20000)",
            "a memory was asked for address 0x20000, where nothing is",
        ),
    ],
)
def test_other_complaints_of_the_simulator(path: str, complaint: str, failure: str) -> None:
    """They name no place in the program."""
    assert read(f"0: 0: [\x1b[31m{path}\x1b[0m] {complaint}").failure == failure


def test_the_program_says_why_it_stops() -> None:
    assert read("@ec error weights.bin is too short").failure == (
        "the program stopped: weights.bin is too short"
    )
