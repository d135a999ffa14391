"""Fusion passes: fewer layers, the same bits."""

import numpy as np
import pytest

from edgecomp.fusion import (
    FuseMatmulTranspose,
    FuseMlp,
    FuseNorm,
    FuseQkvSlices,
    RaiseActivations,
    RemoveIdleRequantize,
    fusion_pipeline,
)
from edgecomp.ir import DType, Graph, Pass, interpret, parse, run_passes
from edgecomp.quantize import quantize

BLOCK = """graph "block" (%x: f32[1, 6, 8]) -> (%out) {{
  %one: f32[8] = constant splat 1.0
  %zero: f32[8] = constant splat 0.0
  %wide: f32[24] = constant normal 9
  %wqkv: f32[24, 8] = constant normal 2
  %wo: f32[8, 8] = constant normal 3
  %w1: f32[24, 8] = constant normal 4
  %w2: f32[8, 24] = constant normal 5
  %n: f32[1, 6, 8] = layer_norm(%x, %one, %zero) {{axis = 2, epsilon = 1e-05}}
  %qkv: f32[1, 6, 24] = linear(%n, %wqkv, %wide)
  %q: f32[1, 6, 8] = slice(%qkv) {{starts = [0, 0, 0], stops = [1, 6, 8], steps = [1, 1, 1]}}
  %k: f32[1, 6, 8] = slice(%qkv) {{starts = [0, 0, 8], stops = [1, 6, 16], steps = [1, 1, 1]}}
  %v: f32[1, 6, 8] = slice(%qkv) {{starts = [0, 0, 16], stops = [1, 6, 24], steps = [1, 1, 1]}}
  %a: f32[1, 6, 8] = attention(%q, %k, %v) {{heads = 2, scale = 0.5}}
  %p: f32[1, 6, 8] = linear(%a, %wo, %zero)
  %r: f32[1, 6, 8] = add(%x, %p)
  %m: f32[1, 6, 8] = layer_norm(%r, %one, %zero) {{axis = 2, epsilon = 1e-05}}
  %f: f32[1, 6, 24] = linear(%m, %w1, %wide)
  %g: f32[1, 6, 24] = unary(%f) {{function = "{function}"}}
  %h: f32[1, 6, 8] = linear(%g, %w2, %zero)
  %out: f32[1, 6, 8] = add(%r, %h)
}}"""


def block(function: str = "gelu") -> tuple[Graph, dict[str, str]]:
    graph = parse(BLOCK.format(function=function))
    windows = np.random.default_rng(0).standard_normal((4, 6, 8)).astype(np.float32)
    quantized = quantize(graph, windows)
    return quantized.graph, quantized.mapping


def outputs(graph: Graph) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    inputs = {
        v.name: rng.integers(*v.type.dtype.bounds, v.shape, v.type.dtype.numpy, endpoint=True)
        for v in graph.inputs
    }
    return interpret(graph, inputs)


def check(graph: Graph, *passes: Pass) -> list[str]:
    """The operators behind ``passes``; the outputs have the same bits."""
    before = outputs(graph)
    run_passes(graph, passes)
    for old, new in zip(before, outputs(graph), strict=True):
        assert old.dtype == new.dtype and (old == new).all()
    return [node.op for node in graph.nodes]


@pytest.mark.parametrize("function", ["gelu", "relu"])
def test_mlp_with_residual_becomes_one_layer(function: str) -> None:
    """With a table, and with a ReLU that needs none."""
    graph, mapping = block(function)
    ops = check(graph, FuseMlp())
    assert ops.count("q_mlp") == 1 and ops.count("q_linear") == 2
    fused = next(node for node in graph.nodes if node.op == "q_mlp")
    assert fused.attributes["residual"] and mapping[fused.output.name] == "out"


def test_hidden_tensor_that_others_read_stays() -> None:
    """A network output between the layers."""
    graph, _ = block()
    hidden = next(node for node in graph.nodes if node.attributes.get("table"))
    graph.outputs.append(hidden.output)
    assert "q_mlp" not in check(graph, FuseMlp())


def test_normalisation_joins_the_product_that_reads_it() -> None:
    """A linear layer and an MLP, which then read the residual stream."""
    graph, _ = block()
    ops = check(graph, FuseMlp(), FuseNorm())
    assert "q_layer_norm" not in ops
    normalizing = [node for node in graph.nodes if node.attributes.get("norm")]
    assert [node.op for node in normalizing] == ["q_linear", "q_mlp"]
    assert normalizing[1].inputs[0].type.dtype is DType.I16


def test_normalisation_that_others_read_stays() -> None:
    """A network output behind it."""
    graph, _ = block()
    norm = next(node for node in graph.nodes if node.op == "q_layer_norm")
    graph.outputs.append(norm.output)
    assert check(graph, FuseNorm()).count("q_layer_norm") == 1


def test_raised_activations_change_no_other_bit() -> None:
    """Whatever only products read becomes u8; the outputs stay as they are."""
    graph, _ = block()
    check(graph, FuseQkvSlices(), RaiseActivations())
    raised = {n.op for n in graph.nodes if n.output.type.dtype is DType.U8}
    assert {"q_layer_norm", "q_linear", "q_attention"} <= raised
    for node in graph.nodes:
        if node.output.type.dtype is DType.U8:
            assert not any(user.op.startswith("q_add") for user in node.output.users)


def test_a_tensor_that_something_else_reads_is_not_raised() -> None:
    """The packed queries, keys and values as a network output."""
    graph, _ = block()
    run_passes(graph, [FuseQkvSlices()])
    attention = next(node for node in graph.nodes if node.op == "q_attention")
    packed = attention.inputs[0]
    graph.outputs.append(packed)
    check(graph, RaiseActivations())
    assert packed.type.dtype is DType.I8


IMAGE = """graph "image" (%x: i16[1, 7, 6, 4; scale=0.01, zero=0]) -> (%y) {{
  %w: i8[4, {kernel}, {kernel}, {depth}] = constant normal 1
  %m: i32[4] = constant splat 40
  %b: i32[4] = constant splat 700
  %q: i8[1, 7, 6, 4; scale=0.02, zero=-9] = q_requantize(%x) {{multiplier = 90, bias = 64,
    shift = 12, dtype = "i8", scale = 0.02, zero = -9}}
  %c: i8[1, 7, 6, 4; scale=0.02, zero=5] = q_conv(%q, %w, %m, %b) {{strides = [1, 1],
    pads = [{pad}, {pad}, {pad}, {pad}], dilations = [1, 1], groups = {groups}, zero_x = -9,
    shift = 9, dtype = "i8", scale = 0.02, zero = 5}}
  %y: i8[1, 7, 6, 4; scale=0.02, zero=5] = q_conv(%c, %w, %m, %b) {{strides = [1, 1],
    pads = [{pad}, {pad}, {pad}, {pad}], dilations = [1, 1], groups = {groups}, zero_x = 5,
    shift = 9, dtype = "i8", scale = 0.02, zero = 5}}
}}"""


@pytest.mark.parametrize(
    ("kernel", "groups", "expected"), [(3, 1, True), (3, 4, True), (3, 2, False), (5, 1, False)]
)
def test_images_are_raised_for_convolutions_of_the_accelerator(
    kernel: int, groups: int, expected: bool
) -> None:
    """Up to 3x3, over all channels or depthwise; padding stands for the same values."""
    text = IMAGE.format(kernel=kernel, pad=kernel // 2, groups=groups, depth=4 // groups)
    graph = parse(text)
    check(graph, RaiseActivations())
    raised = [node.op for node in graph.nodes if node.output.type.dtype is DType.U8]
    assert raised == (["q_requantize", "q_conv"] if expected else [])


NORMALISED = """graph "g" (%x: i8[3, 5, 8; scale=0.1, zero=0]) -> (%y) {
  %table: i8[256] = constant normal 3
  %w: i8[6, 8] = constant normal 1
  %m: i32[6] = constant splat 40
  %b: i32[6] = constant splat 700
  %t: i8[3, 5, 8; scale=0.1, zero=-3] = q_table(%x, %table) {dtype = "i8", scale = 0.1, zero = -3}
  %n: i8[3, 5, 8; scale=0.03, zero=3] = q_layer_norm(%t) {epsilon_q8 = 7, x_zero = -3,
    multiplier = 559240533, shift = 23, dtype = "i8", scale = 0.03, zero = 3}
  %y: i8[3, 5, 6; scale=0.1, zero=0] = q_linear(%n, %w, %m, %b) {shift = 9, dtype = "i8",
    scale = 0.1, zero = 0}
}"""


def test_what_a_product_normalises_itself_is_not_raised() -> None:
    graph = parse(NORMALISED)
    feed = {"x": np.random.default_rng(0).integers(-128, 128, (3, 5, 8)).astype(np.int8)}
    before = interpret(graph, feed)
    run_passes(graph, [FuseNorm(), RaiseActivations()])
    assert [node.op for node in graph.nodes] == ["q_table", "q_linear"]
    np.testing.assert_array_equal(interpret(graph, feed), before)


PRODUCT = """graph "g" (%a: i8[2, 3, 5, 8; scale=0.1, zero=0],
    %c: i8[2, {c}; scale=0.1, zero=0]) -> (%y) {{
  %t: i8[2, {t}; scale=0.1, zero=0] = transpose(%c) {{permutation = [{permutation}]}}
  %y: i8[2, 3, 5, {n}; scale=0.1, zero=0] = q_matmul(%a, %t) {{zero_a = 0, zero_b = 2,
    transpose_b = {flag}, multiplier = 30, bias = 128, shift = 8, dtype = "i8", scale = 0.1,
    zero = 0}}
}}"""


@pytest.mark.parametrize(
    ("c", "t", "permutation", "n", "flag", "ops"),
    [
        ("3, 6, 8", "3, 8, 6", "0, 1, 3, 2", 6, "false", ["q_matmul"]),
        ("3, 8, 6", "3, 6, 8", "0, 1, 3, 2", 6, "true", ["q_matmul"]),
        ("6, 3, 8", "3, 8, 6", "0, 2, 3, 1", 6, "false", ["transpose", "q_matmul"]),
    ],
)
def test_a_product_reads_its_second_operand_as_it_lies(
    c: str, t: str, permutation: str, n: int, flag: str, ops: list[str]
) -> None:
    """Where the last two axes change places, and only they."""
    graph = parse(PRODUCT.format(c=c, t=t, permutation=permutation, n=n, flag=flag))
    random = np.random.default_rng(0)
    feed = {v.name: random.integers(-128, 128, v.shape).astype(np.int8) for v in graph.inputs}
    before = interpret(graph, feed)
    run_passes(graph, [FuseMatmulTranspose()])
    assert [node.op for node in graph.nodes] == ops
    np.testing.assert_array_equal(interpret(graph, feed), before)


def test_attention_reads_the_packed_tensor() -> None:
    """Three slices become offsets."""
    graph, _ = block()
    ops = check(graph, FuseQkvSlices())
    assert "slice" not in ops
    attention = next(node for node in graph.nodes if node.op == "q_attention")
    assert [attention.attributes[f"{letter}_offset"] for letter in "qkv"] == [0, 8, 16]


def attention(slices: str, q: str, k: str, v: str) -> Graph:
    table = [int(255 * 0.97**i) for i in range(256)]
    return parse(f"""graph "a" (%x: i8[1, 6, 24; scale=0.1, zero=0],
        %z: i8[1, 6, 8; scale=0.1, zero=0]) -> (%y) {{
      %t: u8[256] = constant {table}
      {slices}
      %y: i8[1, 6, 8; scale=0.1, zero=0] = q_attention(%{q}, %{k}, %{v}, %t) {{heads = 2,
        head_dim = 4, value_dim = 4, score_limit = 20000, score_multiplier = 1, score_shift = 7,
        v_zero = 3, multiplier = 300, bias = 0, shift = 20, dtype = "i8", scale = 0.1, zero = 0}}
    }}""")


COLUMNS = "%{0}: i8[1, 6, 8; scale=0.1, zero=0] = slice(%{1}) {{starts = [0, 0, {2}], "
COLUMNS += "stops = [1, 6, {3}], steps = [1, 1, 1]}}"


def test_operands_from_different_tensors() -> None:
    """q in its own tensor, k and v sliced; a slice of a slice adds its offset."""
    outer = "%s: i8[1, 6, 16; scale=0.1, zero=0] = slice(%x) {starts = [0, 0, 8], "
    outer += "stops = [1, 6, 24], steps = [1, 1, 1]}"
    slices = "\n".join([outer, COLUMNS.format("k", "x", 0, 8), COLUMNS.format("v", "s", 8, 16)])
    graph = attention(slices, "z", "k", "v")
    assert check(graph, FuseQkvSlices()) == ["q_attention"]
    node = graph.nodes[0]
    assert node.attributes.get("q_offset", 0) == 0
    assert (node.attributes["k_offset"], node.attributes["v_offset"]) == (0, 16)


def test_slices_of_tokens_stay() -> None:
    """Only columns can be read in place."""
    slices = "%k: i8[1, 3, 8; scale=0.1, zero=0] = slice(%z) {starts = [0, 3, 0], "
    slices += "stops = [1, 6, 8], steps = [1, 1, 1]}"
    assert "slice" in check(attention(slices, "z", "k", "k"), FuseQkvSlices())


def test_layers_whose_weights_do_not_fit_together_stay_two() -> None:
    fused = block()[0]
    run_passes(fused, [FuseMlp()])
    [layer] = [node for node in fused.nodes if node.op == "q_mlp"]
    needed = sum(v.type.bytes for v in {*layer.inputs, *layer.outputs})
    assert "q_mlp" in check(block()[0], FuseMlp(needed))
    assert "q_mlp" not in check(block()[0], FuseMlp(needed - 1))


@pytest.mark.parametrize(("multiplier", "left"), [(256, 0), (255, 1)])
def test_requantization_that_changes_nothing_goes(multiplier: int, left: int) -> None:
    """Only where every code comes back."""
    graph = parse(f"""graph "r" (%x: i8[4; scale=0.1, zero=0]) -> (%y) {{
      %t: i8[256] = constant {list(range(-128, 128))}
      %r: i8[4; scale=0.1, zero=0] = q_requantize(%x) {{multiplier = {multiplier}, bias = 128,
        shift = 8, dtype = "i8", scale = 0.1, zero = 0}}
      %y: i8[4; scale=0.2, zero=0] = q_table(%r, %t) {{dtype = "i8", scale = 0.2, zero = 0}}
    }}""")
    assert check(graph, RemoveIdleRequantize()).count("q_requantize") == left


def test_whole_pipeline_keeps_the_bits_and_the_names() -> None:
    """A transformer block becomes five layers, and every one still has its float value."""
    graph, mapping = block()
    ops = check(graph, *fusion_pipeline())
    counts = {op: ops.count(op) for op in ops}
    assert counts == {"q_requantize": 1, "q_linear": 2, "q_attention": 1, "q_mlp": 1}
    assert all(node.output.name in mapping for node in graph.nodes)


JOINED = """graph "g" (%x: i16[3, 8; scale=0.01, zero=0], %z: i8[3, 4; scale=0.1, zero=0]) -> (%y) {
  %w: i8[8, 8] = constant normal 1
  %v: i8[4, 12] = constant normal 2
  %m: i32[8] = constant splat 40
  %b: i32[8] = constant splat 700
  %n: i32[4] = constant splat 40
  %c: i32[4] = constant splat 700
  %q: i8[3, 8; scale=0.1, zero=-9] = q_requantize(%x) {multiplier = 90, bias = 64, shift = 12,
    dtype = "i8", scale = 0.1, zero = -9}
  %p: i8[3, 8; scale=0.1, zero=0] = q_linear(%q, %w, %m, %b) {shift = 9, dtype = "i8",
    scale = 0.1, zero = 0}
  %r: i8[3, 4; scale=0.1, zero=0] = q_requantize(%z) {multiplier = 90, bias = 64, shift = 7,
    dtype = "i8", scale = 0.1, zero = 0}
  %j: i8[3, 12; scale=0.1, zero=0] = concat(%p, OTHER) {axis = 1}
  %y: i8[3, 4; scale=0.1, zero=0] = q_linear(%j, %v, %n, %c) {shift = 9, dtype = "i8",
    scale = 0.1, zero = 0}
}"""


@pytest.mark.parametrize(
    ("other", "raised"), [("%r", ["%q", "%p", "%r", "%j"]), ("%z", ["%q"])], ids=["all", "one not"]
)
def test_joined_tensors_are_raised_together_or_not_at_all(other: str, raised: list[str]) -> None:
    """The network's input cannot be raised, nor then what it is joined with."""
    graph = parse(JOINED.replace("OTHER", other))
    check(graph, RaiseActivations())
    found = [f"%{n.output.name}" for n in graph.nodes if n.output.type.dtype is DType.U8]
    assert sorted(found) == sorted(raised)
