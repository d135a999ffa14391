"""Tiles of ``q_norm``: the reduced axes are whole in a tile."""

from __future__ import annotations

from collections.abc import Iterator

from edgecomp.ir import Node
from edgecomp.tiling.program import Argument, Scalar, TileProgram
from edgecomp.tiling.reductions import boxes, requantization
from edgecomp.tiling.search import tiler


@tiler("q_norm")
def norm(node: Node) -> Iterator[TileProgram]:
    """Boxes of the kept axes."""
    own: dict[str, Argument] = {key: Scalar(node.integer(key)) for key in ("zero_x", "fraction")}
    for each in boxes(node):
        yield each.program(node, "norm", "norm", {**own, **requantization(node)})
