"""A convolution whose result is moved to channels first, cut where both do not fit the memory.

Normalisation over groups of channels reads channels first, convolutions write channels last: for a
moment the tensor is there twice. Cut by output channels, only one part of it is.
"""

from __future__ import annotations

from edgecomp.fusion.cut import Cut
from edgecomp.fusion.replacement import part_of, supersede, used_once
from edgecomp.ir import Attribute, Graph, Node, Value, create
from edgecomp.memory.lifetime import live_at
from edgecomp.memory.placement import activations
from edgecomp.tiling.candidates import COLUMNS_MULTIPLE
from edgecomp.tiling.views import layers as layers_of

_CHANNELS_FIRST = (0, 3, 1, 2)


class SplitTransposed(Cut):
    """Cut what does not fit ``capacity`` bytes beside all that lives at the same time."""

    name = "split_transposed"

    def run(self, graph: Graph) -> bool:
        """One cut for every convolution that needs it."""
        changed = False
        for node in list(graph.nodes):
            if not _is_candidate(graph, node):
                continue
            size = self._size(graph, node)
            if size is not None:
                _cut(graph, node, size)
                changed = True
        return changed

    def _size(self, graph: Graph, transpose: Node) -> int | None:
        """The most channels of a part that fit; None where all fit, or never."""
        convolution = _convolution(transpose)
        layers = layers_of(graph)
        alive = activations(graph, layers)
        steps = (layers.index(convolution), layers.index(transpose))
        twice = (convolution.output, transpose.output)
        others = [buffer for value, buffer in alive.items() if value not in twice]
        table = sum(value.type.bytes for value in convolution.inputs[4:])
        constants = self.constants(convolution) - table
        beside = max(live_at(others, step) for step in steps) + table
        whole = max(
            live_at(alive.values(), steps[0]) + constants + table, live_at(alive.values(), steps[1])
        )
        if whole <= self.capacity:
            return None
        channels, result = convolution.output.shape[-1], transpose.output.type.bytes
        for size in range(
            (channels - 1) // COLUMNS_MULTIPLE * COLUMNS_MULTIPLE, 0, -COLUMNS_MULTIPLE
        ):
            if beside + result + -(-size * (result + constants) // channels) <= self.capacity:
                return size
        return None


def _is_candidate(graph: Graph, node: Node) -> bool:
    """Whether this is the transpose: of one image, behind a convolution of one group."""
    source = node.inputs[0].producer
    return (
        node.op == "transpose"
        and source is not None
        and source.op == "q_conv"
        and source.integer("groups") == 1
        and source.output.shape[0] == 1
        and node.integers("permutation") == _CHANNELS_FIRST
        and used_once(graph, source)
    )


def _convolution(transpose: Node) -> Node:
    source = transpose.inputs[0].producer
    assert source is not None
    return source


def _cut(graph: Graph, transpose: Node, size: int) -> None:
    """Parts of about equal size, ``size`` channels at most."""
    channels = transpose.output.shape[1]
    parts = -(-channels // size)
    size = min(size, -(-channels // (parts * COLUMNS_MULTIPLE)) * COLUMNS_MULTIPLE)
    pieces = [
        _piece(graph, transpose, range(first, min(first + size, channels)))
        for first in range(0, channels, size)
    ]
    attributes: dict[str, Attribute] = {"axis": 1}
    joined = create(graph, "concat", pieces, attributes, name=transpose.name, before=transpose)
    supersede(graph, transpose, joined)
    graph.remove_dead()


def _piece(graph: Graph, transpose: Node, part: range) -> Value:
    """The output channels ``part``, channels first."""
    convolution = _convolution(transpose)
    x, *vectors = convolution.inputs[:4]
    inputs = [x, *(part_of(graph, value, part) for value in vectors), *convolution.inputs[4:]]
    attributes = dict(convolution.attributes)
    name = convolution.name
    piece = create(graph, "q_conv", inputs, attributes, name=name, before=transpose)
    moved = dict(transpose.attributes)
    return create(graph, "transpose", [piece.output], moved, before=transpose).output
