from pathlib import Path

import numpy as np
import pytest

from edgecomp.ir import DType, Graph, TensorType, Value, create, interpret, run_passes
from edgecomp.passes.eliminate_common_subexpressions import EliminateCommonSubexpressions
from edgecomp.passes.head_view import head_view
from edgecomp.passes.linear_form import linear_form
from edgecomp.passes.recognize_attention import RecognizeAttention
from edgecomp.passes.simplify_movement import SimplifyMovement

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "tinymyo_rope_unit.npz"
T, H, D = 5, 3, 4
C = H * D


class Builder:
    """A graph of one attention, put together from the pieces that a test varies."""

    def __init__(self, *shape: int) -> None:
        self.graph = Graph("attention")
        self.x = self.graph.add_input("x", TensorType(shape, DType.F32))
        self.random = np.random.default_rng(0)

    def op(self, op: str, *operands: Value, **attributes: object) -> Value:
        return create(self.graph, op, operands, attributes).output  # type: ignore[arg-type]

    def constant(self, array: object) -> Value:
        return self.graph.constant(np.asarray(array, np.float32))

    def function(self, name: str, x: Value) -> Value:
        return self.op("unary", x, function=name)

    def heads(self, x: Value, batch: int = 1) -> Value:
        """[B, T, C] -> [B, H, T, D]."""
        split = self.op("reshape", x, shape=(batch, x.type.size // C // batch, H, D))
        return self.op("transpose", split, permutation=(0, 2, 1, 3))

    def part(self, x: Value, index: int) -> Value:
        """The index-th C channels of the last axis."""
        rows = x.shape[:-1]
        starts, stops = (*[0] * len(rows), index * C), (*rows, (index + 1) * C)
        return self.op("slice", x, starts=starts, stops=stops, steps=(1,) * len(x.shape))

    def rotate(self, x: Value, angles: np.ndarray) -> Value:
        """Interleaved pairs of [1, H, T, D] by angles that broadcast to [1, H, T, D/2]."""
        cos, sin = (
            self.constant(np.cos(angles)[..., None]),
            self.constant(np.sin(angles)[..., None]),
        )
        shape = x.shape
        pairs = self.op("reshape", x, shape=(*shape[:3], shape[3] // 2, 2))
        even, odd = (
            self.op(
                "slice",
                pairs,
                starts=(0, 0, 0, 0, i),
                stops=(*pairs.shape[:4], i + 1),
                steps=(1,) * 5,
            )
            for i in range(2)
        )
        first = self.op("sub", self.op("mul", even, cos), self.op("mul", odd, sin))
        second = self.op("add", self.op("mul", odd, cos), self.op("mul", even, sin))
        both = self.op("concat", first, second, axis=4)
        return self.op("reshape", both, shape=shape)

    def scores(self, q: Value, k: Value) -> Value:
        axes = (*range(k.type.rank - 2), k.type.rank - 1, k.type.rank - 2)
        return self.op("matmul", q, self.op("transpose", k, permutation=axes))

    def finish(self, scores: Value, v: Value) -> Graph:
        weights = self.op("softmax", scores, axis=scores.type.rank - 1)
        mixed = self.op("matmul", weights, v)
        if mixed.type.rank == 4:
            mixed = self.op("transpose", mixed, permutation=(0, 2, 1, 3))
        self.graph.outputs = [mixed]
        return self.graph


def recognize(graph: Graph) -> list[str]:
    """Operators left; the numbers must not change."""
    generator = np.random.default_rng(1)
    data = {v.name: generator.standard_normal(v.shape).astype(np.float32) for v in graph.inputs}
    expected = interpret(graph, data)
    cleaning = [SimplifyMovement(), EliminateCommonSubexpressions()]
    run_passes(graph, [RecognizeAttention(), *cleaning])
    for actual, wanted in zip(interpret(graph, data), expected, strict=True):
        assert np.linalg.norm(actual - wanted) < 1e-5 * np.linalg.norm(wanted)
    return [node.op for node in graph.nodes]


def attention(graph: Graph) -> tuple[int, float]:
    """(heads, scale) of the only attention."""
    [node] = [node for node in graph.nodes if node.op == "attention"]
    return node.integer("heads"), node.real("scale")


def qkv(b: Builder) -> list[Value]:
    return [b.heads(b.part(b.x, i)) for i in range(3)]


def test_plain_heads():
    """Three last-axis slices and one attention are all that is left."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    graph = b.finish(b.scores(q, k), v)
    assert recognize(graph) == ["slice", "slice", "slice", "attention", "reshape"]
    assert attention(graph) == (H, 1.0)


@pytest.mark.parametrize("order", ["3HD", "H3D"])
def test_fused_projection(order):
    """One [B,T,..] projection split by reshape and permutation, thirds outside or inside heads."""
    b = Builder(1, T, 3 * C)
    if order == "3HD":
        split = b.op("reshape", b.x, shape=(1, T, 3, H, D))
        turned = b.op("transpose", split, permutation=(2, 0, 3, 1, 4))
    else:
        split = b.op("reshape", b.x, shape=(1, T, H, 3, D))
        turned = b.op("transpose", split, permutation=(3, 0, 2, 1, 4))
    parts = [
        b.op("gather", turned, b.graph.constant(np.array(i, np.int64)), axis=0) for i in range(3)
    ]
    names = recognize(b.finish(b.scores(parts[0], parts[1]), parts[2]))
    assert names.count("attention") == 1 and "transpose" not in names and "matmul" not in names


@pytest.mark.parametrize("batch", [1, 2])
def test_sequence_first(batch):
    """nn.MultiheadAttention: [T,B,C] projections become [B*H,T,D] operands.

    Rows of a token stand side by side, so B sequences of H heads are one sequence of B*H heads.
    """
    b = Builder(T, batch, 3 * C)
    parts = []
    for index in range(3):
        flat = b.op("reshape", b.part(b.x, index), shape=(T, batch * H, D))
        parts.append(b.op("transpose", flat, permutation=(1, 0, 2)))
    graph = b.finish(b.scores(parts[0], parts[1]), parts[2])
    names = recognize(graph)
    assert names.count("attention") == 1 and "matmul" not in names
    assert "transpose" not in names[: names.index("attention")]
    assert attention(graph)[0] == batch * H


SCALES = {
    "on the scores": lambda b, q, k: b.op("mul", b.scores(q, k), b.constant(0.5)),
    "dividing the scores": lambda b, q, k: b.op("div", b.scores(q, k), b.constant(2.0)),
    "on the queries": lambda b, q, k: b.scores(b.op("mul", q, b.constant(0.5)), k),
    "on the keys": lambda b, q, k: b.scores(q, b.op("mul", k, b.constant(0.5))),
    "its root on both": lambda b, q, k: b.scores(
        b.op("mul", q, b.constant(0.5**0.5)), b.op("mul", k, b.constant(0.5**0.5))
    ),
    "a vector on the queries and its complement on the keys": lambda b, q, k: b.scores(
        b.op("mul", q, b.constant([1, 2, 4, 8])), b.op("div", k, b.constant([2, 4, 8, 16]))
    ),
}


@pytest.mark.parametrize("place", SCALES)
def test_scale(place):
    """The scale is found wherever it is applied."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    graph = b.finish(SCALES[place](b, q, k), v)
    assert "matmul" not in recognize(graph)
    assert attention(graph) == (H, pytest.approx(0.5, rel=1e-6))


@pytest.mark.parametrize("shape", [(T, T), (1, 1, T, T), (1, H, T, T), (H, 1, T), ()])
@pytest.mark.parametrize("scaled", ["before", "after"])
def test_bias(shape, scaled):
    """A bias of any broadcastable shape, scaled or not, is the fourth operand."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    bias, half = b.constant(b.random.standard_normal(shape)), b.constant(0.5)
    scores = b.scores(q, k)
    if scaled == "before":
        scores = b.op("add", b.op("mul", scores, half), bias)
    else:
        scores = b.op("mul", b.op("add", scores, bias), half)
    graph = b.finish(scores, v)
    assert "softmax" not in recognize(graph)
    assert attention(graph) == (H, 0.5)


def test_biases_of_shifted_windows():
    """Swin: relative positions by head, then a mask by window, between regrouped axes."""
    windows = 2
    b = Builder(windows, T, 3 * C)
    q, k, v = (b.heads(b.part(b.x, i), windows) for i in range(3))
    positions, mask = b.random.standard_normal((H, T, T)), np.zeros((1, windows, 1, T, T))
    mask[:, 1, :, :2, 2:] = -100.0
    scores = b.op("mul", b.scores(q, k), b.constant(0.5))
    scores = b.op("add", scores, b.constant(positions))
    apart = b.op("reshape", scores, shape=(1, windows, H, T, T))
    masked = b.op("add", apart, b.constant(mask))
    graph = b.finish(b.op("reshape", masked, shape=(windows, H, T, T)), v)
    assert "softmax" not in recognize(graph)
    assert attention(b.graph) == (H, 0.5)
    [node] = [node for node in graph.nodes if node.op == "attention"]
    assert node.inputs[0].shape[0] == windows and node.inputs[3].shape == (windows, H, T, T)


def test_a_bias_that_is_computed_stays_a_sum():
    """Positions that queries are multiplied with (Transformer-XL, Conformer) have integer form."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    positions = b.constant(b.random.standard_normal((H, D, T)))
    scores = b.op("add", b.scores(q, k), b.op("matmul", q, positions))
    assert "attention" not in recognize(b.finish(scores, v))


@pytest.mark.parametrize("kind", ["rotation", "scaled rotation", "reflection"])
def test_mixing_of_channels_by_head_cancels(kind):
    """Equal orthogonal maps of queries and keys within a head vanish, their scale stays."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    factor = 1.0
    if kind == "reflection":
        index = b.graph.constant(np.array([3, 1, 0, 2], np.int64))
        sign = b.constant([1, -1, 1, -1])
        q, k = (b.op("mul", b.op("gather", z, index, axis=3), sign) for z in (q, k))
    else:
        angles = np.arange(H)[None, :, None, None] * np.array([1.0, 0.01])
        q, k = b.rotate(q, angles), b.rotate(k, angles)
    if kind == "scaled rotation":
        q, factor = b.op("mul", q, b.constant(3.0)), 3.0
    graph = b.finish(b.scores(q, k), v)
    names = recognize(graph)
    if kind == "reflection":  # proven, but a permuted head is no slice of its source
        assert names.count("gather") == 2 and "attention" in names
        return
    assert names == ["slice", "slice", "slice", "attention", "reshape"]
    assert attention(graph) == (H, pytest.approx(factor, rel=1e-5))


MIXED = {
    "a rotation that depends on the token": lambda b, q, k: (
        b.rotate(q, np.arange(T)[None, None, :, None] * np.array([1.0, 0.01])),
        b.rotate(k, np.arange(T)[None, None, :, None] * np.array([1.0, 0.01])),
    ),
    "different rotations of queries and keys": lambda b, q, k: (
        b.rotate(q, np.arange(H)[None, :, None, None] * np.array([1.0, 0.01])),
        b.rotate(k, np.arange(H)[None, :, None, None] * np.array([1.0, 0.02])),
    ),
    "a map that is not orthogonal": lambda b, q, k: (
        b.op("mul", q, b.constant([1, 2, 1, 1])),
        b.op("mul", k, b.constant([1, 2, 1, 1])),
    ),
    "a scale that differs between heads": lambda b, q, k: (
        b.op("mul", q, b.constant([[[1]], [[2]], [[1]]])),
        k,
    ),
    "a rotation of the queries alone": lambda b, q, k: (
        b.rotate(q, np.arange(H)[None, :, None, None] * np.array([1.0, 0.01])),
        k,
    ),
    "an offset on the keys": lambda b, q, k: (q, b.op("add", k, b.constant([1, 2, 3, 4]))),
    "keys of another head": lambda b, q, k: (
        q,
        b.op("gather", k, b.graph.constant(np.array([0, 0, 1], np.int64)), axis=1),
    ),
}


@pytest.mark.parametrize("case", MIXED)
def test_what_does_not_cancel_is_computed_before(case):
    """Attention on unmixed operands would be another network: it reads the mixed ones."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    q, k = MIXED[case](b, q, k)
    names = recognize(b.finish(b.scores(q, k), v))
    assert "matmul" not in names and {"mul", "add", "gather"} & set(names)
    assert attention(b.graph) == (H, 1.0)


def test_scales_of_what_is_computed_before():
    """PyTorch scales queries and keys by a root, the keys after their transpose."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    angles = np.arange(T)[None, None, :, None] * np.array([1.0, 0.01])
    turned = b.op("transpose", b.rotate(k, angles), permutation=(0, 1, 3, 2))
    keys = b.op("mul", turned, b.constant([0.5]))
    queries = b.op("mul", b.rotate(q, angles), b.constant([0.5]))
    names = recognize(b.finish(b.op("matmul", queries, keys), v))
    assert "matmul" not in names and names.count("mul") == 8  # four products each rotation
    assert attention(b.graph) == (H, 0.25)


@pytest.mark.parametrize("shared", [1, 2])
def test_keys_and_values_shared_by_heads(shared):
    """Multi-query and grouped-query attention: heads of keys are repeated, by any spelling."""
    b = Builder(1, T, (4 + 2 * shared) * D)
    cuts = [(0, 4 * D), (4 * D, (4 + shared) * D), ((4 + shared) * D, b.x.shape[-1])]
    q, k, v = (
        b.op("slice", b.x, starts=(0, 0, a), stops=(1, T, z), steps=(1, 1, 1)) for a, z in cuts
    )
    split = b.op("reshape", q, shape=(1, T, 4, D))
    q = b.op("transpose", split, permutation=(0, 2, 1, 3))
    parts = []
    for part in (k, v):
        heads = b.op("reshape", part, shape=(1, T, shared, 1, D))
        turned = b.op("transpose", heads, permutation=(0, 2, 3, 1, 4))
        if shared > 1:
            turned = b.op("expand", turned, shape=(1, shared, 4 // shared, T, D))
        parts.append(b.op("reshape", turned, shape=(1, turned.type.size // T // D, T, D)))
    names = recognize(b.finish(b.scores(q, parts[0]), parts[1]))
    assert "matmul" not in names and "transpose" not in names and names.count("expand") == 2
    assert attention(b.graph) == (4, 1.0)


def test_learned_queries():
    """Queries that are a constant: attention with as many rows as there are of them."""
    b = Builder(1, T, 3 * C)
    _, k, v = qkv(b)
    q = b.constant(b.random.standard_normal((1, H, 2, D)))
    k = b.op("mul", k, b.constant(0.5))
    assert "matmul" not in recognize(b.finish(b.scores(q, k), v))
    assert attention(b.graph) == (H, 0.5)


@pytest.mark.parametrize("fill", [-1e9, float(np.finfo(np.float32).min), -5.0])
def test_scores_replaced_by_a_mask(fill):
    """Where a mask replaces scores by a very low number, adding that number does the same."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    keep = np.tril(np.ones((T, T), np.float32))
    kept = b.op("mul", b.scores(q, k), b.constant(0.5 * keep))
    masked = b.op("add", kept, b.constant(np.where(keep, 0.0, fill)))
    names = recognize(b.finish(masked, v))
    assert ("attention" in names) == (fill < -1000)
    assert fill > -1000 or attention(b.graph) == (H, 0.5)


def test_rows_masked_as_a_whole_stay():
    """A row of equal numbers has equal weights, whatever its scores were."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    keep = np.tril(np.ones((T, T), np.float32), -1)
    kept = b.op("mul", b.scores(q, k), b.constant(keep))
    masked = b.op("add", kept, b.constant(np.where(keep, 0.0, -1e9)))
    assert "attention" not in recognize(b.finish(masked, v))


@pytest.mark.parametrize("inner", [2e4, -np.finfo(np.float32).max / 1.5])
def test_mask_replaces_what_was_added_before_it(inner):
    """A bias under the mask counts no more, however large; sums of lowest numbers stay finite."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    keep = np.tril(np.ones((T, T), np.float32))
    under = b.constant(np.where(keep, 0.1, inner).astype(np.float32))
    biased = b.op("add", b.scores(q, k), under)
    kept = b.op("mul", biased, b.constant(keep))
    fill = b.constant(np.where(keep, 0.0, np.finfo(np.float32).min / 2).astype(np.float32))
    assert "attention" in recognize(b.finish(b.op("add", kept, fill), v))


def test_bias_that_leaves_a_row_of_the_mask_no_key():
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    keep = np.tril(np.ones((T, T), np.float32))
    under = b.constant(np.where(keep, -1e4, 0.0).astype(np.float32))
    kept = b.op("mul", b.op("add", b.scores(q, k), under), b.constant(keep))
    masked = b.op("add", kept, b.constant(np.where(keep, 0.0, -1e4)))
    assert "attention" not in recognize(b.finish(masked, v))


def test_weights_that_are_read_elsewhere():
    """A network that also returns its attention weights keeps the softmax."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    graph = b.finish(b.scores(q, k), v)
    [softmax] = [node for node in graph.nodes if node.op == "softmax"]
    graph.outputs.append(softmax.output)
    assert "attention" not in recognize(graph)


def test_softmax_over_queries():
    """Normalised along the other axis it is not attention."""
    b = Builder(1, T, 3 * C)
    q, k, v = qkv(b)
    weights = b.op("softmax", b.scores(q, k), axis=2)
    b.graph.outputs = [b.op("matmul", weights, v)]
    assert "attention" not in recognize(b.graph)


def test_published_rotation():
    """The golden rotary embedding is one rotation per head, and removing it keeps the scores."""
    golden = np.load(GOLDEN)
    heads, tokens, size = golden["q"].shape[1:]
    b = Builder(1, tokens, heads * size)
    split = b.op("reshape", b.x, shape=(1, tokens, heads, size))
    q = b.op("transpose", split, permutation=(0, 2, 1, 3))
    angles = np.arange(heads)[None, :, None, None] * golden["theta"]
    rotated = b.rotate(q, angles)
    b.graph.outputs = [rotated]
    data = golden["q"].transpose(0, 2, 1, 3).reshape(1, tokens, heads * size)
    [actual] = interpret(b.graph, {"x": data})
    assert np.abs(actual - golden["rope_q"]).max() < 1e-6
    form = linear_form(rotated)
    view = None if form is None else head_view(form, False, (1, heads))
    assert view is not None and not view.is_plain
    product = view.matrix.swapaxes(-1, -2) @ view.matrix
    assert np.abs(product - np.eye(size)).max() < 1e-6
    assert np.array_equal(data.reshape(-1)[view.index], golden["q"][0])
    difference = golden["scores"] - golden["scores_without_rope"]
    assert np.abs(difference).max() < 1e-5 * np.abs(golden["scores"]).max()
