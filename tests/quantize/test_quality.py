"""The quality figures."""

import numpy as np
import pytest

from edgecomp.ir import Graph, parse
from edgecomp.quantize import quantize
from edgecomp.quantize.quality import PERFECT_DB, class_agreement, measure

TEXT = """graph "g" (%x: f32[1, 6, 16]) -> (%y) {
  %w1: f32[16, 16] = constant normal 1
  %w2: f32[16, 16] = constant normal 2
  %w3: f32[16, 16] = constant normal 3
  %b: f32[16] = constant normal 4
  %h1: f32[1, 6, 16] = linear(%x, %w1, %b)
  %g1: f32[1, 6, 16] = unary(%h1) {function = "tanh"}
  %h2: f32[1, 6, 16] = linear(%g1, %w2, %b)
  %g2: f32[1, 6, 16] = unary(%h2) {function = "tanh"}
  %y: f32[1, 6, 16] = linear(%g2, %w3, %b) @ "head"
}"""


def windows(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((8, 6, 16)).astype(np.float32)


def test_layer_that_loses_is_found() -> None:
    """With weights of the second layer down to 3 bits it is the weakest."""
    graph = parse(TEXT)
    quantized = quantize(graph, windows(0))
    healthy = measure(graph, quantized.graph, quantized.mapping, windows(1))
    node = quantized.graph.nodes[1]
    coarse = (node.inputs[1].array // 32 * 32).astype(np.int8)
    node.set_input(1, quantized.graph.constant(coarse, "coarse"))
    damaged = measure(graph, quantized.graph, quantized.mapping, windows(1))
    assert damaged.weakest is not None and damaged.weakest.name == "g2"
    assert damaged.sqnr_db < healthy.sqnr_db - 10
    assert damaged.cosine < healthy.cosine < 1


def test_figures_are_those_of_the_definition() -> None:
    """SQNR over all windows and elements; the last layer is the output."""
    graph = parse(TEXT)
    quantized = quantize(graph, windows(0))
    quality = measure(graph, quantized.graph, quantized.mapping, windows(1))
    assert quality.windows == 8
    assert quality.layers[-1].name == "y" and quality.layers[-1].origin == "head"
    assert quality.layers[-1].sqnr_db == pytest.approx(quality.sqnr_db)
    assert [layer.op for layer in quality.layers] == ["q_linear"] * 3


def test_classes_agree_where_a_window_gives_one_row_of_scores() -> None:
    """Two of three windows keep their class; tokens and single numbers are no scores."""
    expected = np.array([[[1, 2]], [[3, 1]], [[0, 5]]])
    actual = np.array([[[1, 2]], [[1, 3]], [[0, 4]]])
    assert class_agreement(expected, actual) == pytest.approx(2 / 3)
    assert class_agreement(np.zeros((3, 4, 2)), np.zeros((3, 4, 2))) is None
    assert class_agreement(np.zeros((3, 1)), np.zeros((3, 1))) is None
    assert class_agreement(np.zeros(3), np.zeros(3)) is None


def test_no_error_is_reported_as_a_number() -> None:
    """A graph against itself."""
    graph: Graph = parse(TEXT)
    quality = measure(graph, graph, {v.name: v.name for v in graph.values()}, windows(1))
    assert quality.sqnr_db == PERFECT_DB and quality.cosine == pytest.approx(1.0)
