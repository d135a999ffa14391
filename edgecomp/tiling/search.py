"""The choice of tiles: every candidate of the layer's tiler, the cheapest that fits L1."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edgecomp.errors import EdgecompError
from edgecomp.ir import Node, print_node
from edgecomp.targets import Board
from edgecomp.tiling.cost import Cost, estimate
from edgecomp.tiling.program import TileProgram

Tiler = Callable[[Node], Iterable[TileProgram]]

_TILERS: dict[str, Tiler] = {}


class TilingError(EdgecompError):
    """A layer that no tiling brings into L1."""


def tiler(op: str) -> Callable[[Tiler], Tiler]:
    """Decorator: the function yields candidate programs for nodes of operator ``op``."""

    def decorate(function: Tiler) -> Tiler:
        _TILERS[op] = function
        return function

    return decorate


def tiled_operators() -> set[str]:
    """Operators that have a tiler."""
    return set(_TILERS)


@dataclass(frozen=True)
class Tiling:
    """The chosen program and what it is expected to cost."""

    program: TileProgram
    cost: Cost
    candidates: int


def choose(node: Node, board: Board) -> Tiling:
    """The cheapest program for ``node`` within the board's L1; ``TilingError`` if none fits."""
    if node.op not in _TILERS:
        raise TilingError(
            f"operator {node.op} (from {node.name or 'an unnamed node'}) has no implementation "
            f"on {board.name}",
            "`edgecomp ops` lists what is implemented",
        )
    best: Tiling | None = None
    sizes = []
    for program in _TILERS[node.op](node):
        sizes.append(program.l1_bytes)
        if program.l1_bytes > board.l1_available_bytes:
            continue
        cost = estimate(program, board)
        if best is None or _rank(program, cost) < _rank(best.program, best.cost):
            best = Tiling(program, cost, len(sizes))
    if best is None:
        raise _untiled(node, sizes, board)
    best.program.check()
    return Tiling(best.program, best.cost, len(sizes))


def _untiled(node: Node, sizes: list[int], board: Board) -> TilingError:
    layer = node.name or print_node(node)
    if not sizes:
        return TilingError(
            f"layer {layer} moves data in more dimensions than a copy has",
            "reshape around it, so that axes which stay neighbours are one axis",
        )
    return TilingError(
        f"layer {layer} needs {min(sizes)} bytes of L1 in its smallest tiling, {board.name} has "
        f"{board.l1_available_bytes} beside the stacks",
        "use a board with more L1, or make the layer narrower",
    )


def _rank(program: TileProgram, cost: Cost) -> tuple[float, int, int]:
    return cost.total, program.l1_bytes, program.steps
