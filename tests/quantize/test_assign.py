"""Which quantization values get."""

import numpy as np

from edgecomp.ir import DType, Graph, Value, parse
from edgecomp.quantize import Assignment
from edgecomp.quantize.assign import Spec
from edgecomp.quantize.calibrate import calibrate

BLOCK = """graph "block" (%x: f32[1, 6, 8]) -> (%out) {
  %one: f32[8] = constant splat 1.0
  %zero: f32[8] = constant splat 0.0
  %wide_zero: f32[24] = constant splat 0.0
  %we: f32[8, 8] = constant normal 1
  %wqkv: f32[24, 8] = constant normal 2
  %wo: f32[8, 8] = constant normal 3
  %e: f32[1, 6, 8] = linear(%x, %we, %zero)
  %n: f32[1, 6, 8] = layer_norm(%e, %one, %zero) {axis = 2, epsilon = 1e-05}
  %qkv: f32[1, 6, 24] = linear(%n, %wqkv, %wide_zero)
  %q: f32[1, 6, 8] = slice(%qkv) {starts = [0, 0, 0], stops = [1, 6, 8], steps = [1, 1, 1]}
  %k: f32[1, 6, 8] = slice(%qkv) {starts = [0, 0, 8], stops = [1, 6, 16], steps = [1, 1, 1]}
  %v: f32[1, 6, 8] = slice(%qkv) {starts = [0, 0, 16], stops = [1, 6, 24], steps = [1, 1, 1]}
  %a: f32[1, 6, 8] = attention(%q, %k, %v) {heads = 2, scale = 0.5}
  %p: f32[1, 6, 8] = linear(%a, %wo, %zero)
  %r: f32[1, 6, 8] = add(%e, %p)
  %t: f32[6, 1, 8] = transpose(%r) {permutation = [1, 0, 2]}
  %c: f32[12, 1, 8] = concat(%t, %t) {axis = 0}
  %out: f32[12, 1, 8] = unary(%c) {function = "tanh"}
}"""


def assigned(text: str) -> tuple[dict[str, Spec], Assignment, dict[str, Value]]:
    graph: Graph = parse(text)
    shape = graph.inputs[0].shape[1:]
    windows = np.random.default_rng(0).standard_normal((4, *shape)).astype(np.float32)
    assignment = Assignment(graph, calibrate(graph, windows), "mse")
    values = {v.name: v for v in graph.values() if not v.is_constant}
    return {name: assignment.spec(v) for name, v in values.items()}, assignment, values


def test_residual_stream_has_one_symmetric_16_bit_scale() -> None:
    """Sums, their operands, and what moves or joins them."""
    specs, _, _ = assigned(BLOCK)
    stream = {specs[name] for name in "eprtc"}
    assert len(stream) == 1
    spec = stream.pop()
    assert spec.dtype is DType.I16 and spec.quantization.zero_point == 0


def test_everything_else_is_8_bits() -> None:
    """Inputs, results of normalisation and attention, and tables even as network output."""
    specs, _, _ = assigned(BLOCK)
    assert {specs[name].dtype for name in ("x", "n", "qkv", "a", "out")} == {DType.I8}


def test_queries_are_symmetric_and_slices_keep_the_packed_scale() -> None:
    """The zero point of q is 0; q, k and v are parts of one tensor."""
    specs, _, _ = assigned(BLOCK)
    assert specs["q"] == specs["k"] == specs["v"] == specs["qkv"]
    assert specs["q"].quantization.zero_point == 0


def test_network_output_is_16_bits_where_its_operator_can() -> None:
    """The result of a linear layer."""
    specs, _, _ = assigned("""graph "g" (%x: f32[1, 4]) -> (%y) {
      %w: f32[2, 4] = constant normal 1
      %b: f32[2] = constant splat 0.5
      %y: f32[1, 2] = linear(%x, %w, %b)
    }""")
    assert specs["y"].dtype is DType.I16 and specs["x"].dtype is DType.I8


def test_network_input_in_a_residual_addition_stays_8_bits() -> None:
    """Only the sum is wide; it reads the input as it is."""
    specs, _, _ = assigned("""graph "g" (%x: f32[1, 4]) -> (%y) {
      %w: f32[4, 4] = constant normal 1
      %b: f32[4] = constant splat 0.0
      %h: f32[1, 4] = linear(%x, %w, %b)
      %s: f32[1, 4] = add(%x, %h)
      %y: f32[1, 4] = unary(%s) {function = "sigmoid"}
    }""")
    assert specs["x"].dtype is DType.I8 and specs["s"].dtype is DType.I16
    assert specs["h"] == specs["s"]


def test_an_8_bit_view_of_a_16_bit_value_has_a_range_of_its_own() -> None:
    """Without headroom, and with a zero point."""
    specs, assignment, values = assigned(BLOCK)
    view = assignment.narrow(values["r"])
    assert view.dtype is DType.I8
    assert view.quantization.scale < 256 * specs["r"].quantization.scale


def test_scale_in_front_of_a_normalisation_keeps_epsilon_in_32_bits() -> None:
    """Activations of 1e-9 do not make the step that small."""
    specs, _, _ = assigned("""graph "g" (%x: f32[1, 4]) -> (%y) {
      %one: f32[4] = constant splat 1.0
      %zero: f32[4] = constant splat 0.0
      %small: f32[4, 4] = constant splat 1e-10
      %h: f32[1, 4] = linear(%x, %small, %zero)
      %y: f32[1, 4] = layer_norm(%h, %one, %zero) {axis = 1, epsilon = 1e-05}
    }""")
    assert 256 * 1e-5 / specs["h"].quantization.scale ** 2 < 1.001 * 2**31


def test_what_a_position_embedding_is_added_to_has_16_bits() -> None:
    """The residual stream begins at the layer before, class token included."""
    specs, assignment, values = assigned("""graph "tokens" (%x: f32[1, 5, 8]) -> (%y) {
  %w: f32[8, 8] = constant normal 1
  %b: f32[8] = constant normal 2
  %h: f32[1, 5, 8] = linear(%x, %w, %b)
  %token: f32[1, 1, 8] = constant normal 3
  %all: f32[1, 6, 8] = concat(%token, %h) {axis = 1}
  %position: f32[1, 6, 8] = constant normal 4
  %y: f32[1, 6, 8] = add(%all, %position)
}""")
    token = values["all"].producer.inputs[0]  # type: ignore[union-attr]
    assert {specs["h"], specs["all"], specs["y"], assignment.spec(token)} == {specs["y"]}
    assert specs["y"].dtype is DType.I16
