"""The compiler proper: float IR in, planned layers out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from edgecomp.codegen.size import layers_bytes
from edgecomp.errors import EdgecompError
from edgecomp.fusion import fusion_pipeline
from edgecomp.ir import Graph, Node, Value, lookup, run_passes
from edgecomp.memory.arena import DoesNotFit
from edgecomp.memory.external import External, check_total
from edgecomp.memory.placement import Placement, place
from edgecomp.targets import Board
from edgecomp.tiling.measured import load_measurements
from edgecomp.tiling.search import Search, Tiling
from edgecomp.tiling.views import layers as layers_of

ROUNDS = 6
"""How often fusion is tried, each time told to leave more room."""

_WEIGHTED = ("linear", "conv", "conv_nhwc")


@dataclass(frozen=True)
class Layer:
    """One layer: its node, its tiles and its share of the network's cycles (an estimate).

    ``exposed_l3`` is the time the layer waits for its weights, in cluster cycles.
    """

    index: int
    node: Node
    tiling: Tiling
    exposed_l3: float

    @property
    def name(self) -> str:
        """The name from the user's model, or that of the result."""
        return self.node.name or self.node.output.name

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return lookup(self.node.op).macs(self.node)

    @property
    def ne16_macs(self) -> int:
        """Those of them that NE16 does: what the kernels on the cores leave."""
        program = self.tiling.program
        if "ne16" not in program.engines:
            return 0
        on_cores = (call for call in program.calls if call.engine == "cluster")
        steps = program.schedule.active
        return self.macs - sum(int(program.at_steps(c.macs)[steps(c)].sum()) for c in on_cores)

    @property
    def cycles(self) -> float:
        """Cluster cycles from the end of the layer before to the end of this one."""
        return self.tiling.cost.total + self.exposed_l3


@dataclass(frozen=True)
class Plan:
    """An integer graph with everything decided.

    ``code_bytes``: L2 that the layers' functions and tables take, an estimate.
    """

    graph: Graph
    layers: list[Layer]
    placement: Placement
    board: Board
    code_bytes: int

    @property
    def cycles(self) -> float:
        """Cluster cycles of one inference, an estimate."""
        return sum(layer.cycles for layer in self.layers)


Choose = Callable[[Node], Tiling]
Tick = Callable[[str], None]


def fuse_and_plan(graph: Graph, board: Board, choose: Choose, tick: Tick | None = None) -> Plan:
    """Fusion, tiles and addresses for the quantized ``graph``, which stays as it is.

    What has to be cut depends on the L2 that the layers' code leaves, and how much code there is
    on the cuts. At first it is taken to need nothing; where the plan does not fit, fusion is told
    to leave room for as much code as there was, or for what was missing, which cuts know only
    roughly: they come before tiles and before the layout of weights.
    """
    spare, missing = 0, board.l2_available_bytes
    for more in reversed(range(ROUNDS)):
        fused = graph.copy()
        capacity = board.l2_available_bytes - spare
        run_passes(fused, fusion_pipeline(capacity, board.ne16 is not None))
        tiled = _tile(fused, choose, tick)
        try:
            return _place(tiled, board)
        except DoesNotFit as error:
            closer = tiled.code_bytes > spare or error.missing < missing
            spare = max(tiled.code_bytes, spare + error.missing)
            if not (more and closer and error.missing) or spare >= board.l2_available_bytes:
                raise
            missing = error.missing
    raise AssertionError


def plan(
    graph: Graph,
    board: Board,
    tick: Tick | None = None,
    choose: Choose | None = None,
    keep: bool = True,
) -> Plan:
    """Tile and place every layer of the integer ``graph``.

    ``choose`` gives a layer its tiles; the default is the tiler's choice for the board. With
    ``keep`` weights may stay in L2 between windows, where reading them would take longer than the
    layers take.
    Raises ``TilingError`` or ``DoesNotFit`` with what is needed and what there is.
    """
    choose = choose or Search(board, load_measurements(board)).choose
    return _place(_tile(graph, choose, tick), board, keep)


@dataclass(frozen=True)
class _Tiled:
    """A graph's layers with their tiles, and the bytes of their code, an estimate."""

    graph: Graph
    nodes: list[Node]
    tilings: list[Tiling]
    code_bytes: int


def _tile(graph: Graph, choose: Choose, tick: Tick | None) -> _Tiled:
    nodes = layers_of(graph)
    if not nodes:
        raise EdgecompError("the model computes nothing: no operator is left between its ends")
    for value in graph.outputs:
        if value.is_constant:
            raise EdgecompError(
                f"the output {value.name} is the same for every input",
                "remove it from the model's outputs",
            )
    tilings = []
    for node in nodes:
        tilings.append(choose(node))
        if tick is not None:
            tick(node.name or node.op)
    return _Tiled(graph, nodes, tilings, layers_bytes([tiling.program for tiling in tilings]))


def _place(tiled: _Tiled, board: Board, keep: bool = True) -> Plan:
    placement = place(
        tiled.graph,
        tiled.nodes,
        [tiling.program.constants for tiling in tiled.tilings],
        [tiling.cost.total for tiling in tiled.tilings],
        _external(board),
        board.l2_available_bytes - tiled.code_bytes,
        _l2_name(board, tiled.code_bytes),
        keep,
    )
    layers = [
        Layer(index, *each)
        for index, each in enumerate(zip(tiled.nodes, tiled.tilings, placement.waits, strict=True))
    ]
    return Plan(tiled.graph, layers, placement, board, tiled.code_bytes)


def _l2_name(board: Board, code_bytes: int) -> str:
    """L2 as messages speak of it, with what is not for buffers."""
    code = board.reserved.code_bytes + code_bytes
    return (
        f"L2 of {board.name}, {board.memories.l2_bytes:,} bytes of which code takes {code:,} "
        f"({code_bytes:,} of them the network's layers, an estimate),"
    )


def check_weights(graph: Graph, board: Board) -> None:
    """``DoesNotFit`` where the weights of the float ``graph`` have no place outside of the chip.

    A lower bound, before long work: a byte for each weight of layers, equal tensors once.
    """
    weights = {
        node.inputs[1]: node.inputs[1].type.size
        for node in graph.nodes
        if node.op in _WEIGHTED and node.inputs[1].is_constant
    }
    external = _external(board)
    if sum(weights.values()) > external.ram_bytes:
        distinct = {_digest(value): size for value, size in weights.items()}
        check_total(sum(distinct.values()), external, "at least ")


def _digest(value: Value) -> tuple[tuple[int, ...], bytes]:
    return value.shape, hashlib.sha256(value.array.tobytes()).digest()


def _external(board: Board) -> External:
    """The board's memories for weights, with times in cluster cycles."""
    memories = board.memories
    flash = board.flash_l2_cycles if board.transfers.flash_l2 is not None else None
    return External(
        board.l3_available_bytes, board.l3_l2_cycles, memories.flash_bytes, flash, board.name
    )
