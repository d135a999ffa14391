"""A convolution and its neighbours, cut into bands of rows where they do not fit the memory.

Row by row operators before and after a convolution run on one band after another, so that the
tensors between them never exist as a whole. A band reads the rows around it that its windows
need; those are computed twice. Integer operators give each row the same bits in any band.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from edgecomp.fusion.cut import Cut
from edgecomp.fusion.replacement import supersede, used_once
from edgecomp.ir import Attribute, Graph, Node, Value, create
from edgecomp.memory.lifetime import live_at
from edgecomp.memory.placement import activations
from edgecomp.tiling.views import layers as layers_of

_BY_ROW = ("q_linear", "q_mlp", "q_table", "q_requantize", "q_layer_norm", "q_add", "reshape")
"""Operators whose result has the rows of the first operand, each made of that row alone."""


class SplitRows(Cut):
    """Cut what does not fit ``capacity`` bytes beside all that lives at the same time."""

    name = "split_rows"

    def run(self, graph: Graph) -> bool:
        """One cut for every convolution that needs it."""
        changed = False
        for node in list(graph.nodes):
            if node.op == "q_conv" and node.inputs[0].shape[0] == 1:
                changed |= self._split(graph, _chain(graph, node))
        if changed:
            graph.remove_dead()
            graph.sort()
        return changed

    def _split(self, graph: Graph, chain: _Chain) -> bool:
        whole, beside = self._needed(graph, chain)
        if whole <= self.capacity:
            return False
        for rows in range(chain.rows // 2, 0, -1):
            images = [len(chain.window(band)[0]) for band in chain.bands(rows)]
            if min(images) == 0:  # a band of padding alone
                continue
            if beside + self._band_bytes(chain, rows, max(images)) <= self.capacity:
                _cut(graph, chain, rows)
                return True
        return False

    def _needed(self, graph: Graph, chain: _Chain) -> tuple[int, int]:
        """Most bytes alive while the chain runs, with constants; and beside what bands hold."""
        layers = layers_of(graph)
        alive = activations(graph, layers)
        inside = {node.output for node in chain.nodes}
        steps = [layers.index(node) for node in chain.nodes if node in layers]
        span = range(min(steps), max(steps) + 1)
        others = [buffer for value, buffer in alive.items() if value not in inside]
        whole = max(live_at(alive.values(), step) + self.constants(layers[step]) for step in span)
        beside = max(live_at(others, step) for step in span)
        return whole, beside + chain.nodes[-1].output.type.bytes

    def _band_bytes(self, chain: _Chain, rows: int, image: int) -> int:
        """The largest sum of one operator's operand, result and constants on a band.

        The band has ``rows`` rows of the result and reads ``image`` rows.
        """
        before, behind = Fraction(image, chain.image_rows), Fraction(rows, chain.rows)
        most = Fraction(0)
        for index, node in enumerate(chain.nodes):
            size = Fraction(self.constants(node))
            if index > 0:
                size += node.inputs[0].type.bytes * (before if index <= chain.at else behind)
            if index < len(chain.nodes) - 1:
                size += node.output.type.bytes * (before if index < chain.at else behind)
            most = max(most, size)
        return int(most)


@dataclass(frozen=True)
class _Chain:
    """Operators in order; ``at`` is the convolution's place among them."""

    nodes: list[Node]
    at: int

    @property
    def convolution(self) -> Node:
        """The convolution."""
        return self.nodes[self.at]

    @property
    def rows(self) -> int:
        """Rows of the convolution's result."""
        return self.convolution.output.shape[1]

    @property
    def image_rows(self) -> int:
        """Rows of what the convolution reads."""
        return self.convolution.inputs[0].shape[1]

    def bands(self, rows: int) -> list[range]:
        """The result's rows, ``rows`` at a time; the last band may have fewer."""
        return [range(first, min(first + rows, self.rows)) for first in range(0, self.rows, rows)]

    def window(self, band: range) -> tuple[range, tuple[int, int]]:
        """The image rows that the result's rows ``band`` need; the borders that remain."""
        node = self.convolution
        stride, dilation = node.integers("strides")[0], node.integers("dilations")[0]
        begin = band.start * stride - node.integers("pads")[0]
        end = begin + (len(band) - 1) * stride + dilation * (node.inputs[1].shape[1] - 1) + 1
        inside = range(max(begin, 0), min(end, self.image_rows))
        return inside, (inside.start - begin, end - inside.stop)


def _chain(graph: Graph, convolution: Node) -> _Chain:
    """The convolution with as many operators before and after it as work row by row."""
    nodes = [convolution]
    rows = convolution.inputs[0].shape[1]
    while (node := nodes[0].inputs[0].producer) is not None:
        if not used_once(graph, node) or not _works_by_row(node, rows):
            break
        nodes.insert(0, node)
    at = len(nodes) - 1
    rows = convolution.output.shape[1]
    while used_once(graph, nodes[-1]):
        node = nodes[-1].output.users[0]
        if node.inputs[0] is not nodes[-1].output or not _works_by_row(node, rows):
            break
        nodes.append(node)
    return _Chain(nodes, at)


def _works_by_row(node: Node, rows: int) -> bool:
    """Whether rows of the result are made of the same rows of the first operand, and of others."""
    if node.op not in _BY_ROW or _takes_rows(node, node.inputs[0], rows) is not True:
        return False
    others = (_takes_rows(node, value, rows) is not None for value in node.inputs[1:])
    return _row_axis(node.output.shape, rows) is not None and all(others)


def _takes_rows(node: Node, value: Value, rows: int) -> bool | None:
    """Whether a band of ``node`` reads its own rows of an operand, not all; None if neither."""
    if node.op != "q_add":
        if value.is_constant:
            return False
        return True if _row_axis(value.shape, rows) is not None else None
    shape = node.output.shape
    axis = _row_axis(shape, rows)
    if axis is None:
        return None
    aligned = (1,) * (len(shape) - len(value.shape)) + value.shape
    if aligned == shape:
        return True
    return False if set(aligned[: axis + 1]) == {1} else None


def _row_axis(shape: tuple[int, ...], rows: int) -> int | None:
    """The first axis with more than one element, if it holds whole rows and is not the last."""
    for axis, size in enumerate(shape[:-1]):
        if size != 1:
            return axis if size % rows == 0 else None
    return None


def _cut(graph: Graph, chain: _Chain, rows: int) -> None:
    """Replace the chain by bands of ``rows``, joined at the end."""
    last = chain.nodes[-1]
    bands = [_band(graph, chain, band) for band in chain.bands(rows)]
    axis = _row_axis(last.output.shape, chain.rows)
    assert axis is not None
    supersede(
        graph, last, create(graph, "concat", bands, {"axis": axis}, name=last.name, before=last)
    )


def _band(graph: Graph, chain: _Chain, result: range) -> Value:
    """The rows ``result`` of the chain's result."""
    image, borders = chain.window(result)
    anchor = chain.nodes[-1]
    value = _rows(graph, chain.nodes[0].inputs[0], image, chain.image_rows, anchor)
    for index, node in enumerate(chain.nodes):
        band, whole = (image, chain.image_rows)
        if index >= chain.at:
            band, whole = result, chain.rows
        others = [
            _rows(graph, v, band, whole, anchor) if _takes_rows(node, v, whole) else v
            for v in node.inputs[1:]
        ]
        attributes = dict(node.attributes)
        if node is chain.convolution:
            _, left, _, right = node.integers("pads")
            attributes["pads"] = (borders[0], left, borders[1], right)
        if node.op == "reshape":
            attributes["shape"] = _shape(node.output.shape, band, whole)
        copy = create(graph, node.op, [value, *others], attributes, name=node.name, before=anchor)
        value = copy.output
    return value


def _rows(graph: Graph, value: Value, band: range, whole: int, anchor: Node) -> Value:
    """Rows ``band`` of a tensor with ``whole`` rows."""
    shape = _shape(value.shape, band, whole)
    axis = _row_axis(value.shape, whole)
    assert axis is not None
    each = value.shape[axis] // whole
    if value.is_constant:
        span = slice(band.start * each, band.stop * each)
        part = value.array[(slice(None),) * axis + (span,)]
        return graph.constant(part, value.name, value.type.quantization)
    starts = tuple(band.start * each if a == axis else 0 for a in range(len(shape)))
    stops = tuple(start + size for start, size in zip(starts, shape, strict=True))
    attributes: dict[str, Attribute] = {
        "starts": starts,
        "stops": stops,
        "steps": (1,) * len(shape),
    }
    return create(graph, "slice", [value], attributes, before=anchor).output


def _shape(shape: tuple[int, ...], band: range, whole: int) -> tuple[int, ...]:
    axis = _row_axis(shape, whole)
    return tuple(s // whole * len(band) if a == axis else s for a, s in enumerate(shape))
