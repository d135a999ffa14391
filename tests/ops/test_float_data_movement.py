"""Data movement keeps element type and quantization, and refuses what leaves the tensor."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.ir import (
    Attribute,
    DType,
    Graph,
    OperandError,
    Quantization,
    TensorType,
    create,
    interpret,
    verify,
)

DATA = np.arange(24, dtype=np.int8).reshape(2, 3, 4)
Q = Quantization(0.5, -3)


def bordered(widths: tuple[tuple[int, int], ...], integer: int) -> np.ndarray:
    return np.pad(DATA, widths, constant_values=integer)


CASES: list[tuple[str, dict[str, Attribute], np.ndarray]] = [
    ("reshape", {"shape": (4, 6)}, DATA.reshape(4, 6)),
    ("transpose", {"permutation": (2, 0, 1)}, DATA.transpose(2, 0, 1)),
    ("slice", {"starts": (0, 1, 0), "stops": (2, 3, 4), "steps": (1, 1, 3)}, DATA[:, 1:, ::3]),
    ("pad", {"pads": (0, 1, 0, 0, 0, 2), "value": 0.0}, bordered(((0, 0), (1, 0), (0, 2)), -3)),
    ("pad", {"pads": (0, 0, 0, 1, 0, 0), "value": 2.0}, bordered(((0, 1), (0, 0), (0, 0)), 1)),
    ("expand", {"shape": (3, 2, 3, 4)}, np.broadcast_to(DATA, (3, 2, 3, 4))),
    ("concat", {"axis": 1}, DATA),
    ("reduce", {"function": "max", "axes": (0, 2), "keep": False}, DATA.max((0, 2))),
]


@pytest.mark.parametrize(("op", "attributes", "expected"), CASES, ids=lambda case: str(case)[:12])
def test_quantized_tensor_keeps_its_type(
    op: str, attributes: dict[str, Attribute], expected: np.ndarray
) -> None:
    graph = Graph()
    x = graph.add_input("x", TensorType(DATA.shape, DType.I8, Q))
    graph.outputs = [create(graph, op, [x], attributes).output]
    verify(graph)
    assert graph.outputs[0].type == TensorType(expected.shape, DType.I8, Q)
    [result] = interpret(graph, {"x": DATA})
    assert result.dtype == np.int8
    np.testing.assert_array_equal(result, expected)


def test_gather_takes_indices_of_any_rank() -> None:
    graph = Graph()
    x = graph.add_input("x", TensorType(DATA.shape, DType.I8, Q))
    indices = np.array([[2, 0], [1, 1]])
    graph.outputs = [create(graph, "gather", [x, graph.constant(indices)], {"axis": 1}).output]
    assert graph.outputs[0].type == TensorType((2, 2, 2, 4), DType.I8, Q)
    [result] = interpret(graph, {"x": DATA})
    np.testing.assert_array_equal(result, DATA[:, indices])


WRONG: list[tuple[str, dict[str, Attribute]]] = [
    ("reshape", {"shape": (5, 5)}),
    ("reshape", {"shape": (-1, 24)}),
    ("transpose", {"permutation": (0, 1, 1)}),
    ("slice", {"starts": (0, 0, 0), "stops": (2, 3, 5), "steps": (1, 1, 1)}),
    ("slice", {"starts": (0, 0, 0), "stops": (2, 3, 4), "steps": (1, 1, -1)}),
    ("pad", {"pads": (0, 0, -1, 0, 0, 0), "value": 0.0}),
    ("expand", {"shape": (2, 3, 8)}),
    ("expand", {"shape": (3, 4)}),
    ("concat", {"axis": 3}),
    ("softmax", {"axis": 1}),
    ("reduce", {"function": "mean", "axes": (0,), "keep": True}),
    ("reduce", {"function": "max", "axes": (3,), "keep": True}),
    ("unary", {"function": "relu", "parameters": ()}),
]


@pytest.mark.parametrize(("op", "attributes"), WRONG)
def test_attributes_that_do_not_fit_are_refused(op: str, attributes: dict[str, Attribute]) -> None:
    graph = Graph()
    x = graph.add_input("x", TensorType(DATA.shape, DType.I8, Q))
    with pytest.raises(OperandError):
        create(graph, op, [x], attributes)
    assert not x.uses


@pytest.mark.parametrize("indices", [np.array([3]), np.array([-1]), np.array([0.0], np.float32)])
def test_gather_refuses_indices_outside_of_the_axis(indices: np.ndarray) -> None:
    graph = Graph()
    x = graph.add_input("x", TensorType(DATA.shape, DType.I8, Q))
    with pytest.raises(OperandError):
        create(graph, "gather", [x, graph.constant(indices)], {"axis": 1})


def test_concat_refuses_tensors_of_different_scales() -> None:
    graph = Graph()
    a = graph.add_input("a", TensorType((2,), DType.I8, Q))
    b = graph.add_input("b", TensorType((2,), DType.I8, Quantization(0.25, -3)))
    with pytest.raises(OperandError):
        create(graph, "concat", [a, b], {"axis": 0})
