"""What is wrong with a model is said in one clear error; nothing else ever comes out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from harness import make_model, one_node_model
from onnx import TensorProto, helper, numpy_helper

from edgecomp.errors import EdgecompError
from edgecomp.frontend import import_onnx
from edgecomp.ir import interpret

X = np.ones((2, 4), np.float32)
Shape = Sequence[int | str | None]
CALLS = [((["x"], ["t"]), "first"), ((["t"], ["z"]), "second")]


def graph_of(
    *nodes: onnx.NodeProto,
    inputs: Sequence[tuple[str, int, Shape | None]] = (("x", TensorProto.FLOAT, (2, 4)),),
    output: str = "y",
    weights: dict[str, np.ndarray] | None = None,
) -> onnx.GraphProto:
    return helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(*i) for i in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )


def node(op: str, inputs: str, outputs: str, **options: object) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), outputs.split(), name=f"my_{op}", **options)


def refused(model: onnx.ModelProto | onnx.GraphProto | bytes | Path, **dims: int) -> EdgecompError:
    if isinstance(model, onnx.GraphProto):
        model = make_model(model)
    source = model.SerializeToString() if isinstance(model, onnx.ModelProto) else model
    with pytest.raises(EdgecompError) as caught:
        import_onnx(source, dims)
    return caught.value


def with_weight(array: np.ndarray, op: str = "Add") -> onnx.GraphProto:
    return graph_of(node(op, "x weight", "y"), weights={"weight": array})


# -- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04 a zip", b"graph { }", bytes(1000), b"\xff" * 99]
)
def test_file_that_is_not_onnx(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "weights.onnx").write_bytes(data)
    assert "weights.onnx is not an ONNX model" in refused(tmp_path / "weights.onnx").message


def test_file_that_does_not_exist_and_a_folder(tmp_path: Path) -> None:
    assert "cannot read" in refused(tmp_path / "none.onnx").message
    assert "cannot read" in refused(tmp_path).message


@pytest.mark.parametrize(("opset", "hint"), [(9, "convert_version"), (24, "export it again")])
def test_opset_too_old_or_too_new(opset: int, hint: str) -> None:
    model = one_node_model("Relu", [X], opset=18)
    model.opset_import[0].version = opset
    error = refused(model)
    assert f"opset {opset}" in error.message
    assert hint in error.hint


def external(tmp_path: Path, location: str, offset: int = 0, length: int = 32) -> Path:
    graph = with_weight(X)
    tensor = graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    path = tmp_path / "folder" / "m.onnx"
    path.parent.mkdir()
    path.write_bytes(make_model(graph).SerializeToString())
    return path


def test_external_data_beside_the_model(tmp_path: Path) -> None:
    path = external(tmp_path, "data.bin", offset=8)
    (path.parent / "data.bin").write_bytes(bytes(8) + (3 * X).tobytes())
    [result] = interpret(import_onnx(path), {"x": X})
    np.testing.assert_array_equal(result, X + 3 * X)


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "none.bin", "", "link.bin"])
def test_external_data_outside_of_the_models_folder(tmp_path: Path, location: str) -> None:
    path = external(tmp_path, location)
    (tmp_path / "secret.bin").write_bytes(bytes(32))
    (path.parent / "link.bin").symlink_to(tmp_path / "secret.bin")
    assert "no file in the model's folder" in refused(path).message


def test_external_data_shorter_than_the_tensor(tmp_path: Path) -> None:
    path = external(tmp_path, "data.bin", offset=8, length=32)
    (path.parent / "data.bin").write_bytes(bytes(32))
    assert "lies outside of data.bin" in refused(path).message
    assert "another file" in refused(path.read_bytes()).message


# -- inputs -----------------------------------------------------------------------------------


def test_open_axes_are_all_named_and_can_be_fixed() -> None:
    shape: Shape = ("batch", 4, None)
    graph = graph_of(node("Relu", "x", "y"), inputs=[("x", TensorProto.FLOAT, shape)])
    error = refused(graph)
    assert "batch" in error.message
    assert "--dim batch=SIZE" in error.hint
    assert "--dim x.2=SIZE" in error.hint
    fixed = import_onnx(make_model(graph).SerializeToString(), {"batch": 3, "x.2": 5})
    assert fixed.inputs[0].shape == (3, 4, 5)
    assert "no open axis called time" in refused(graph, time=2).message
    assert "cannot have size 0" in refused(graph, **{"batch": 0, "x.2": 1}).message


@pytest.mark.parametrize(("op", "options"), [("Conv", {}), ("MaxPool", {"kernel_shape": [5]})])
def test_axis_given_shorter_than_a_kernel(op: str, options: dict[str, object]) -> None:
    kernel = {"w": np.ones((3, 4, 5), np.float32)} if op == "Conv" else {}
    graph = graph_of(
        node(op, " ".join(["x", *kernel]), "y", **options),
        inputs=[("x", TensorProto.FLOAT, (1, 4, "time"))],
        weights=kernel,
    )
    error = refused(graph, time=3)
    assert f"my_{op}" in error.message
    assert "(5,) exceeds" in error.message or "5) exceeds" in error.message
    assert "too short" in error.hint
    assert "--dim time=3" in error.hint
    long_enough = import_onnx(make_model(graph).SerializeToString(), {"time": 7})
    assert long_enough.outputs[0].shape[-1] == 3


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING])
def test_input_that_is_not_a_signal(kind: int) -> None:
    error = refused(graph_of(node("Identity", "x", "y"), inputs=[("x", kind, (2, 4))]))
    assert "input 'x' has element type" in error.message


@pytest.mark.parametrize("shape", [(0, 4), (2, -1), (1 << 40, 1 << 40), (2**63 - 1,)])
def test_input_of_impossible_size(shape: tuple[int, ...]) -> None:
    error = refused(graph_of(node("Relu", "x", "y"), inputs=[("x", TensorProto.FLOAT, shape)]))
    assert "input 'x' has shape" in error.message


def test_input_without_shape_and_model_without_input_or_output() -> None:
    anything = graph_of(node("Relu", "x", "y"), inputs=[("x", TensorProto.FLOAT, None)])
    assert "has no shape" in refused(anything).message
    assert (
        "no input" in refused(graph_of(node("Relu", "w", "y"), inputs=[], weights={"w": X})).message
    )
    silent = graph_of(node("Relu", "x", "y"))
    del silent.output[:]
    assert "no output" in refused(silent).message


OTHER_FLOATS = [TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE]


@pytest.mark.parametrize("kind", OTHER_FLOATS)
def test_network_in_another_floating_point_type(kind: int, tmp_path: Path) -> None:
    inputs: list[tuple[str, int, Shape | None]] = [("x", kind, (2, 4))]
    path = tmp_path / "mine.onnx"
    onnx.save(make_model(graph_of(node("Relu", "x", "y"), inputs=inputs)), path)
    error = refused(path)
    assert f"{path} is not a float32 network: its input 'x'" in error.message
    assert helper.tensor_dtype_to_string(kind).split(".")[1].lower() in error.message
    assert "model.float()" in error.hint


@pytest.mark.parametrize("kind", OTHER_FLOATS)
def test_constants_of_other_floating_point_types_become_float32(kind: int) -> None:
    weight = helper.make_tensor("weight", kind, (2, 4), X.reshape(-1))
    cast = node("Cast", "weight", "w", to=TensorProto.FLOAT)
    graph = graph_of(cast, node("Add", "x w", "y"))
    graph.initializer.append(weight)
    [result] = interpret(import_onnx(make_model(graph).SerializeToString()), {"x": X})
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, X + X)


# -- structure --------------------------------------------------------------------------------


def test_cycle() -> None:
    error = refused(
        graph_of(node("Add", "x b", "a"), node("Relu", "a", "b"), node("Neg", "b", "y"))
    )
    assert "cycle" in error.message


def test_nodes_out_of_order_are_sorted() -> None:
    graph = graph_of(node("Relu", "a", "y"), node("Neg", "x", "a"))
    assert [
        n.attributes["function"] for n in import_onnx(make_model(graph).SerializeToString()).nodes
    ] == ["neg", "relu"]


def test_name_that_nothing_defines() -> None:
    error = refused(graph_of(node("Add", "x missing", "y")))
    assert "my_Add (Add) reads 'missing', which nothing defines" in error.message


def test_name_defined_twice() -> None:
    assert (
        "defined twice" in refused(graph_of(node("Relu", "x", "y"), node("Neg", "x", "y"))).message
    )
    assert "defined twice" in refused(graph_of(node("Relu", "x", "x"), output="x")).message


def test_output_that_nothing_computes_or_that_is_constant() -> None:
    assert "nothing computes" in refused(graph_of(node("Relu", "x", "z"))).message
    constant = graph_of(node("Relu", "w", "y"), weights={"w": X})
    assert "does not depend" in refused(constant).message


def test_function_that_calls_itself() -> None:
    body = helper.make_function(
        "mine", "Loop", ["a"], ["b"], [helper.make_node("Loop", ["a"], ["b"], domain="mine")],
        [helper.make_opsetid("mine", 1)],
    )  # fmt: skip
    model = make_model(graph_of(node("Loop", "x", "y", domain="mine")))
    model.functions.append(body)
    model.opset_import.append(helper.make_opsetid("mine", 1))
    assert "calls itself" in refused(model).message


def test_functions_that_unfold_without_bound() -> None:
    model = make_model(graph_of(node("F40", "x", "y", domain="mine")))
    model.opset_import.append(helper.make_opsetid("mine", 1))
    imports = [helper.make_opsetid("mine", 1), helper.make_opsetid("", 18)]
    for level in range(41):
        name, domain = (f"F{level - 1}", "mine") if level else ("Relu", "")
        body = [helper.make_node(name, ["a"], ["t"], domain=domain)]
        body += [helper.make_node(name, ["t"], ["b"], domain=domain)]
        model.functions.append(
            helper.make_function("mine", f"F{level}", ["a"], ["b"], body, imports)
        )
    assert "nodes" in refused(model).message


def test_local_functions_are_inlined() -> None:
    body = [helper.make_node("Relu", ["a"], ["t"]), helper.make_node("Neg", ["t"], ["b"])]
    model = make_model(graph_of(node("Mine", "x", "y", domain="mine")))
    model.opset_import.append(helper.make_opsetid("mine", 1))
    model.functions.append(
        helper.make_function("mine", "Mine", ["a"], ["b"], body, [helper.make_opsetid("", 18)])
    )
    [result] = interpret(import_onnx(model.SerializeToString()), {"x": X})
    np.testing.assert_array_equal(result, -X)


def test_layers_of_a_function_are_named_after_its_call() -> None:
    body = [helper.make_node("Relu", ["a"], ["t"], name="inner"), node("Neg", "t", "b")]
    body[1].name = ""
    calls = [helper.make_node("Mine", *ends, name=name, domain="mine") for ends, name in CALLS]
    model = make_model(graph_of(*calls, helper.make_node("Softsign", ["z"], ["y"], name="soft")))
    model.opset_import.append(helper.make_opsetid("mine", 1))
    model.functions.append(
        helper.make_function("mine", "Mine", ["a"], ["b"], body, [helper.make_opsetid("", 18)])
    )
    names = [layer.name for layer in import_onnx(model.SerializeToString()).nodes]
    stems = [name.partition("__")[0] for name in names[:4]]  # the inliner numbers names
    assert stems == ["first/inner", "first", "second/inner", "second"]
    assert set(names[4:]) == {"soft"}


def test_result_that_reads_an_empty_tensor() -> None:
    weights = {"from": np.array([4]), "to": np.array([4]), "axis": np.array([1])}
    graph = graph_of(node("Slice", "x from to axis", "e"), node("Add", "x e", "y"), weights=weights)
    assert "my_Add (Add): it reads an empty tensor, of shape (2, 0)" in refused(graph).message
    alone = graph_of(node("Slice", "x from to axis", "y"), weights=weights)
    assert "output 'y' is empty, of shape (2, 0)" in refused(alone).message


# -- weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weight_that_is_not_finite_is_named(value: float) -> None:
    bad = X.copy()
    bad[1, 2] = value
    assert "'weight' holds" in refused(with_weight(bad, "Mul")).message


def test_minus_infinity_in_an_additive_mask_stays_finite() -> None:
    graph = import_onnx(
        make_model(
            with_weight(np.where(np.eye(4) > 0, 0, -np.inf).astype(np.float32)[:2])
        ).SerializeToString()
    )
    [result] = interpret(graph, {"x": X})
    assert np.isfinite(result).all()
    assert result[0, 0] == 1 and result[0, 1] < -1e37


def test_weight_whose_data_does_not_fill_its_shape() -> None:
    graph = with_weight(X)
    graph.initializer[0].dims[0] = 3
    assert "tensor 'weight' does not hold the data" in refused(graph).message
    graph.initializer[0].dims[0] = 1 << 60
    assert "tensor 'weight' claims shape" in refused(graph).message


def test_weight_of_the_wrong_shape() -> None:
    message = refused(with_weight(np.ones((3, 4), np.float32), "MatMul")).message
    assert message.startswith("my_MatMul (MatMul)")
    assert "cannot multiply" in message


# -- operators --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "way_out"),
    [("LSTM", "attention"), ("GRU", "attention"), ("ConvTranspose", "upsampling")],
)
def test_operators_that_networks_often_have_are_refused_with_what_does_their_work(
    op: str, way_out: str
) -> None:
    sizes = {} if op == "ConvTranspose" else {"hidden_size": 4}
    weights = {"w": np.ones((1, 16, 4), np.float32), "r": np.ones((1, 16, 4), np.float32)}
    error = refused(graph_of(node(op, "x w r", "y", **sizes), weights=weights))
    assert f"does not support {op}" in error.message and way_out in error.hint


def test_all_unsupported_nodes_are_listed_at_once() -> None:
    graph = graph_of(
        node("Det", "x", "a"),
        node("Relu", "a", "b"),
        node("NonZero", "b", "c"),
        node("Fused", "x", "d", domain="com.vendor"),
        node("Sum", "c d", "y"),
    )
    error = refused(graph)
    assert error.message.startswith("3 nodes")
    for text in ("my_Det (Det) [ai.onnx opset 18]", "my_NonZero", "[com.vendor opset"):
        assert text in error.message
    assert "edgecomp ops" in error.hint


def test_quantized_model_is_told_to_come_as_float() -> None:
    weights = {"s": np.array(0.1, np.float32), "z": np.array(0, np.uint8)}
    graph = graph_of(
        node("QuantizeLinear", "x s z", "q"),
        node("DequantizeLinear", "q s z", "y"),
        weights=weights,
    )
    assert "give edgecomp the float model" in refused(graph).hint


def test_shape_or_indices_that_depend_on_the_input() -> None:
    graph = graph_of(node("Cast", "x", "i", to=TensorProto.INT64), node("Gather", "x i", "y"))
    assert "becomes integer" in refused(graph).message


@pytest.mark.parametrize(
    "model",
    [
        one_node_model("Transpose", [X], perm=[0, 0]),
        one_node_model("Softmax", [X], axis=5),
        one_node_model("Concat", [X]),
        one_node_model("Reshape", [X, np.array([3, -1])]),
        one_node_model("Reshape", [X, np.array([-1, -1])]),
        one_node_model("Gather", [X, np.array([7])]),
        one_node_model("Conv", [X, X]),
        one_node_model("MaxPool", [X.reshape(1, 2, 4)], kernel_shape=[9]),
        one_node_model("MaxPool", [X.reshape(1, 2, 4)], kernel_shape=[0], strides=[0]),
        one_node_model("Split", [X, np.array([1, 9])], results=2),
        one_node_model("Pad", [X, np.array([0, 1 << 40, 0, 0])]),
        one_node_model("Tile", [X, np.array([1 << 30, 1 << 30])]),
        one_node_model("Expand", [X, np.array([1 << 30, 2, 4])]),
        one_node_model("Resize", [X, None, None, np.array([2, 1 << 40])]),
        one_node_model("Relu", [X], alpha=1.0),
        one_node_model("Add", [X]),
        one_node_model("LayerNormalization", [X, np.ones(3, np.float32)], constants=[1]),
        one_node_model("Softmax", [X], axis="one"),
    ],
    ids=lambda model: model.graph.node[0].op_type,
)
def test_attributes_and_shapes_that_do_not_fit_name_the_node(model: onnx.ModelProto) -> None:
    assert f"the_{model.graph.node[0].op_type}" in refused(model).message


@pytest.mark.parametrize("op", ["ConstantOfShape", "Range", "Expand"])
def test_constants_of_excessive_size_are_not_computed(op: str) -> None:
    weights = {"n": np.array([1 << 20, 1 << 20]), "zero": np.array(0), "one": np.array(1)}
    weights |= {"limit": np.array(1 << 60), "w": np.ones(1, np.float32)}
    inputs = {"ConstantOfShape": "n", "Range": "zero limit one", "Expand": "w n"}[op]
    graph = graph_of(node(op, inputs, "c"), node("Add", "x c", "y"), weights=weights)
    assert f"my_{op}" in refused(graph).message


# -- damage -----------------------------------------------------------------------------------


def specimen() -> bytes:
    rng = np.random.default_rng(0)
    weights = {
        "w": rng.standard_normal((4, 4)).astype(np.float32),
        "shape": np.array([0, 2, -1]),
        "axes": np.array([1]),
    }
    nodes = [
        node("MatMul", "x w", "a"),
        node("Shape", "a", "s"),
        node("Reshape", "a shape", "b"),
        node("Softmax", "b", "c", axis=-1),
        node("ReduceMean", "c axes", "d", keepdims=0),
        node("Gemm", "d v", "y", alpha=0.5, transB=1),
    ]
    weights["v"] = rng.standard_normal((3, 2)).astype(np.float32)
    return make_model(graph_of(*nodes, weights=weights)).SerializeToString()


def attempt(data: bytes) -> None:
    try:
        import_onnx(data)
    except EdgecompError as error:
        assert str(error).isprintable() or "\n" in str(error)


def test_damaged_files_give_nothing_but_clear_errors() -> None:
    original = specimen()
    import_onnx(original)
    chance = random.Random(1)
    for _ in range(1500):
        data = bytearray(original)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        attempt(bytes(data))


def test_truncated_files_give_nothing_but_clear_errors() -> None:
    original = specimen()
    for length in range(len(original)):
        attempt(original[:length])
