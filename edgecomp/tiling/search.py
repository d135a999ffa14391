"""The choice of tiles: every candidate of the layer's tiler, the cheapest that fits L1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from edgecomp.errors import EdgecompError
from edgecomp.ir import DType, Node, print_node
from edgecomp.targets import Board, Engine, Engines
from edgecomp.tiling.cost import Cost, estimate
from edgecomp.tiling.measured import Measurements
from edgecomp.tiling.program import TileProgram
from edgecomp.tiling.schedule import CopiesError
from edgecomp.tiling.views import resolve

Tiler = Callable[[Node], Iterable[TileProgram]]

Refuses = Callable[[Node], str]
"""Why an engine cannot compute a node; empty where it can."""

_TILERS: dict[str, dict[Engine, Tiler]] = {}
_REFUSES: dict[str, Refuses] = {}
"""Of the accelerator's tilers, by operator."""


class TilingError(EdgecompError):
    """A layer that no tiling brings into L1."""


def tiler(
    op: str, engine: Engine = "cluster", refuses: Refuses | None = None
) -> Callable[[Tiler], Tiler]:
    """Decorator: the function yields candidate programs for nodes of operator ``op``.

    They are tried on boards that have ``engine``; a node that it ``refuses`` has none there.
    """

    def decorate(function: Tiler) -> Tiler:
        _TILERS.setdefault(op, {})[engine] = function
        if refuses is not None:
            _REFUSES[op] = refuses
        return function

    return decorate


def _refused(node: Node) -> str:
    """Why NE16 cannot compute ``node``; empty where it can, and where it has no form for it."""
    return _REFUSES[node.op](node) if node.op in _REFUSES else ""


def programs(node: Node, engine: Engine) -> Iterator[TileProgram]:
    """Every candidate of ``engine`` for ``node``: none without a tiler, or where it refuses."""
    tilers = _TILERS[node.op]
    if engine in tilers and not (engine == "ne16" and _refused(node)):
        yield from tilers[engine](node)


def tiled_operators() -> set[str]:
    """Operators that have a tiler."""
    return set(_TILERS)


Place = tuple[Engine, int]
"""Which candidate a program is: of whose tiler, and how many that yields before it."""


@dataclass(frozen=True)
class Tiling:
    """The chosen program, what it is expected to cost, and which of how many candidates it is.

    on_cores: why the board's NE16 has no part in it; empty where it has, or there is none.
    """

    program: TileProgram
    cost: Cost
    candidates: int
    place: Place
    on_cores: str = ""


_NUMBERS = frozenset(
    {
        "scale",
        "zero",
        "multiplier",
        "bias",
        "shift",
        "shift1",
        "shift2",
        "pre_shift",
        "gain_shift",
        "epsilon_q8",
        "multiplier_a",
        "multiplier_b",
        "zero_a",
        "zero_b",
        "zero_x",
        "v_zero",
        "score_limit",
        "score_multiplier",
        "score_offset",
        "score_shift",
        "norm_epsilon_q8",
        "norm_multiplier",
        "norm_shift",
        "norm_zero",
        "norm_x_zero",
    }
)
"""Attributes that change a layer's bits, but not what it costs."""


class Search:
    """Chooses the tiles of one network's layers; layers that cost the same are searched once.

    ``board`` has the engines that may be used; ``engines`` says which of them are preferred.
    """

    def __init__(
        self, board: Board, measured: Measurements | None = None, engines: Engines = "all"
    ) -> None:
        self.board = board
        self._measured = measured or Measurements(board)
        self._engines = engines
        self._found: dict[tuple[object, ...], tuple[Place, int, str]] = {}

    def choose(self, node: Node) -> Tiling:
        """As :func:`choose`, with the same result."""
        key = (*_shape_of(node), _refused(node))
        if key in self._found:
            place, candidates, on_cores = self._found[key]
            program = _candidate(node, place)
            program.check()
            cost = estimate(program, self.board)
            return Tiling(program, cost, candidates, place, on_cores)
        tiling = choose(node, self.board, self._measured, self._engines)
        self._found[key] = (tiling.place, tiling.candidates, tiling.on_cores)
        return tiling


def choose(
    node: Node,
    board: Board,
    measured: Measurements | None = None,
    engines: Engines = "all",
) -> Tiling:
    """The cheapest program for ``node`` within the board's L1; ``TilingError`` if none fits.

    Cheapest by the cost model, unless ``measured`` knows it and a faster one: then the fastest of
    those measured. With ``engines`` "ne16", among those on NE16 where any fits.
    """
    found = ranked(node, board)
    on_ne16 = [each for each in found if _uses_ne16(each)]
    if engines == "ne16":
        found = on_ne16 or found
    best = _fastest(found, measured) if measured is not None else found[0]
    best.program.check()
    if _uses_ne16(best):
        return best
    return replace(best, on_cores=_on_cores(node, board, best, on_ne16, measured))


def _uses_ne16(tiling: Tiling) -> bool:
    return "ne16" in tiling.program.engines


def _on_cores(
    node: Node,
    board: Board,
    best: Tiling,
    on_ne16: list[Tiling],
    measured: Measurements | None,
) -> str:
    """Why ``best``, on the cores, and none of ``on_ne16``."""
    if board.ne16 is None:
        return ""
    if "ne16" not in _TILERS[node.op]:
        return "no NE16 form of the operator"
    if refused := _refused(node):
        return refused
    if not on_ne16:
        return "no tiling on NE16 fits L1"
    return _faster(best, on_ne16, measured)


def _faster(best: Tiling, on_ne16: list[Tiling], measured: Measurements | None) -> str:
    """That ``best`` takes fewer cycles, as measured where both were, else by the cost model."""
    found = [measured.cycles(each.program) if measured else None for each in (best, *on_ne16)]
    others = [cycles for cycles in found[1:] if cycles is not None]
    if found[0] is not None and others:
        return f"faster as measured ({found[0]:,.0f} cycles, with NE16 {min(others):,.0f})"
    pair = best.cost.total, on_ne16[0].cost.total
    return f"cheaper by the model ({pair[0]:,.0f} cycles, with NE16 {pair[1]:,.0f})"


def ranked(node: Node, board: Board) -> list[Tiling]:
    """The programs for ``node`` within the board's L1, cheapest first; ``TilingError`` if none.

    Candidates that no number of copies keeps from racing are left out.
    """
    found = []
    sizes = []
    refused: CopiesError | None = None
    for place, program in _candidates(node, board):
        try:
            size = program.l1_bytes
        except CopiesError as error:
            refused = error
            continue
        sizes.append(size)
        if size <= board.l1_available_bytes:
            found.append(Tiling(program, estimate(program, board), 0, place))
    if not found:
        raise _untiled(node, sizes, board, refused)
    found.sort(key=lambda tiling: _rank(tiling.program, tiling.cost))
    return [replace(tiling, candidates=len(sizes)) for tiling in found]


def _fastest(found: list[Tiling], measured: Measurements) -> Tiling:
    """The first of ``found``, or the fastest that was measured where the first was, too."""
    if measured.cycles(found[0].program) is None:
        return found[0]
    known = [(measured.cycles(tiling.program), tiling) for tiling in found]
    return min(((c, t) for c, t in known if c is not None), key=lambda pair: pair[0])[1]


def _candidates(node: Node, board: Board) -> Iterator[tuple[Place, TileProgram]]:
    if node.op not in _TILERS:
        raise TilingError(
            f"operator {node.op} (from {node.name or 'an unnamed node'}) has no implementation "
            f"on {board.name}",
            "`edgecomp ops` lists what is implemented",
        )
    for engine in board.engines:
        for number, program in enumerate(programs(node, engine)):
            yield (engine, number), program


def _candidate(node: Node, place: Place) -> TileProgram:
    engine, number = place
    return next(islice(programs(node, engine), number, None))


def _shape_of(node: Node) -> tuple[object, ...]:
    """Everything of a node that its cost can depend on."""
    values = [*node.inputs, *node.outputs]
    types = tuple((v.shape, v.type.dtype, v.is_constant, resolve(v).pitch) for v in values)
    shared = tuple(node.inputs.index(value) for value in node.inputs)
    structure = {k: v for k, v in node.attributes.items() if k not in _NUMBERS}
    indices = tuple(v.array.tobytes() for v in node.inputs if v.type.dtype is DType.I64)
    return node.op, types, shared, tuple(sorted(structure.items())), indices


def _untiled(
    node: Node, sizes: list[int], board: Board, refused: CopiesError | None
) -> TilingError:
    layer = node.name or print_node(node)
    if not sizes and refused is not None:
        return TilingError(
            f"layer {layer} has no tiling whose buffers are kept apart: {refused}",
            "this is an error of the operator's tiler; report it with the layer above",
        )
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
