"""The verifier: every rule, broken once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.ir import (
    DType,
    Graph,
    Node,
    Quantization,
    TensorType,
    Value,
    VerificationError,
    create,
    operators,
    parse,
    verify,
)

VECTOR = TensorType((2,), DType.F32)
TEXT = """
graph "g" (%x: f32[2]) -> (%z) {
  %c: f32[2] = constant [1.0, 2.0]
  %y: f32[2] = add(%x, %c)
  %z: f32[2] = mul(%y, %x)
}
"""


def wrong_order(graph: Graph) -> None:
    graph.nodes.reverse()


def duplicate_name(graph: Graph) -> None:
    graph.nodes[1].output.name = "y"


def duplicate_input(graph: Graph) -> None:
    graph.inputs.append(graph.inputs[0])


def node_twice(graph: Graph) -> None:
    graph.nodes.append(graph.nodes[0])


def wrong_shape(graph: Graph) -> None:
    graph.nodes[0].output.type = TensorType((3,), DType.F32)


def wrong_element_type(graph: Graph) -> None:
    graph.nodes[1].output.type = TensorType((2,), DType.I32)


def foreign_operand(graph: Graph) -> None:
    graph.nodes[1].set_input(1, Value("foreign", VECTOR))


def foreign_output(graph: Graph) -> None:
    graph.outputs = [Value("foreign", VECTOR)]


def dangling_use(graph: Graph) -> None:
    Node("add", [graph.inputs[0], graph.inputs[0]], [VECTOR])


def repeated_use(graph: Graph) -> None:
    graph.inputs[0].uses.append(graph.inputs[0].uses[0])


def use_beyond_the_operands(graph: Graph) -> None:
    graph.inputs[0].uses.append((graph.nodes[0], 7))


def forgotten_use(graph: Graph) -> None:
    graph.inputs[0].uses.pop()


def wrong_producer(graph: Graph) -> None:
    graph.nodes[0].output.producer = graph.nodes[1]


def not_a_number(graph: Graph) -> None:
    graph.constants()[0].data = np.array([np.nan, 0], np.float32)


def infinite(graph: Graph) -> None:
    graph.constants()[0].data = np.array([np.inf, 0], np.float32)


def wrong_constant_shape(graph: Graph) -> None:
    graph.constants()[0].data = np.zeros((1, 2), np.float32)


def wrong_constant_type(graph: Graph) -> None:
    graph.constants()[0].data = np.zeros(2, np.int32)


def constant_without_ir_type(graph: Graph) -> None:
    graph.constants()[0].data = np.zeros(2, np.complex64)


def wrong_constant_output(graph: Graph) -> None:
    graph.outputs.append(Value("c2", VECTOR, np.zeros(3, np.float32)))


def output_with_a_taken_name(graph: Graph) -> None:
    graph.outputs.append(Value("y", VECTOR, np.zeros(2, np.float32)))


def unknown_operator(graph: Graph) -> None:
    graph.nodes[0].op = "frobnicate"


def missing_attribute(graph: Graph) -> None:
    graph.nodes[0].op = "unary"
    graph.nodes[0].drop_inputs()
    graph.nodes[0]._append_input(graph.inputs[0])


def too_many_results(graph: Graph) -> None:
    graph.nodes[0].outputs.append(Value("extra", VECTOR))


BREAKS: list[tuple[Callable[[Graph], None], str]] = [
    (wrong_order, "before it is computed"),
    (duplicate_name, "two values are called %y"),
    (duplicate_input, "two values are called %x"),
    (node_twice, "two values are called %y"),
    (wrong_shape, "inferred were"),
    (wrong_element_type, "inferred were"),
    (foreign_operand, "before it is computed"),
    (foreign_output, "never computed"),
    (dangling_use, "does not exist"),
    (repeated_use, "does not exist"),
    (use_beyond_the_operands, "does not exist"),
    (forgotten_use, "does not record"),
    (wrong_producer, "producer"),
    (not_a_number, "NaN"),
    (infinite, "infinite"),
    (wrong_constant_shape, "holds"),
    (wrong_constant_type, "holds"),
    (constant_without_ir_type, "holds"),
    (wrong_constant_output, "holds"),
    (output_with_a_taken_name, "two values are called %y"),
    (unknown_operator, "frobnicate is not registered"),
    (missing_attribute, "attribute 'function' is missing"),
    (too_many_results, "inferred were"),
]


@pytest.mark.parametrize(
    ("damage", "reason"), BREAKS, ids=lambda item: getattr(item, "__name__", "")
)
def test_a_broken_rule_is_found(damage: Callable[[Graph], None], reason: str) -> None:
    graph = parse(TEXT)
    verify(graph)
    damage(graph)
    with pytest.raises(VerificationError, match=reason):
        verify(graph)


def test_the_node_and_where_it_came_from_are_named() -> None:
    graph = parse(TEXT)
    graph.nodes[0].name = "encoder.0"
    graph.nodes[0].output.type = TensorType((9,), DType.F32)
    with pytest.raises(VerificationError, match=r"%y = add\(%x, %c\) \(from encoder.0\)"):
        verify(graph)


def test_a_constant_output_is_allowed() -> None:
    graph = parse(TEXT)
    graph.outputs += [graph.constants()[0], graph.constant(np.zeros(3))]
    verify(graph)


TYPES = st.builds(
    TensorType,
    st.lists(st.integers(1, 3), max_size=4).map(tuple),
    st.sampled_from([DType.F32, DType.I8, DType.I16, DType.I32, DType.U8]),
)
KEYS = [
    "axes",
    "axis",
    "bias",
    "block",
    "count_include_pad",
    "dtype",
    "dilations",
    "epsilon",
    "fill",
    "function",
    "groups",
    "heads",
    "keep",
    "kernel",
    "multiplier",
    "pads",
    "permutation",
    "residual",
    "scale",
    "shape",
    "shift",
    "starts",
    "steps",
    "stops",
    "strides",
    "table",
    "value",
    "zero",
]
VALUES = st.one_of(
    st.integers(-2, 40),
    st.floats(-2, 2),
    st.booleans(),
    st.sampled_from(["i8", "i16", "max", "sum", "relu", ""]),
    st.lists(st.integers(-1, 3), max_size=4).map(tuple),
)


@given(
    st.sampled_from(sorted(operators())),
    st.lists(TYPES, max_size=6),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=len(KEYS)),
    st.booleans(),
)
@settings(max_examples=1500, deadline=None)
def test_no_operator_fails_in_another_way(
    op: str, types: list[TensorType], attributes: dict[str, int], quantized: bool
) -> None:
    """Whatever operands and attributes a node has, the verifier accepts or says why not."""
    graph = Graph()
    operands = []
    for tensor in types:
        integer = quantized and tensor.dtype.is_integer
        quantization = Quantization(0.5, 0) if integer else None
        full = TensorType(tensor.shape, tensor.dtype, quantization)
        operands.append(graph.add_input("x", full))
    graph.append(Node(op, operands, [VECTOR], attributes))
    with pytest.raises(VerificationError):
        verify(graph)
        raise VerificationError("accepted")


def test_create_leaves_no_trace_of_a_refused_node() -> None:
    graph = parse(TEXT)
    x = graph.inputs[0]
    wrong = graph.add_input("w", TensorType((3,), DType.F32))
    with pytest.raises(ValueError, match="broadcast"):
        create(graph, "add", [x, wrong])
    assert not wrong.uses
    verify(graph)
