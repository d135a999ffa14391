"""Calibration of float graphs."""

import importlib
import pkgutil

import numpy as np
import pytest

import edgecomp.quantize
from edgecomp.errors import EdgecompError
from edgecomp.ir import Graph, parse
from edgecomp.quantize.calibrate import calibrate


def graph(function: str = "relu") -> Graph:
    return parse(f"""graph "g" (%x: f32[1, 3, 4]) -> (%y) {{
      %w: f32[2, 4] = constant normal 1
      %b: f32[2] = constant splat 0.0
      %h: f32[1, 3, 4] = unary(%x) {{function = "{function}"}} @ "stem.activation"
      %y: f32[1, 3, 2] = linear(%h, %w, %b)
    }}""")


def windows(count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, 3, 4)).astype(np.float32)


def test_moments_are_those_of_the_input_of_a_linear_layer() -> None:
    """As numpy computes them over all rows of all windows, but for the shrinkage.

    15 rows of 4 channels: 15 / 19 of the covariance between different channels remains.
    """
    g = graph()
    statistics = calibrate(g, windows())
    rows = np.maximum(windows(), 0).reshape(-1, 4)
    moments = statistics.moments[g.nodes[0].output]
    assert np.allclose(moments.mean, rows.mean(axis=0), atol=1e-6)
    seen = np.cov(rows.T, bias=True)
    shrunk = np.where(np.eye(4) > 0, seen, seen * 15 / 19)
    assert np.allclose(moments.covariance, shrunk, atol=1e-6)
    assert statistics.windows == 5


def test_scores_of_attentions_without_bias() -> None:
    """All scores of all windows and the largest of each row; constant keys count too."""
    g = parse("""graph "g" (%x: f32[1, 3, 4]) -> (%y, %z, %m) {
      %k: f32[1, 2, 4] = constant normal 1
      %v: f32[1, 2, 4] = constant normal 2
      %b: f32[1, 1, 3, 3] = constant splat 0.5
      %y: f32[1, 3, 4] = attention(%x, %k, %v) {heads = 1, scale = 0.5}
      %z: f32[1, 3, 4] = attention(%x, %x, %y) {heads = 2, scale = 2.0}
      %m: f32[1, 3, 4] = attention(%x, %x, %x, %b) {heads = 2, scale = 2.0}
    }""")
    seen = calibrate(g, windows()).scores
    y, z, m = g.outputs
    assert set(seen) == {y, z} and m not in seen
    keys = g.nodes[0].inputs[1].array[0]
    scores = windows() @ keys.T / 2
    assert np.allclose([seen[y].every.low, seen[y].every.high], [scores.min(), scores.max()])
    assert seen[y].every.total == scores.size
    heads = windows().reshape(5, 3, 2, 2).transpose(0, 2, 1, 3)
    largest = (2 * heads @ heads.swapaxes(-1, -2)).max(axis=-1)
    assert np.allclose([seen[z].largest.low, seen[z].largest.high], [largest.min(), largest.max()])
    assert seen[z].largest.total == largest.size


def test_infinite_activation_names_its_node() -> None:
    """The message says where the float model leaves the reals."""
    with pytest.raises(EdgecompError, match="stem.activation"), np.errstate(all="ignore"):
        calibrate(graph("log"), windows())


def test_nan_in_the_windows_is_the_users() -> None:
    """The message names the input, not a node."""
    bad = windows()
    bad[1, 0, 0] = np.nan
    with pytest.raises(EdgecompError, match="windows for input x"):
        calibrate(graph(), bad)


@pytest.mark.parametrize(
    "bad", [np.zeros((0, 3, 4), np.float32), np.zeros((2, 3, 5), np.float32), {"z": windows()}]
)
def test_windows_that_do_not_fit_are_refused(bad: np.ndarray) -> None:
    """None at all, another shape, or another input."""
    with pytest.raises(EdgecompError, match="window"):
        calibrate(graph(), bad)


@pytest.mark.parametrize("factor", [1e-35, 1e33])
def test_windows_in_impossible_units_are_refused(factor: float) -> None:
    """Neither 1e-35 nor 1e33 has a place in float32 arithmetic."""
    with pytest.raises(EdgecompError, match="unit"):
        calibrate(graph(), windows() * np.float32(factor))


def test_the_modules_of_the_package_are_reachable() -> None:
    """No function of the package has the name of a module."""
    for info in pkgutil.iter_modules(edgecomp.quantize.__path__):
        module = importlib.import_module(f"edgecomp.quantize.{info.name}")
        assert getattr(edgecomp.quantize, info.name) is module
