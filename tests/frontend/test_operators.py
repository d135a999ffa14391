"""Every converter against onnxruntime, on random data and odd attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from harness import assert_same, one_node_model

from edgecomp.errors import EdgecompError
from edgecomp.frontend import import_onnx, supported_operators
from edgecomp.frontend.registry import converted_operators
from edgecomp.ir import interpret


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), np.float32)


def positive(*shape: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.abs(random(*shape, seed=seed)) + np.float32(0.1))


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def scalar(value: float) -> np.ndarray:
    return np.array(value, np.float32)


def check(op: str, inputs: list[np.ndarray | None], **options: Any) -> None:
    model = one_node_model(op, inputs, **options)
    names = {value.name for value in model.graph.input}
    feeds = {f"in{i}": a for i, a in enumerate(inputs) if a is not None and f"in{i}" in names}
    assert_same(model, feeds)


X = random(2, 6, 8)
FUNCTIONS = """Abs Ceil Cos Erf Exp Floor HardSwish Mish Neg Relu Round Sigmoid Sign Sin
Softplus Tanh Softsign Selu Identity Dropout""".split()  # noqa: SIM905
IMAGE = random(2, 4, 9, 8)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
@pytest.mark.parametrize("other", [(2, 6, 8), (6, 1), (), (3, 1, 6, 8)])
def test_elementwise_operators_broadcast_both_ways(op: str, other: tuple[int, ...]) -> None:
    b = np.asarray(positive(*other, seed=1))
    if op in ("Max", "Min") and other == ():
        b = b.reshape(1)
    check(op, [X, b])
    check(op, [b, X], constants=[0])


@pytest.mark.parametrize("op", ["Sum", "Mean", "Max", "Min"])
def test_variadic_operators_take_one_or_three_tensors(op: str) -> None:
    check(op, [X])
    check(op, [X, random(8, seed=1), random(6, 1, seed=2)])


@pytest.mark.parametrize("exponent", [1.0, 2.0, 0.5, -1.0, 3.0, 1.7])
def test_pow_with_constant_exponent(exponent: float) -> None:
    check("Pow", [positive(2, 5), scalar(exponent)], constants=[1])


def test_pow_with_exponent_of_its_own_shape() -> None:
    check("Pow", [positive(2, 5), random(2, 5, seed=1)])
    check("Pow", [positive(5), ints(2).reshape(1, 1)])


@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions_of_one_variable(op: str) -> None:
    check(op, [3 * X])


@pytest.mark.parametrize("op", ["Log", "Reciprocal", "Sqrt"])
def test_functions_of_a_positive_variable(op: str) -> None:
    check(op, [positive(3, 4)])


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("LeakyRelu", {}),
        ("LeakyRelu", {"alpha": 0.3}),
        ("Elu", {"alpha": 0.7}),
        ("Celu", {"alpha": 0.7}),
        ("Selu", {"alpha": 1.2, "gamma": 2.0}),
        ("HardSigmoid", {}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
        ("Gelu", {"opset": 20}),
        ("Gelu", {"opset": 20, "approximate": "tanh"}),
        ("LogSoftmax", {"axis": 1}),
        ("Softmax", {}),
        ("Softmax", {"axis": 0, "opset": 13}),
        ("LpNormalization", {"axis": 1}),
        ("Flatten", {"axis": 2}),
        ("Flatten", {"axis": -1}),
        ("Flatten", {"axis": 0}),
        ("Flatten", {"axis": 3}),
        ("Transpose", {}),
        ("Transpose", {"perm": [0, 2, 1]}),
        ("Transpose", {"perm": [0, 1, 2]}),
        ("Trilu", {"upper": 0}),
    ],
)
def test_operators_with_attributes(op: str, attributes: dict[str, Any]) -> None:
    check(op, [X], **attributes)


@pytest.mark.parametrize("bounds", [(0.0, 6.0), (0.0, None), (-0.5, None), (None, 0.3)])
def test_clip_with_one_or_two_bounds(bounds: tuple[float | None, float | None]) -> None:
    limits = [None if b is None else scalar(b) for b in bounds]
    check("Clip", [X, *limits], constants=[1, 2])


@pytest.mark.parametrize("slope", [scalar(0.2).reshape(1), random(6, 1), random(2, 6, 8)])
def test_prelu_with_shared_and_own_slopes(slope: np.ndarray) -> None:
    check("PRelu", [X, slope], constants=[1])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((2, 6, 8), (8, 3)),
        ((2, 6, 8), (2, 8, 3)),
        ((8,), (8, 3)),
        ((6, 8), (8,)),
        ((8,), (8,)),
        ((3, 1, 6, 8), (2, 8, 3)),
    ],
)
@pytest.mark.parametrize("constants", [(), (1,)])
def test_matmul_of_every_rank(
    a: tuple[int, ...], b: tuple[int, ...], constants: tuple[int, ...]
) -> None:
    check("MatMul", [random(*a), random(*b, seed=1)], constants=constants)


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("bias", [None, random(3, seed=2), random(5, 1, seed=2), scalar(2.0)])
@pytest.mark.parametrize("constants", [(), (1, 2)])
def test_gemm(turn: int, bias: np.ndarray | None, constants: tuple[int, ...]) -> None:
    a, b = random(5, 4), random(4, 3, seed=1)
    if turn:
        a, b = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)
    options = {"transA": turn, "transB": turn, "alpha": 0.5, "beta": 2.0}
    check("Gemm", [a, b, bias], constants=constants, **options)


@pytest.mark.parametrize(
    ("equation", "a", "b"),
    [
        ("bid,bjd->bij", (2, 3, 4), (2, 5, 4)),
        ("bhij,bhjd->bihd", (2, 3, 4, 5), (2, 3, 5, 6)),
        ("ij,kj->ki", (2, 3), (4, 3)),
        ("i,j->ij", (2,), (3,)),
    ],
)
def test_einsum_that_is_a_matrix_product(
    equation: str, a: tuple[int, ...], b: tuple[int, ...]
) -> None:
    check("Einsum", [random(*a), random(*b, seed=1)], equation=equation)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("bnhd,bhmd,bnh->bnhm", [(2, 5, 3, 4), (2, 3, 6, 4), (2, 5, 3)]),
        ("ab,bc,cd,de->ae", [(2, 3), (3, 4), (4, 5), (5, 6)]),
        ("bnhm,bnh->bnhm", [(2, 5, 3, 4), (2, 5, 3)]),
        ("bct,c->bct", [(2, 3, 5), (3,)]),
        ("bct,c->tb", [(2, 3, 5), (3,)]),
        ("bij,bkl->bik", [(2, 3, 4), (2, 5, 6)]),
        ("...td,de->...te", [(2, 3, 5, 4), (4, 6)]),
        ("...td,...sd->...ts", [(2, 3, 5, 4), (2, 3, 6, 4)]),
        ("bij->bji", [(2, 3, 4)]),
        ("bij->i", [(2, 3, 4)]),
        ("bi...->...", [(2, 3, 4)]),
        ("bij,jk", [(2, 3, 4), (4, 5)]),
    ],
)
def test_einsum_of_any_number_of_tensors(equation: str, shapes: list[tuple[int, ...]]) -> None:
    tensors: list[np.ndarray | None] = [random(*s, seed=i) for i, s in enumerate(shapes)]
    check("Einsum", tensors, equation=equation)


@pytest.mark.parametrize(
    ("x", "w", "attributes"),
    [
        ((1, 3, 20), (4, 3, 5), {}),
        ((2, 4, 20), (6, 2, 3), {"group": 2, "strides": [3], "pads": [2, 1], "dilations": [2]}),
        ((1, 3, 20), (4, 3, 4), {"auto_pad": "SAME_UPPER", "strides": [3]}),
        ((1, 3, 20), (4, 3, 4), {"auto_pad": "SAME_LOWER", "strides": [2]}),
        ((1, 3, 20), (4, 3, 4), {"auto_pad": "VALID"}),
        ((2, 4, 9, 8), (6, 4, 3, 2), {"pads": [1, 0, 2, 1], "strides": [2, 1]}),
        ((2, 4, 9, 8), (8, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1], "dilations": [1, 2]}),
        ((1, 1, 4, 7), (2, 1, 1, 7), {"kernel_shape": [1, 7]}),
    ],
)
@pytest.mark.parametrize("bias", [False, True])
def test_convolution(
    x: tuple[int, ...], w: tuple[int, ...], attributes: dict[str, Any], bias: bool
) -> None:
    biases = [random(w[0], seed=2)] if bias else []
    check("Conv", [random(*x), random(*w, seed=1), *biases], constants=[1, 2], **attributes)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(
    "attributes",
    [
        {"kernel_shape": [3, 2]},
        {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]},
        {"kernel_shape": [2, 3], "strides": [3, 2], "ceil_mode": 1},
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
        {"kernel_shape": [3, 3], "strides": [2, 3], "auto_pad": "SAME_UPPER"},
    ],
)
def test_pooling(op: str, attributes: dict[str, Any]) -> None:
    check(op, [IMAGE], **attributes)


@pytest.mark.parametrize("ceil", [0, 1])
def test_average_that_counts_the_border(ceil: int) -> None:
    attributes = {"kernel_shape": [3], "strides": [2], "pads": [1, 1], "count_include_pad": 1}
    check("AveragePool", [random(1, 3, 8)], opset=19, ceil_mode=ceil, **attributes)


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
def test_global_pooling(op: str) -> None:
    check(op, [IMAGE])


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2"])
@pytest.mark.parametrize("keep", [0, 1])
def test_reductions_with_axes_as_operand(op: str, keep: int) -> None:
    check(op, [X, ints(-1, 0)], keepdims=keep)
    check(op, [X], keepdims=keep)
    check(op, [X], keepdims=keep, noop_with_empty_axes=1)


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceMax", "ReduceL2", "ReduceL1"])
def test_reductions_with_axes_as_attribute(op: str) -> None:
    check(op, [X], opset=13, axes=[1])


@pytest.mark.parametrize("op", ["ReduceL1", "ReduceSumSquare"])
def test_reductions_of_a_function(op: str) -> None:
    check(op, [X, ints(1)])


@pytest.mark.parametrize("attributes", [{}, {"exclusive": 1}, {"reverse": 1, "exclusive": 1}])
def test_cumulative_sum(attributes: dict[str, int]) -> None:
    check("CumSum", [X, ints(1).reshape(())], **attributes)
    check("CumSum", [random(7), ints(0).reshape(())], **attributes)


@pytest.mark.parametrize("axis", [-1, 1, 0])
def test_layer_normalization_over_one_or_more_axes(axis: int) -> None:
    shape = X.shape[axis:]
    scale, bias = random(*shape, seed=1), random(*shape, seed=2)
    check("LayerNormalization", [X, scale, bias], axis=axis, constants=[1, 2], epsilon=1e-3)
    check("LayerNormalization", [X, scale], axis=axis, constants=[1])


def test_batch_normalization() -> None:
    parameters = [random(4, seed=1), random(4, seed=2), random(4, seed=3), positive(4, seed=4)]
    check("BatchNormalization", [IMAGE, *parameters], constants=[1, 2, 3, 4], epsilon=1e-3)


def test_instance_normalization() -> None:
    parameters = [random(4, seed=1), random(4, seed=2)]
    check("InstanceNormalization", [IMAGE, *parameters], constants=[1, 2])


@pytest.mark.parametrize(("opset", "size"), [(18, 2), (21, 4)])
def test_group_normalization_with_gains_per_group_and_per_channel(opset: int, size: int) -> None:
    parameters = [random(size, seed=1), random(size, seed=2)]
    inputs = [IMAGE, *parameters]
    check("GroupNormalization", inputs, constants=[1, 2], opset=opset, num_groups=2)


def test_rms_normalization() -> None:
    check("RMSNormalization", [X, random(8, seed=1)], constants=[1], opset=23, axis=-1)


@pytest.mark.parametrize("causal", [0, 1])
def test_attention_is_decomposed(causal: int) -> None:
    q, k, v = random(2, 3, 5, 4), random(2, 3, 5, 4, seed=1), random(2, 3, 5, 4, seed=2)
    check("Attention", [q, k, v], opset=23, is_causal=causal, scale=0.3)


MASKS = {
    "bias for every head": random(1, 3, 5, 5, seed=3),
    "bias for all": random(5, 5, seed=3),
    "kept": np.tril(np.ones((1, 1, 5, 5), bool)),
    "minus infinity": np.where(np.tril(np.ones((5, 5))) > 0, 0, -np.inf).astype(np.float32),
}


@pytest.mark.parametrize("mask", MASKS)
def test_attention_with_a_stored_mask(mask: str) -> None:
    q, k, v = (random(2, 3, 5, 4, seed=seed) for seed in range(3))
    check("Attention", [q, k, v, MASKS[mask]], opset=23, constants=[3])


def test_attention_with_a_computed_bias() -> None:
    q, k, v = (random(2, 3, 5, 4, seed=seed) for seed in range(3))
    check("Attention", [q, k, v, random(5, 5, seed=3)], opset=23)


@pytest.mark.parametrize("heads", [3, 1])
def test_attention_on_heads_side_by_side(heads: int) -> None:
    """Queries of three heads, keys and values of as many or shared by all."""
    q, k, v = random(2, 5, 12), random(2, 5, 4 * heads, seed=1), random(2, 5, 4 * heads, seed=2)
    check("Attention", [q, k, v], opset=23, q_num_heads=3, kv_num_heads=heads, softcap=4.0)


def test_rotary_embedding_with_stored_tables() -> None:
    angles = random(5, 2, seed=1)[None]
    tables = [np.cos(angles), np.sin(angles)]
    check("RotaryEmbedding", [random(1, 3, 5, 4), *tables], opset=23, constants=[1, 2])


@pytest.mark.parametrize("shape", [(2, -1), (0, 0, 2, 4), (96,), (0, -1)])
def test_reshape(shape: tuple[int, ...]) -> None:
    check("Reshape", [X, ints(*shape)])


def test_squeeze_and_unsqueeze() -> None:
    check("Squeeze", [random(1, 3, 1, 4), ints(-2)])
    check("Squeeze", [random(1, 3, 1, 4)])
    check("Unsqueeze", [X, ints(0, -1)])


@pytest.mark.parametrize("shape", [(3, 2, 6, 8), (1,), (6, 8)])
def test_expand_broadcasts_both_ways(shape: tuple[int, ...]) -> None:
    check("Expand", [X, ints(*shape)])
    check("Expand", [random(6, 1), ints(2, 1, 8)])


def test_tile_concat_and_blocks() -> None:
    check("Tile", [X, ints(1, 2, 3)])
    check("Concat", [X, random(2, 1, 8, seed=1)], axis=-2)
    check("Concat", [X, random(2, 1, 8, seed=1)], axis=1, constants=[1])
    check("DepthToSpace", [random(1, 8, 2, 3)], blocksize=2)
    check("DepthToSpace", [random(1, 8, 2, 3)], blocksize=2, mode="CRD")
    check("SpaceToDepth", [random(1, 2, 4, 6)], blocksize=2)


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [
        ((1,), (-1,), (1,), (2,)),
        ((-1,), (-100,), (-1,), (-1,)),
        ((4, 0), (0, 1000), (1, 2), (-2, 3)),
        ((5,), (2**62,), (2,), (5,)),
    ],
)
def test_slice_with_steps_of_either_sign(
    starts: tuple[int, ...], ends: tuple[int, ...], axes: tuple[int, ...], steps: tuple[int, ...]
) -> None:
    check("Slice", [X, ints(*starts), ints(*ends), ints(*axes), ints(*steps)])


def test_split_by_sizes_by_count_and_with_a_smaller_rest() -> None:
    check("Split", [X, ints(1, 2, 3)], axis=1, results=3)
    check("Split", [X], axis=-1, results=2, opset=13)
    check("Split", [X], axis=-1, results=3, num_outputs=3)


@pytest.mark.parametrize(
    "indices", [ints(2), ints(0, 2, 4), ints(5, -1, 0, 0), ints(1, 2, 3, 0).reshape(2, 2)]
)
def test_gather(indices: np.ndarray) -> None:
    check("Gather", [X, indices], axis=1)
    check("Gather", [X, indices.reshape(-1)[0]], axis=-2)


def test_gather_nd() -> None:
    check("GatherND", [X, ints(0, 1, 1, 5, -1, 0).reshape(3, 2)])
    check("GatherND", [X, ints(0, 1, 2, 1, 5, 7).reshape(2, 1, 3)])


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_pad(mode: str) -> None:
    check("Pad", [X, ints(0, 1, 2, 0, 3, 0)], mode=mode, opset=19)


def test_pad_with_value_axes_and_negative_amount() -> None:
    check("Pad", [X, ints(1, 2), scalar(1.5), ints(-1)], constants=[2])
    check("Pad", [X, ints(0, -1, 2, 0, 0, -3)])


COORDINATES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]


@pytest.mark.parametrize("coordinates", [*COORDINATES, "half_pixel_symmetric"])
@pytest.mark.parametrize("size", [1, 5, 8, 13, 24])
def test_linear_resize_to_a_size(coordinates: str, size: int) -> None:
    options = {"mode": "linear", "coordinate_transformation_mode": coordinates, "opset": 19}
    check("Resize", [X, None, None, ints(2, 6, size)], **options)


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("scale", [0.4, 1.7, 2.5])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_resize_by_scale_on_two_axes(coordinates: str, scale: float, mode: str) -> None:
    options = {"mode": mode, "coordinate_transformation_mode": coordinates}
    check("Resize", [IMAGE, None, floats(1, 1, 2.0, scale)], **options, constants=[2])


@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
def test_nearest_resize(rounding: str) -> None:
    options = {"mode": "nearest", "nearest_mode": rounding}
    check("Resize", [X, None, None, ints(2, 6, 13)], **options)


def test_resize_of_chosen_axes() -> None:
    check("Resize", [X, None, None, ints(9)], mode="linear", axes=[-1])


def test_where_with_constant_condition() -> None:
    condition = np.random.default_rng(0).random((6, 8)) < 0.5
    check("Where", [condition, X, random(8, seed=1)])
    check("Where", [condition, X, scalar(-3.0)], constants=[2])
    check("Where", [np.ones((6, 8), bool), X, scalar(-3.0)], constants=[2])


COMPARISONS = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]


def chosen(*nodes: onnx.NodeProto, **constants: np.ndarray) -> onnx.ModelProto:
    """Inputs a, b f32[2, 6, 8]; ``nodes`` make the condition c of y = Where(c, a, b)."""
    make = onnx.helper
    tensors = [
        make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (2, 6, 8)) for name in "aby"
    ]
    graph = make.make_graph(
        [*nodes, make.make_node("Where", ["c", "a", "b"], ["y"])],
        "chosen",
        tensors[:2],
        tensors[2:],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=9)


@pytest.mark.parametrize("op", COMPARISONS)
@pytest.mark.parametrize("bound", ["b", "half", "zero"])
def test_where_with_a_comparison(op: str, bound: str) -> None:
    node = onnx.helper.make_node(op, ["a", bound], ["c"])
    x = np.round(2 * X) / 2  # some elements are equal
    model = chosen(node, half=scalar(0.5), zero=np.zeros((1, 1), np.float32))
    assert_same(model, {"a": x, "b": np.roll(x, 1)})


def test_infinite_values_that_a_mask_put_in_are_not_told_from_numbers() -> None:
    make = onnx.helper.make_node
    nodes = [
        make("Where", ["mask", "lowest", "a"], ["masked"]),
        make("Equal", ["masked", "lowest"], ["c"]),
    ]
    model = chosen(*nodes, lowest=scalar(-np.inf), mask=np.arange(8) % 3 > 0)
    with pytest.raises(EdgecompError, match="asks for infinite values"):
        import_onnx(model.SerializeToString())


@pytest.mark.parametrize("op", ["And", "Or"])
def test_where_with_joined_comparisons(op: str) -> None:
    make = onnx.helper.make_node
    nodes = [
        make("Greater", ["a", "half"], ["high"]),
        make("Less", ["b", "half"], ["low"]),
        make(op, ["high", "low"], ["joined"]),
        make("And", ["joined", "mask"], ["masked"]),
        make("Not", ["masked"], ["c"]),
    ]
    mask = np.arange(8) % 3 > 0
    assert_same(chosen(*nodes, half=scalar(0.5), mask=mask), {"a": X, "b": np.roll(X, 1)})


def test_what_is_empty_adds_nothing_to_a_concatenation() -> None:
    """Rotations of a part of the features are exported so, also where the part is all of them."""
    make = onnx.helper.make_node
    nodes = [
        make("Slice", ["a", "from", "to", "last"], ["rest"]),
        make("Mul", ["rest", "rest"], ["squares"]),
        make("Concat", ["b", "squares"], ["joined"], axis=-1),
        make("Equal", ["joined", "infinite"], ["c"]),
    ]
    bounds = {"from": ints(8), "to": ints(8), "last": ints(-1)}
    model = chosen(*nodes, infinite=scalar(-np.inf), **bounds)
    assert_same(model, {"a": X, "b": np.roll(X, 1)})


COMPOSED: dict[str, dict[str, Any]] = {
    "Attention": {"inputs": [X, X, X], "q_num_heads": 2, "kv_num_heads": 2},
    "Celu": {"inputs": [X], "alpha": 0.5},
    "MeanVarianceNormalization": {"inputs": [IMAGE]},
    "ReduceLogSumExp": {"inputs": [X, ints(-1)]},
    "RotaryEmbedding": {
        "inputs": [random(2, 6, 8), random(2, 6, 2, seed=1), random(2, 6, 2, seed=2)],
        "num_heads": 2,
    },
    "Shrink": {"inputs": [X], "lambd": 0.4, "bias": 0.1},
    "Softsign": {"inputs": [X]},
    "ThresholdedRelu": {"inputs": [X], "alpha": 0.3},
}


@pytest.mark.parametrize("op", sorted(set(supported_operators()) - converted_operators()))
def test_operators_that_are_replaced_by_what_they_are_made_of(op: str) -> None:
    options = dict(COMPOSED[op])
    check(op, options.pop("inputs"), opset=23, **options)


@pytest.mark.parametrize("inverse", [0, 1])
@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize(("opset", "axis"), [(17, 1), (17, 2), (20, 1), (20, -2)])
def test_fourier_transform(inverse: int, parts: int, opset: int, axis: int) -> None:
    x = random(2, 9, 6, parts)
    if opset < 20:
        model = one_node_model("DFT", [x], opset=opset, axis=axis, inverse=inverse)
    else:
        model = one_node_model("DFT", [x, None, np.array(axis)], opset=opset, inverse=inverse)
    assert_same(model, {"in0": x})


@pytest.mark.parametrize("onesided", [0, 1])
@pytest.mark.parametrize("window", [None, np.hanning(9).astype(np.float32)])
def test_short_time_fourier_transform(window: np.ndarray | None, onesided: int) -> None:
    lengths = [ints(4).reshape(()), window, ints(9).reshape(())]
    check("STFT", [random(2, 30, 1), *lengths], constants=[2], onesided=onesided)
    if window is not None:
        check("STFT", [random(2, 31, 1), *lengths[:2]], constants=[2], onesided=onesided)


@pytest.mark.parametrize("length", [None, 5, 12])
@pytest.mark.parametrize("samples", [8, 9])
def test_half_spectrum(length: int | None, samples: int) -> None:
    x = random(1, samples, 1)
    count = None if length is None else np.array(length)
    model = one_node_model("DFT", [x, count], opset=17, axis=1, onesided=1)
    assert_same(model, {"in0": x})
    expected = np.fft.rfft(x[:, :, 0], n=length, axis=1)
    [found] = interpret(import_onnx(model.SerializeToString()), {"in0": x})
    np.testing.assert_allclose(found[..., 0] + 1j * found[..., 1], expected, atol=1e-5)


@pytest.mark.parametrize("length", [None, 8, 9])
def test_real_signal_of_a_half_spectrum(length: int | None) -> None:
    x = random(3, 5, 2)
    operands = [x, None if length is None else np.array(length), np.array(1)]
    model = one_node_model("DFT", operands, opset=20, inverse=1, onesided=1)
    assert_same(model, {"in0": x})


@pytest.mark.parametrize("length", [6, 7, 8, 12, 13])
def test_half_spectrum_is_cut_or_filled_as_numpy_does(length: int) -> None:
    x = random(3, 5, 2)
    operands = [x, np.array(length), np.array(1)]
    model = one_node_model("DFT", operands, opset=20, inverse=1, onesided=1)
    [found] = interpret(import_onnx(model.SerializeToString()), {"in0": x})
    expected = np.fft.irfft(x[..., 0] + 1j * x[..., 1], n=length, axis=1)
    np.testing.assert_allclose(found[..., 0], expected, atol=1e-5)
