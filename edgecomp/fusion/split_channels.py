"""A linear layer cut into parts of its output channels where its weights do not fit the memory.

Each part stores its columns where the whole result lies (`columns_in_place.py`).
"""

from __future__ import annotations

from edgecomp.fusion.columns_in_place import mark
from edgecomp.fusion.cut import Cut
from edgecomp.fusion.replacement import part_of, supersede
from edgecomp.ir import Attribute, Graph, Node, Value, create
from edgecomp.ir.stated import flag
from edgecomp.memory.lifetime import live_at
from edgecomp.memory.placement import activations
from edgecomp.tiling.candidates import COLUMNS_MULTIPLE
from edgecomp.tiling.views import layers as layers_of

_SHARE = 8
"""Where it can, a part takes at most this part of the memory: larger ones leave gaps."""


class SplitChannels(Cut):
    """Cut what does not fit ``capacity`` bytes beside all that lives at the same time."""

    name = "split_channels"

    def run(self, graph: Graph) -> bool:
        """One cut for every layer that needs it."""
        changed = False
        for node in list(graph.nodes):
            if node.op != "q_linear":
                continue
            parts = self._parts(graph, node)
            if parts > 1:
                _cut(graph, node, parts)
                graph.remove_dead()
                changed = True
        return changed

    def _parts(self, graph: Graph, node: Node) -> int:
        """The fewest parts that fit; 1 where it fits whole, or never."""
        layers = layers_of(graph)
        step = layers.index(node)
        alive = live_at(activations(graph, layers).values(), step)
        constants = self.constants(node)
        if alive + constants <= self.capacity:
            return 1
        table = sum(v.type.bytes for v in node.inputs[4:] if v.is_constant)
        most = node.output.shape[-1] // COLUMNS_MULTIPLE
        room = self.capacity - alive - table
        for largest in (min(room, self.capacity // _SHARE), room):
            if largest > 0:
                parts = max(2, -(-(constants - table) // largest))
                if parts <= most:
                    return parts
        return 1


def _cut(graph: Graph, node: Node, parts: int) -> None:
    channels = node.output.shape[-1]
    size = -(-channels // parts // COLUMNS_MULTIPLE) * COLUMNS_MULTIPLE
    pieces = [
        _piece(graph, node, range(first, min(first + size, channels)))
        for first in range(0, channels, size)
    ]
    attributes: dict[str, Attribute] = {"axis": len(node.output.shape) - 1}
    whole = create(graph, "concat", pieces, attributes, name=node.name, before=node)
    supersede(graph, node, whole)
    mark(graph, whole)


def _piece(graph: Graph, node: Node, part: range) -> Value:
    """The output channels ``part`` of ``node``."""
    x, *vectors = node.inputs[:4]
    inputs = [x, *(part_of(graph, value, part) for value in vectors)]
    residual = flag(node, "residual")
    cut = [_columns(graph, value, part, node) for value in node.inputs[4:] if residual]
    inputs += [each.output for each in cut] or node.inputs[4:]
    attributes = dict(node.attributes)
    piece = create(graph, "q_linear", inputs, attributes, name=node.name, before=node)
    for each in cut:
        mark(graph, each)
    return piece.output


def _columns(graph: Graph, value: Value, part: range, before: Node) -> Node:
    rank = len(value.shape)
    attributes: dict[str, Attribute] = {
        "starts": (*[0] * (rank - 1), part.start),
        "stops": (*value.shape[:-1], part.stop),
        "steps": (1,) * rank,
    }
    return create(graph, "slice", [value], attributes, before=before)
