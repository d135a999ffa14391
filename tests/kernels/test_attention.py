"""The attention kernels, tile by tile, against q_attention, and q_attention against softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgecomp.ir import OperandError
from edgecomp.ir.fixed_point import exponential_steps, exponential_table, softmax_parameters
from edgecomp.ops.q_attention import DIVISOR_SHIFT, row_scales

TABLE = exponential_table()


REQUANTIZATION = {"multiplier": "score_multiplier", "bias": "score_offset", "shift": "score_shift"}
NARROW_TABLE = exponential_steps(0.05)


def attributes(score_scale: float, v_zero: int, narrow: bool = False) -> dict[str, Any]:
    limit, multiplier, shift = softmax_parameters(score_scale)
    score: dict[str, Any] = {"score_limit": limit}
    if narrow:
        shift = 15
        multiplier = round(score_scale / 0.05 * 2**shift)
        score = {"score_dtype": "i8", "score_offset": (1 << 14) - (20 << shift)}
    return score | {
        "score_multiplier": multiplier,
        "score_shift": shift,
        "v_zero": v_zero,
        "multiplier": 999 << 20,
        "bias": (1 << 20) + (3 << 21),
        "shift": 21,
        "dtype": "i8",
    }


def scores_of(
    kernels: Any, q: Any, k: Any, bias: Any, a: Any, block: int, cores: int, gap: int
) -> Any:
    rows, keys = len(q), len(k)
    narrow = a.get("score_dtype") == "i8"
    scores = kernels.output((rows, keys), np.int8 if narrow else np.int32, gap)
    requantization = {field: a[name] for field, name in REQUANTIZATION.items() if narrow}
    for start in range(0, keys, block):
        part = k[start : start + block]
        kernels.call(
            "attention_scores_i8" if narrow else "attention_scores",
            cores,
            q=kernels.tile(q, 1),
            k=kernels.tile(part, 2),
            scores=scores,
            rows=rows,
            columns=len(part),
            depth=q.shape[1],
            first_column=start,
            **requantization,
            **({} if bias is None else {"score_bias": kernels.tile(bias, 1)}),
        )
    return scores


def values_of(kernels: Any, p: Any, p_stride: int, v: Any, rows: int, block: int) -> Any:
    acc = kernels.output((rows, v.shape[1]), np.int32, 1)
    for start in range(0, len(v), block):
        part = kernels.tile(v[start : start + block], 3)
        keys = len(v[start : start + block])
        kernels.call("attention_interleave", 9, v=part, columns=keys, depth=v.shape[1])
        kernels.call(
            "attention_values",
            9,
            p=p,
            p_stride=p_stride,
            v=part,
            acc=acc,
            rows=rows,
            columns=keys,
            depth=v.shape[1],
            first_column=start,
            first=start == 0,
        )
    return acc


def one_head(
    kernels: Any, q: Any, k: Any, v: Any, bias: Any, a: Any, block: int, cores: int
) -> Any:
    rows, keys = len(q), len(k)
    narrow = a.get("score_dtype") == "i8"
    scores = scores_of(kernels, q, k, bias, a, block, cores, 1)
    sums = np.zeros(rows, np.int32)
    weights = scores.buffer.view(np.uint8)
    stride = scores.stride * scores.buffer.itemsize
    kernels.call(
        "attention_softmax_i8" if narrow else "attention_softmax",
        cores,
        scores=scores,
        exp_table=NARROW_TABLE if narrow else TABLE,
        p=weights,
        p_stride=stride,
        sums=sums,
        rows=rows,
        columns=keys,
        **({} if narrow else {x: a[f"score_{x}"] for x in ("limit", "multiplier", "shift")}),
    )
    acc = values_of(kernels, weights, stride, v, rows, block)
    y = kernels.output((rows, v.shape[1]), np.int8, 2)
    kernels.call(
        "attention_normalize",
        cores,
        acc=acc,
        sums=sums,
        y=y,
        rows=rows,
        depth=v.shape[1],
        v_zero=a["v_zero"],
        multiplier=a["multiplier"],
        bias=a["bias"],
        shift=a["shift"],
        y_type="i8",
    )
    return y.read()


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("form", ["i32", "biased i32", "i8"])
@pytest.mark.parametrize(("rows", "keys", "block"), [(5, 21, 8), (17, 40, 40), (1, 3, 2)])
def test_tiles_give_the_bits_of_the_definition(
    kernels: Any, rows: int, keys: int, block: int, form: str, cores: int
) -> None:
    """Blocks of keys and values, weights overlaying the scores, heads of a packed tensor."""
    heads, depth, value_dim = 2, 9, 7
    q = kernels.integers((rows, heads * depth + 3), np.int8)
    kv = kernels.integers((keys, heads * (depth + value_dim)), np.int8)
    bias = kernels.random.integers(-5000, 5000, (heads, rows, keys)).astype(np.int32)
    a = attributes(1e-3, -17, form == "i8")
    with_bias, table = form == "biased i32", NARROW_TABLE if form == "i8" else TABLE
    expected = kernels.evaluate(
        "q_attention",
        [q, kv, kv, table, *([bias] if with_bias else [])],
        heads=heads,
        head_dim=depth,
        value_dim=value_dim,
        q_offset=3,
        v_offset=heads * depth,
        **a,
    )
    for h in range(heads):
        y = one_head(
            kernels,
            q[:, 3 + h * depth : 3 + (h + 1) * depth],
            kv[:, h * depth : (h + 1) * depth],
            kv[:, heads * depth + h * value_dim : heads * depth + (h + 1) * value_dim],
            bias[h] if with_bias else None,
            a,
            block,
            cores,
        )
        np.testing.assert_array_equal(y, expected[:, h * value_dim : (h + 1) * value_dim])


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("value", [-128, 127])
def test_extremes(kernels: Any, value: int, narrow: bool) -> None:
    """One dominant key, the largest scores and the largest weighted sums."""
    q, k = np.full((8, 64), -128, np.int8), np.full((500, 64), 127, np.int8)
    k[7] = -128
    v = np.full((500, 64), value, np.int8)
    a = attributes(1e-4, -value - 1, narrow)
    table = NARROW_TABLE if narrow else TABLE
    heads = {"heads": 1, "head_dim": 64, "value_dim": 64}
    expected = kernels.evaluate("q_attention", [q, k, v, table], **heads, **a)
    np.testing.assert_array_equal(one_head(kernels, q, k, v, None, a, 128, 8), expected)


@pytest.mark.parametrize("separate", [False, True])
def test_distances_around_the_limit(kernels: Any, separate: bool) -> None:
    """A distance beyond the limit counts as the limit; the weights may have their own buffer."""
    limit, multiplier, shift = 85, 6, 1
    top = np.array([[0], [2**31 - 1], [90 - 2**31]], np.int32)
    scores = top - np.array([0, 1, 84, 85, 86, 87, 90], np.int32)
    scores[1, 6], scores[2, 0] = -(2**31), 2**31 - 1
    table = np.arange(255, -1, -1).astype(np.uint8)
    distance = scores.max(-1, keepdims=True).astype(np.int64) - scores
    expected = table[np.minimum(distance, limit) * multiplier >> shift]
    source = kernels.tile(scores, 2)
    stride = 11 if separate else 4 * source.stride
    p = np.zeros(3 * stride, np.uint8) if separate else source.buffer.view(np.uint8)
    sums = np.zeros(3, np.int32)
    size = {"rows": 3, "columns": 7, "p_stride": stride, "sums": sums, "exp_table": table}
    score = {"limit": limit, "multiplier": multiplier, "shift": shift}
    kernels.call("attention_softmax", 8, scores=source, p=p, **size, **score)
    np.testing.assert_array_equal([p[r * stride : r * stride + 7] for r in range(3)], expected)
    np.testing.assert_array_equal(sums, expected.sum(-1))


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("columns", [1, 4, 7, 16, 45, 80])
@pytest.mark.parametrize("spread", [1, 30, 128])
def test_weights_of_8_bit_scores(
    kernels: Any, spread: int, columns: int, separate: bool, cores: int
) -> None:
    """Rows of -128 to 127, near to each other and far apart, in place and elsewhere."""
    rows = 19
    scores = kernels.random.integers(-spread, spread, (rows, columns)).astype(np.int8)
    scores[0], scores[1], scores[2] = -128, 127, -128
    scores[2, -1] = 127
    table = np.maximum(np.arange(255, -1, -1), 1).astype(np.uint8)
    expected = table[scores.max(-1, keepdims=True).astype(int) - scores]
    source = kernels.tile(scores, 2)
    p = kernels.output((rows, columns), np.uint8, 1) if separate else source.buffer.view(np.uint8)
    sums = np.zeros(rows, np.int32)
    fields = {"rows": rows, "columns": columns, "sums": sums, "exp_table": table}
    fields |= {} if separate else {"p_stride": source.stride}
    kernels.call("attention_softmax_i8", cores, scores=source, p=p, **fields)
    result = p.read() if separate else source.read().view(np.uint8)
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(sums, expected.sum(-1))


@pytest.mark.parametrize(
    ("spread", "narrow"),
    [(0.3, False), (1.0, False), (4.0, False), (0.3, True), (1.0, True)],
)
def test_definition_is_softmax_attention(kernels: Any, spread: float, narrow: bool) -> None:
    """Against float attention on the same integers; 8-bit weights and outputs leave this much."""
    tokens, depth = 300, 64
    rng = np.random.default_rng(4)
    real = rng.normal(0, 32, (3, tokens, depth))
    q, k, v = np.clip(real, -128, 127).astype(np.int8)
    score_scale = spread / (32 * 32 * 8)
    logits = q.astype(float) @ k.T.astype(float) * score_scale
    p = np.exp(logits - logits.max(-1, keepdims=True))
    exact = p / p.sum(-1, keepdims=True) @ v.astype(float)
    scale = np.abs(exact).max() / 127
    shift = int(np.log2(scale * 2.0**31)) - DIVISOR_SHIFT
    multiplier = round(2 ** (shift + DIVISOR_SHIFT) / scale)
    table, a = TABLE, attributes(score_scale, 0)
    if narrow:
        step = (logits.max() - logits.min()) / 255
        table, a = exponential_steps(step), attributes(score_scale, 0, narrow)
        a["score_multiplier"] = round(score_scale / step * 2**20)
        centre = (logits.max() + logits.min()) / 2 / step
        a |= {"score_offset": round((0.5 - centre) * 2**20), "score_shift": 20}
    a |= {"multiplier": multiplier, "bias": 1 << shift >> 1, "shift": shift}
    heads = {"heads": 1, "head_dim": depth, "value_dim": depth}
    y = kernels.evaluate("q_attention", [q, k, v, table], **heads, **a) * scale
    sqnr = 10 * np.log10((exact**2).sum() / ((y - exact) ** 2).sum())
    assert sqnr > 33


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("y_type", ["i8", "u8", "i16"])
@pytest.mark.parametrize("size", [(1, 1), (3, 67), (8, 64), (21, 9)])
@pytest.mark.parametrize("v_zero", [-128, 127])
def test_averages(
    kernels: Any, v_zero: int, size: tuple[int, int], y_type: str, cores: int
) -> None:
    """Sums of weights from the least to the largest, averages up to 255 from zero."""
    rows, depth = size
    largest = 255 * 32767
    sums = np.exp(kernels.random.uniform(0, np.log(largest), rows)).astype(np.int32)
    sums[0] = kernels.random.choice([1, 255, 1023, 1024, largest])
    multiplier, shift = (1 << 31) - 1, 5 if y_type == "i16" else 20
    bias = (1 << shift) * 9
    average = kernels.random.choice([0, 1, 20, 254, 255], size) * kernels.random.choice(
        [0.3, 1], size
    )
    o = np.rint(sums[:, None] * average).astype(np.int64) * (1 if v_zero < 0 else -1)
    k, r = row_scales(sums[:, None].astype(np.int64), multiplier)
    wide = ((o + (1 << k >> 1)) >> k) * r + bias
    assert np.abs(wide).max() < 1 << 31
    dtype = {"i8": np.int8, "u8": np.uint8, "i16": np.int16}[y_type]
    info = np.iinfo(dtype)
    acc = kernels.tile((o + v_zero * sums[:, None]).astype(np.int32), 1)
    y = kernels.output(size, dtype, 3)
    fields = {"rows": rows, "depth": depth, "sums": sums, "v_zero": v_zero, "y_type": y_type}
    fields |= {"multiplier": multiplier, "bias": bias, "shift": shift}
    kernels.call("attention_normalize", cores, acc=acc, y=y, **fields)
    np.testing.assert_array_equal(y.read(), np.clip(wide >> shift, info.min, info.max))


def test_parameters_that_leave_the_table_are_refused(kernels: Any) -> None:
    """The largest distance must give an index of at most 255."""
    x = np.zeros((2, 4), np.int8)
    a = attributes(1e-3, 0) | {"score_limit": 4, "score_multiplier": 64, "score_shift": 0}
    with pytest.raises(OperandError, match="no table index"):
        kernels.evaluate("q_attention", [x, x, x, TABLE], heads=1, head_dim=4, value_dim=4, **a)


def test_8_bit_scores_take_no_bias(kernels: Any) -> None:
    """A bias that masks keys does not fit 8 bits; no other type of score exists."""
    x, bias = np.zeros((2, 4), np.int8), np.zeros((1, 2, 2), np.int32)
    sizes = {"heads": 1, "head_dim": 4, "value_dim": 4}
    a = attributes(1e-3, 0, narrow=True)
    with pytest.raises(OperandError, match="i8 take no score_bias"):
        kernels.evaluate("q_attention", [x, x, x, TABLE, bias], **sizes, **a)
    with pytest.raises(OperandError, match="i8 or i32, got i16"):
        kernels.evaluate("q_attention", [x, x, x, TABLE], **sizes, **a | {"score_dtype": "i16"})


@pytest.mark.parametrize("scale", [*np.logspace(-8, 2, 301), *(np.log(510) / np.arange(1, 300))])
def test_masked_scores_get_weight_zero(scale: float) -> None:
    """The limit gives the last entry of the table, whatever a unit of score is worth."""
    limit, multiplier, shift = softmax_parameters(scale, masked=True)
    assert limit * multiplier < 1 << 31
    assert TABLE[limit * multiplier >> shift] == 0


@pytest.mark.parametrize("scale", [1e-6, 1e-5, 3e-3, 0.02, 0.5, 2.0, 30.0])
def test_softmax_parameters_reach_the_end_of_the_table(scale: float) -> None:
    """Distances map to indices within one step, at every scale."""
    limit, multiplier, shift = softmax_parameters(scale)
    distance = np.unique(np.linspace(0, limit, 999).astype(np.int64))
    index = (distance * multiplier) >> shift
    step = np.log(510) / 255
    assert index.max() <= 255 and limit * multiplier < 1 << 31
    exact = np.minimum(distance * scale / step, 255)
    assert np.abs(index - exact).max() < 1.2
