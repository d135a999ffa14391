"""Textual IR: what is printed parses back to the same graph, and wrong text says where."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.ir import (
    DType,
    Graph,
    Node,
    ParseError,
    Quantization,
    TensorType,
    blobs,
    create,
    parse,
    print_graph,
    verify,
)

SCALES = st.floats(min_value=1e-30, max_value=1e30, allow_subnormal=False)
SHAPES = st.lists(st.integers(0, 4), max_size=3).map(tuple)
SCALARS = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.booleans(), st.text(max_size=8)
)
ATTRIBUTES = st.one_of(
    SCALARS,
    st.lists(st.integers(), max_size=4).map(tuple),
    st.lists(st.floats(allow_nan=False), max_size=4).map(tuple),
    st.lists(st.text(max_size=4), max_size=4).map(tuple),
)
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)


@st.composite
def tensor_types(draw: st.DrawFn) -> TensorType:
    dtype = draw(st.sampled_from(DType))
    quantization = None
    if dtype.is_integer and draw(st.booleans()):
        quantization = Quantization(draw(SCALES), draw(st.integers(-128, 127)))
    return TensorType(draw(SHAPES), dtype, quantization)


@st.composite
def constants(draw: st.DrawFn) -> tuple[np.ndarray, Quantization | None]:
    tensor = draw(tensor_types())
    seed = draw(st.integers(0, 2**32 - 1))
    raw = np.random.default_rng(seed).integers(0, 256, tensor.bytes, np.uint8)
    if tensor.dtype is DType.BOOL:
        raw &= 1
    data = raw.view(tensor.dtype.numpy).reshape(tensor.shape)
    if tensor.dtype is DType.F32:
        data = np.nan_to_num(data)
    return data, tensor.quantization


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    graph = Graph(draw(st.text(max_size=10)))
    names = st.text(max_size=6)
    values = [graph.add_input(draw(names), t) for t in draw(st.lists(tensor_types(), max_size=3))]
    for data, quantization in draw(st.lists(constants(), max_size=3)):
        values.append(graph.constant(data, draw(names), quantization))
    for _ in range(draw(st.integers(0, 4))):
        operands = draw(st.lists(st.sampled_from(values), max_size=4)) if values else []
        types = draw(st.lists(tensor_types(), min_size=1, max_size=2))
        attributes = draw(st.dictionaries(KEYS, ATTRIBUTES, max_size=3))
        wishes = [draw(names) for _ in types]
        op = draw(KEYS.filter(lambda text: text not in ("constant", "inf", "nan")))
        node = graph.append(Node(op, operands, types, attributes, draw(names), wishes))
        values += node.outputs
    graph.outputs = draw(st.lists(st.sampled_from(values), max_size=3)) if values else []
    return graph


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_a_graph_survives_print_and_parse(graph: Graph) -> None:
    text = print_graph(graph)
    again = parse(text, blobs(graph))
    assert print_graph(again) == text
    assert again.name == graph.name
    for node, copy in zip(graph.nodes, again.nodes, strict=True):
        assert copy.attributes == node.attributes and copy.name == node.name
        assert {k: type(v) for k, v in copy.attributes.items()} == {
            k: type(v) for k, v in node.attributes.items()
        }
        assert [v.type for v in copy.outputs] == [v.type for v in node.outputs]
        for operand, other in zip(node.inputs, copy.inputs, strict=True):
            assert operand.name == other.name and operand.type == other.type
    for value, other in zip(graph.constants(), again.constants(), strict=True):
        assert value.array.dtype == other.array.dtype
        assert value.array.shape == other.array.shape
        assert value.array.tobytes() == other.array.tobytes()


@pytest.mark.parametrize("number", [math.inf, -math.inf, -0.0, 1e-45, 1e22, -1, 2**70])
def test_a_number_keeps_its_value_and_its_type(number: float) -> None:
    graph = Graph()
    graph.append(Node("f", [], [TensorType((), DType.F32)], {"k": number}))
    found = parse(print_graph(graph)).nodes[0].attributes["k"]
    assert type(found) is type(number)
    assert repr(found) == repr(number)


def test_nan_is_printed_and_read() -> None:
    graph = Graph()
    graph.append(Node("f", [], [TensorType((), DType.F32)], {"k": math.nan}))
    assert math.isnan(parse(print_graph(graph)).nodes[0].real("k"))


def test_numpy_floats_are_printed_as_numbers() -> None:
    """numpy 2 spells them ``np.float64(0.5)``, which is no IR."""
    graph = Graph()
    x = graph.add_input("x", TensorType((1,), DType.I8, Quantization(np.float64(0.5), 0)))
    graph.append(Node("f", [x], [x.type], {"k": np.float64(0.25), "l": (np.float64(2),)}))
    again = parse(print_graph(graph))
    assert again.inputs[0].type.scale == 0.5
    assert again.nodes[0].attributes == {"k": 0.25, "l": (2.0,)}


def test_words_that_begin_like_numbers_are_words() -> None:
    text = 'graph "g" (%x: f32[1]) -> (%y) {\n  %y: f32[1] = information(%x) {nanos = 1}\n}\n'
    assert print_graph(parse(text)) == text


def test_a_parsed_graph_knows_its_names() -> None:
    """A node that a pass adds with the name of a parsed one gets another name."""
    graph = parse('graph "g" (%x: f32[2]) -> (%y) { %y: f32[2] = add(%x, %x) }')
    node = create(graph, "add", [graph.outputs[0], graph.inputs[0]], result="y")
    assert node.output.name != "y"
    verify(graph)


def test_comments_and_line_breaks_do_not_matter() -> None:
    text = 'graph "g"\n// note\n(%x: f32[2])->(%x){// end\n}'
    assert print_graph(parse(text)) == 'graph "g" (%x: f32[2]) -> (%x) {\n}\n'


HEAD = 'graph "g" (%x: f32[2]) -> () {\n'


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("", "line 1, column 1", "expected 'graph'"),
        ('graph "g', "line 1, column 7", "unexpected character"),
        ('graph "\\q" () -> () {}', "line 1, column 7", "escape"),
        ('graph "g" (%x: f32[1], %x: f32[1]) -> () {}', "line 1", "%x is defined twice"),
        ('graph "g" () -> (%gone) {\n}', "line 1, column 18", "%gone is not defined"),
        (HEAD + "  %y: f32[2] = add(%lost, %x)\n}", "line 2, column 20", "%lost is not defined"),
        (HEAD + "  %x: f32[2] = add(%x, %x)\n}", "line 2", "%x is defined twice"),
        (HEAD + "  %y: f33[2] = add(%x, %x)\n}", "line 2, column 7", "f33"),
        (HEAD + "  %y: f32[1.5] = add(%x)\n}", "line 2, column 11", "1.5"),
        (HEAD + "  %y: f32[-1] = add(%x)\n}", "line 2", "negative size"),
        (HEAD + "  %y: i8[1; scale=0.0, zero=0] = f(%x)\n}", "line 2", "positive"),
        (HEAD + "  %y: f32[1; scale=1.0, zero=0] = f(%x)\n}", "line 2", "no quantization"),
        (HEAD + "  %y: f32[2] = f(%x) {k = 1, k = 2}\n}", "line 2, column 30", "given twice"),
        (HEAD + "  %y: f32[2] = f(%x) {k = 3abc}\n}", "line 2, column 27", "unexpected"),
        (HEAD + "  %y: f32[2] = f(%x) {k = what}\n}", "line 2, column 27", "number"),
        (HEAD + "  %c: i8[1] = constant [300]\n}", "line 2", "i8 does not hold"),
        (HEAD + "  %c: i8[1] = constant [1.5]\n}", "line 2", "i8 does not hold"),
        (HEAD + "  %c: i8[2] = constant splat 128\n}", "line 2", "i8 does not hold"),
        (HEAD + "  %c: bool[1] = constant [2]\n}", "line 2", "bool does not hold"),
        (HEAD + "  %c: i64[1] = constant [9223372036854775808]\n}", "line 2", "does not hold"),
        (HEAD + "  %c: f32[3] = constant [1.0]\n}", "line 2", "1 elements given"),
        (HEAD + "  %c: f32[2] = constant [[1], [2, 3]]\n}", "line 2", "sequence"),
        (HEAD + '  %c: f32[1] = constant ["a"]\n}', "line 2", "float"),
        (HEAD + "  %c: f32[1] = constant #0123456789ab\n}", "line 2", "no data"),
        (HEAD + "  %c: f32[1] = constant " + "[" * 100_000, "line 2", "nested too deeply"),
        (HEAD + "  %c: f32[99999999, 99999999] = constant splat 1\n}", "line 2", "allocate"),
        (HEAD + f"  %c: f32[{'9' * 5000}] = constant splat 1\n}}", "line 2", "integer"),
        (HEAD + "  %y: f32[2] = f(%x)", "line 2", "end of text"),
        (HEAD + "} more", "line 2, column 3", "expected a end"),
    ],
)
def test_wrong_text_is_refused_with_its_place(text: str, place: str, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert str(caught.value).startswith(place)
    assert reason in str(caught.value)


VALID = (
    'graph "g" (%x: i8[2; scale=0.5, zero=-1]) -> (%y) {\n'
    "  %c: f32[2] = constant [1.0, -2.5e-3]\n"
    '  %y: f32[2] = f(%x, %c) {a = [1, 2], b = "s", c = true} @ "n"\n}\n'
)


@given(st.integers(0, len(VALID)), st.integers(0, 5), st.text(max_size=4))
@settings(max_examples=300, deadline=None)
def test_damaged_text_parses_or_raises_parse_error(at: int, cut: int, extra: str) -> None:
    try:
        parse(VALID[:at] + extra + VALID[at + cut :])
    except ParseError as error:
        assert str(error).startswith("line ")


def test_blobs_of_another_shape_are_refused() -> None:
    graph = Graph()
    c = graph.constant(np.arange(20, dtype=np.int8), "c")
    graph.append(Node("f", [c], [c.type]))
    [key] = blobs(graph)
    with pytest.raises(ParseError, match="the data of"):
        parse(print_graph(graph), {key: np.zeros(21, np.int8)})
