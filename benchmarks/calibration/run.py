"""Rates of the cost model from measurements.

    python benchmarks/kernels/run.py --json kernels.json
    python benchmarks/calibration/run.py --kernels kernels.json --layers BUILD [--write]

fits the kernel rates of a board file to the kernel benchmark and to the kernels' cycles in the
layers of BUILD, which GVSoC has run (`edgecomp simulate BUILD --simulator gvsoc`), and the
orchestration figures to the overheads of those layers.
A section of the board file says which terms its kernel has; the fit gives their values. It prints
the sections; with --write it sets them in every board file named.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.builds import MeasuredBuild, tilings
from benchmarks.calibration.board_file import write_rates
from benchmarks.calibration.fit import TERMS, Case, Fit, fit_kernels, fit_orchestration
from benchmarks.commit import ROOT
from edgecomp.errors import EdgecompError
from edgecomp.report.schema import Layer
from edgecomp.targets import Board, KernelRates, load_board
from edgecomp.tiling import TileProgram, estimate


def read_cases(path: Path) -> list[Case]:
    """The cases that the kernel benchmark wrote."""
    return [Case(**each) for each in json.loads(path.read_text())["cases"]]


def terms_of(board: Board, cases: Sequence[Case]) -> dict[str, list[str]]:
    """The terms that the board gives each kernel, for kernels that have cases."""
    known = {case.kernel for case in cases}
    found = {}
    for kernel, rate in board.kernels.root.items():
        if kernel in known:
            found[kernel] = [term for term in TERMS if term in rate.model_fields_set]
        else:
            print(f"note: the benchmark has no case of {kernel}; its rates stay", file=sys.stderr)
    return found


def fit(board: Board, cases: Sequence[Case], build: MeasuredBuild | None) -> dict[str, Fit]:
    """Section of the board file -> fit."""
    layers = [] if build is None else list(cluster_layers(build, board))
    found: dict[str, Fit] = {}
    if cases:
        compute = [(program, layer.compute or 0.0) for program, layer in layers]
        fits = fit_kernels(terms_of(board, cases), cases, compute, board)
        found |= {f"kernels.{kernel}": each for kernel, each in fits.items()}
    if build is not None:
        # The first layer's overhead contains the copy of the inputs into the arena.
        overhead = [(program, layer.overhead or 0.0) for program, layer in layers[1:]]
        found["orchestration"] = fit_orchestration(overhead, board)
    return found


def cluster_layers(build: MeasuredBuild, board: Board) -> Iterator[tuple[TileProgram, Layer]]:
    """Program and measured cycles of the layers that run on the cores alone.

    Where an engine works beside them, neither their time nor the orchestrator's is seen.
    """
    for tiling, (_, layer) in zip(tilings(build, board), build.pairs, strict=True):
        if all(call.engine == "cluster" for call in tiling.program.calls):
            yield tiling.program, layer


def refitted(board: Board, fits: Mapping[str, Fit]) -> Board:
    """The board with the fitted kernels."""
    names = {name.removeprefix("kernels."): fit for name, fit in fits.items() if "." in name}
    rates = {k: board.kernels[k].model_copy(update=dict(f.rates)) for k, f in names.items()}
    return board.model_copy(update={"kernels": KernelRates(board.kernels.root | rates)})


def show_layers(build: MeasuredBuild, board: Board, fitted: Board) -> None:
    """By operator, the predicted cycles of the layers' kernels over the measured."""
    sums: dict[str, list[float]] = {}
    for program, layer in cluster_layers(build, board):
        entry = sums.setdefault(layer.op, [0.0, 0.0])
        entry[0] += estimate(program, fitted).compute
        entry[1] += layer.compute or 0.0
    print(f"# kernels in the layers of {build.built.model.name}, predicted / measured:")
    for op, (predicted, measured) in sums.items():
        print(f"#   {op} {predicted / measured:.3f}")


def show(name: str, fit: Fit) -> None:
    """A section as it stands in a board file, and how well it fits."""
    print(f"[{name}]")
    for term, value in fit.rates.items():
        print(f"{term} = {value:g}")
    print(
        f"# {len(fit.errors)} measurements: mean error {fit.mean_error:.1%}, "
        f"worst {fit.worst_error:.1%}\n"
    )


def run(options: argparse.Namespace) -> None:
    """Fit, print, and write if asked."""
    board = load_board(options.board[0])
    build = MeasuredBuild.read(options.layers) if options.layers is not None else None
    cases = read_cases(options.kernels) if options.kernels is not None else []
    fits = fit(board, cases, build)
    for name, each in fits.items():
        show(name, each)
    if build is not None:
        show_layers(build, board, refitted(board, fits))
    for path in options.board if options.write else []:
        write_rates(path, {name: each.rates for name, each in fits.items()})
        load_board(path)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernels", type=Path, help="JSON of benchmarks/kernels/run.py")
    parser.add_argument("--layers", type=Path, help="a build that GVSoC has run")
    parser.add_argument(
        "--board",
        type=Path,
        action="append",
        help="board file; again for more that get the same figures (default: gap9_evk)",
    )
    parser.add_argument("--write", action="store_true", help="set the figures in the board files")
    options = parser.parse_args()
    options.board = options.board or [ROOT / "boards" / "gap9_evk.toml"]
    try:
        run(options)
    except EdgecompError as error:
        print(f"error: {error.message}" + (f"\n{error.hint}" if error.hint else ""))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
