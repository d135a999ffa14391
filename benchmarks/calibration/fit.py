"""Least squares: rates of the cost model from measured cycles.

The columns of each system come from the model itself: its estimate with one rate set to 1 and the
others to 0. So the fit cannot disagree with the model about what a rate means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from edgecomp.errors import EdgecompError
from edgecomp.targets import Board, KernelRate, KernelRates
from edgecomp.targets.board import Orchestration
from edgecomp.tiling.cost import estimate
from edgecomp.tiling.program import TileProgram

INVERSE = "macs_per_cycle"
"""The one rate that the model divides by."""

TERMS = ("cycles_per_call", "cycles_per_row", "cycles_per_element", INVERSE)
"""The rates of a kernel; other fields of its section say how its work is shared, and stay."""

DIGITS = 3

LAYER_WEIGHT = 10
"""A layer of average time counts as so many cases, others by their time: a layer sums hundreds of
calls in a network that rates are for, but small layers say little."""

Measured = tuple[TileProgram, float]
"""A layer's program, and the cycles that a part of it took."""


@dataclass(frozen=True)
class Case:
    """One measured kernel call."""

    kernel: str
    tile: str
    rows: int
    elements: int
    macs: int
    cycles: int


@dataclass(frozen=True)
class Fit:
    """Rates by name, and the relative errors (predicted / measured - 1) that they leave."""

    rates: dict[str, float]
    errors: np.ndarray

    @property
    def mean_error(self) -> float:
        """Of the absolute relative errors."""
        return float(np.abs(self.errors).mean())

    @property
    def worst_error(self) -> float:
        """The largest absolute relative error."""
        return float(np.abs(self.errors).max())


def fit_kernels(
    terms: Mapping[str, Sequence[str]],
    cases: Sequence[Case],
    layers: Sequence[Measured],
    board: Board,
) -> dict[str, Fit]:
    """The rates ``terms`` (kernel -> names) from kernel calls and from the kernels of layers.

    Non-negative, least squares of relative errors; layers weigh by their time. Layers that call
    other kernels are left out. The errors of a fit are those of the kernel's cases.
    EdgecompError where the measurements do not determine a rate.
    """
    unknowns = [(kernel, term) for kernel, names in terms.items() for term in names]
    cases = [case for case in cases if case.kernel in terms]
    layers = [item for item in layers if {c.kernel for c in item[0].calls} <= set(terms)]
    rows = [
        [
            _cycles(_unit(board, *each), case, board) if each[0] == case.kernel else 0.0
            for each in unknowns
        ]
        for case in cases
    ]
    units = [_unit_board(board, *unknown) for unknown in unknowns]
    rows += [[estimate(program, unit).compute for unit in units] for program, _ in layers]
    matrix = np.array(rows)
    _require_rank(unknowns, matrix)
    target = np.array([c.cycles for c in cases] + [cycles for _, cycles in layers], float)
    weights = np.append(np.ones(len(cases)), _layer_weights(target[len(cases) :])) ** 0.5 / target
    solution, _ = nnls(matrix * weights[:, None], target * weights)
    values = dict(zip(unknowns, map(float, solution), strict=True))
    return {
        kernel: _kernel_fit(kernel, {t: values[kernel, t] for t in names}, cases, board)
        for kernel, names in terms.items()
    }


def _layer_weights(cycles: np.ndarray) -> np.ndarray:
    return LAYER_WEIGHT * cycles / cycles.mean() if cycles.size else cycles


def _unit(board: Board, kernel: str, term: str) -> KernelRate:
    """The kernel's rate with ``term`` 1 and all others 0."""
    nothing: dict[str, float | None] = dict.fromkeys(TERMS, 0.0) | {INVERSE: None}
    return board.kernels[kernel].model_copy(update=nothing | {term: 1.0})


def _unit_board(board: Board, kernel: str, term: str) -> Board:
    rates = dict.fromkeys(board.kernels.root, KernelRate())
    kernels = KernelRates(rates | {kernel: _unit(board, kernel, term)})
    return board.model_copy(update={"kernels": kernels})


def _cycles(rate: KernelRate, case: Case, board: Board) -> float:
    work = {"rows": case.rows, "elements": case.elements, "macs": case.macs}
    return float(rate.cycles(**work, cores=board.cores.workers))


def _require_rank(unknowns: Sequence[tuple[str, str]], matrix: np.ndarray) -> None:
    for kernel in dict.fromkeys(kernel for kernel, _ in unknowns):
        own = [index for index, unknown in enumerate(unknowns) if unknown[0] == kernel]
        if np.linalg.matrix_rank(matrix[:, own]) < len(own):
            terms = ", ".join(unknowns[index][1] for index in own)
            raise EdgecompError(
                f"the measurements of the kernel {kernel} do not determine {terms}",
                "measure more sizes, or take a term out of the board file",
            )


def _kernel_fit(
    kernel: str, found: Mapping[str, float], cases: Sequence[Case], board: Board
) -> Fit:
    if found.get(INVERSE) == 0.0:
        raise EdgecompError(
            f"the measurements of the kernel {kernel} do not determine {INVERSE}",
            "give the benchmark cases whose products and elements are in other proportions",
        )
    rates = {t: _rounded(1.0 / v if t == INVERSE else v) for t, v in found.items()}
    rate = board.kernels[kernel].model_copy(update=rates)
    errors = [_cycles(rate, c, board) / c.cycles - 1.0 for c in cases if c.kernel == kernel]
    return Fit(rates, np.array(errors))


def fit_orchestration(layers: Sequence[Measured], board: Board) -> Fit:
    """The orchestration figures from the overheads of layers.

    Non-negative, least squares of cycles, so that layers of many steps decide.
    """
    terms = list(Orchestration.model_fields)
    units = [Orchestration(**{each: float(each == term) for each in terms}) for term in terms]
    boards = [board.model_copy(update={"orchestration": unit}) for unit in units]
    matrix = np.array([[estimate(p, each).overhead for each in boards] for p, _ in layers])
    target = np.array([cycles for _, cycles in layers], float)
    if np.linalg.matrix_rank(matrix) < len(terms):
        raise EdgecompError(f"{len(layers)} layers do not determine {', '.join(terms)}")
    solution, _ = nnls(matrix, target)
    rates = [_rounded(float(value)) for value in solution]
    return Fit(dict(zip(terms, rates, strict=True)), matrix @ rates / target - 1.0)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
