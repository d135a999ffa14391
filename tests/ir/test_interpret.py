"""The interpreter: inputs are checked, results appear in order, memory is given back."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from edgecomp.ir import Value, interpret, parse


class Tracked(np.ndarray):
    """An array that can be watched."""


CHAIN = """
graph "g" (%x: f32[4]) -> (%e, %b) {
  %b: f32[4] = add(%x, %x)
  %unused: f32[4] = add(%x, %b)
  %c: f32[4] = add(%b, %b)
  %d: f32[4] = add(%c, %c)
  %e: f32[4] = add(%d, %b)
}
"""


def test_results_are_those_of_the_operators() -> None:
    e, b = interpret(parse(CHAIN), {"x": np.arange(4, dtype=np.float32)})
    assert b.tolist() == [0, 2, 4, 6]
    assert e.tolist() == [0, 10, 20, 30]


def test_every_input_and_result_is_observed_in_order() -> None:
    seen: list[str] = []
    interpret(parse(CHAIN), {"x": np.zeros(4, np.float32)}, lambda v, _: seen.append(v.name))
    assert seen == ["x", "b", "unused", "c", "d", "e"]


def test_tensors_are_released_after_their_last_use() -> None:
    """Outputs stay, a result without users goes at once."""
    graph = parse(CHAIN)
    alive: dict[str, weakref.ref[np.ndarray]] = {}
    at: dict[str, set[str]] = {}

    def observe(value: Value, array: np.ndarray) -> None:
        gc.collect()
        at[value.name] = {name for name, ref in alive.items() if ref() is not None}
        alive[value.name] = weakref.ref(array)

    results = interpret(graph, {"x": np.zeros(4, np.float32).view(Tracked)}, observe)
    assert at["c"] <= {"x", "b"}
    assert at["d"] >= {"b", "c"} and "unused" not in at["d"]
    assert "c" not in at["e"]
    assert len(results) == 2


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"y": np.zeros(4, np.float32)},
        {"x": np.zeros(3, np.float32)},
        {"x": np.zeros((1, 4), np.float32)},
        {"x": np.zeros(4, np.float64)},
        {"x": [0, 0, 0, 0]},
    ],
)
def test_inputs_of_another_name_shape_or_type_are_refused(inputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="input"):
        interpret(parse(CHAIN), inputs)


def test_a_constant_and_an_input_may_be_outputs() -> None:
    graph = parse('graph "g" (%x: f32[1]) -> (%x, %c) { %c: f32[1] = constant [7.0] }')
    x, c = interpret(graph, {"x": np.ones(1, np.float32)})
    assert (x[0], c[0]) == (1, 7)
