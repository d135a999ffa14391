"""Shared by the pass tests: run passes on textual IR and compare the numbers before and after."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgecomp.ir import Graph, Pass, interpret, parse, run_passes

Transform = Callable[..., Graph]
TOLERANCE = 1e-5


def random_inputs(graph: Graph, seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {v.name: generator.standard_normal(v.shape).astype(np.float32) for v in graph.inputs}


def difference(actual: np.ndarray, expected: np.ndarray) -> float:
    """Relative L2 error."""
    assert actual.shape == expected.shape
    return float(np.linalg.norm(actual - expected) / max(float(np.linalg.norm(expected)), 1e-30))


@pytest.fixture
def transform() -> Transform:
    """Parse, run passes, and insist that every output kept its values (rel. L2 1e-5)."""

    def run(text: str, *passes: Pass) -> Graph:
        graph = parse(text)
        inputs = random_inputs(graph)
        expected = interpret(graph, inputs)
        run_passes(graph, passes)
        for actual, wanted in zip(interpret(graph, inputs), expected, strict=True):
            assert difference(actual, wanted) < TOLERANCE
        return graph

    return run


@pytest.fixture
def ops() -> Callable[[Graph], list[str]]:
    """The operators of a graph in order; functions stand for ``unary``."""

    def names(graph: Graph) -> list[str]:
        return [n.text("function") if n.op == "unary" else n.op for n in graph.nodes]

    return names
