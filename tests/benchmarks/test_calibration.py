"""The calibration: known rates come back, what is not determined is refused, comments stay."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.calibration.board_file import with_rates
from benchmarks.calibration.fit import Case, Fit, fit_kernels, fit_orchestration
from edgecomp.errors import EdgecompError
from edgecomp.ir import parse
from edgecomp.targets import KernelRate, KernelRates, load_board
from edgecomp.tiling import Search, estimate

TERMS = ["cycles_per_call", "cycles_per_element", "macs_per_cycle"]
SHAPES = [(8, 16, 32), (32, 64, 64), (64, 64, 256), (16, 192, 768)]
LAYERS = """
graph "two" (%x: i8[400, 64; scale=0.1, zero=0]) -> (%y, %z) {
  %t: i8[256] = constant splat 1
  %y: i8[400, 64; scale=0.1, zero=0] = q_table(%x, %t) {scale = 0.1, zero = 0}
  %w: i8[96, 64] = constant splat 1
  %m: i32[96] = constant splat 3
  %b: i32[96] = constant splat 5
  %z: i8[400, 96; scale=0.1, zero=0] = q_linear(%x, %w, %m, %b) {shift = 9, table = false,
      residual = false, dtype = "i8", scale = 0.1, zero = 0}
}
"""


def cases(per_call: float, per_element: float, macs_per_cycle: float) -> list[Case]:
    """Calls whose cycles the model gives exactly."""
    found = []
    for rows, columns, depth in SHAPES:
        elements = rows * columns
        cycles = per_call + elements * per_element + elements * depth / macs_per_cycle
        found.append(Case("k", "", rows, elements, elements * depth, round(cycles)))
    return found


def fitted(measurements: list[Case]) -> Fit:
    board = load_board("gap9_evk")
    rates = KernelRates({"k": KernelRate(cycles_per_call=1.0, macs_per_cycle=1.0)})
    board = board.model_copy(update={"kernels": rates})
    return fit_kernels({"k": TERMS}, measurements, [], board)["k"]


def test_known_rates_come_back() -> None:
    fit = fitted(cases(320.0, 1.25, 16.0))
    assert fit.rates == pytest.approx(dict(zip(TERMS, (320.0, 1.25, 16.0), strict=True)), rel=0.01)
    assert fit.worst_error < 0.01


def test_no_rate_becomes_negative() -> None:
    """Calls that get cheaper with every element than a constant would have it."""
    exact = cases(0.0, 1.0, 16.0)
    odd = [replace(case, cycles=round(case.cycles * 0.9) - 5) for case in exact]
    fit = fitted(odd)
    assert min(fit.rates.values()) >= 0.0


def test_cases_that_do_not_determine_a_rate_are_refused() -> None:
    one_depth = [c for c in cases(320.0, 1.25, 16.0) if c.macs == 64 * c.elements]
    with pytest.raises(EdgecompError, match=r"measurements of the kernel k do not determine"):
        fitted(one_depth)


def test_products_that_cost_nothing_are_refused() -> None:
    free = [replace(c, cycles=100 + 2 * c.elements) for c in cases(0, 0, 1)]
    with pytest.raises(EdgecompError, match="do not determine macs_per_cycle"):
        fitted([replace(c, cycles=c.cycles - c.macs // 100000) for c in free])


def test_the_kernels_of_layers_decide_with_the_cases() -> None:
    """Calls in layers that take twice what the case says: the layers weigh more."""
    board = load_board("gap9_evk")
    [table, _] = parse(LAYERS).nodes
    program = Search(board).choose(table).program
    case = Case("table", "", 1, 1000, 0, 1000)
    terms = {"table": ["cycles_per_element"]}
    fit = fit_kernels(terms, [case], [(program, 2.0 * 400 * 64)], board)["table"]
    assert 1.5 < fit.rates["cycles_per_element"] < 2.0


def test_orchestration_is_found_from_overheads() -> None:
    board = load_board("gap9_evk")
    figures = board.orchestration.model_copy(
        update={"cycles_per_step": 70.0, "cycles_per_transfer": 210.0}
    )
    known = board.model_copy(update={"orchestration": figures})
    search = Search(known)
    programs = [search.choose(node).program for node in parse(LAYERS).nodes]
    layers = [(program, estimate(program, known).overhead) for program in programs]
    assert fit_orchestration(layers, board).rates == pytest.approx(
        {"cycles_per_step": 70.0, "cycles_per_transfer": 210.0}
    )


def test_the_board_file_keeps_everything_but_the_figures() -> None:
    text = (
        "# head\n[kernels.linear]\ncycles_per_call = 300 # why\n"
        "macs_per_cycle = 2.0 # [E] reference kernel\n\n# tail\n[kernels.add]\nx = 1\n"
    )
    changed = with_rates(
        text, {"kernels.linear": {"cycles_per_call": 12.5, "macs_per_cycle": 19.3}}
    )
    assert changed == text.replace("300", "12.5").replace("2.0 # [E]", "19.3 # [B]")
    assert tomllib.loads(changed)["kernels"]["add"] == {"x": 1}
