"""Cycles of the Xpulp kernels at the encoders' shapes, in GVSoC, with every result checked.

``python benchmarks/kernels/run.py [--implementation xpulp] [--output benchmarks/kernels.md]
[--json kernels.json]``

needs GVSoC (EDGECOMP_GVSOC: its installation folder) and a RISC-V compiler. Operands are random
and lie in L1, as the arguments do; a kernel runs once to warm the instruction caches and once more
for its cycles. A result that is not the numpy definition's ends the run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.commit import head
from benchmarks.kernels.case import (
    DTYPES,
    I8,
    I16,
    NAMES,
    RANDOM,
    Case,
    Scalars,
    evaluate,
    integers,
    strided,
)
from benchmarks.kernels.device import Counters, Device, build
from benchmarks.kernels.fallback import fallback_cases
from benchmarks.kernels.jobs import job_cases
from benchmarks.kernels.moves import move_cases
from edgecomp.ir.fixed_point import (
    exponential_steps,
    exponential_table,
    layer_norm_parameters,
    softmax_parameters,
)
from edgecomp.ops.q_attention import row_scales
from edgecomp.simulators.toolchain import describe, find_toolchain
from edgecomp.tiling.ne16_weights import pack_weights

CORES = 8


def linear(rows: int, columns: int, depth: int, end: str) -> Case:
    """``end``: i8, table or residual."""
    x, w = integers((rows, depth), np.int8), integers((columns, depth), np.int8)
    largest = min(65535, (1 << 29) // (depth << 14))
    multiplier = RANDOM.integers(largest // 2, largest + 1, columns).astype(np.int32)
    bias = RANDOM.integers(-(1 << 28), 1 << 28, columns).astype(np.int32)
    y_type = I16 if end == "residual" else I8
    shift = 21 if y_type == I8 else 13
    arrays = {"x": x, "w": w, "multiplier": multiplier, "bias": bias}
    if end != "i8":
        extra = integers((256,), np.int8) if end == "table" else integers((rows, columns), np.int16)
        arrays[end] = extra
    expected = evaluate(
        "q_linear",
        list(arrays.values()),
        shift=shift,
        dtype=NAMES[y_type],
        **{end: True} if end != "i8" else {},
    )
    y = np.zeros((rows, columns), DTYPES[y_type])
    scalars = strided(x=x, w=w, residual=y, y=y) | {"shift": shift, "y_type": y_type}
    scalars |= {"rows": rows, "columns": columns, "depth": depth}
    arrays["y"] = y
    shape = f"x[{rows},{depth}] w[{columns},{depth}] {end}"
    return Case("linear", shape, arrays, scalars, "y", expected, x.size * columns, "MAC/cycle")


def attention_scores(rows: int, keys: int, depth: int) -> Case:
    """One head, all keys."""
    q, k = integers((rows, depth), np.int8), integers((keys, depth), np.int8)
    scores = np.zeros((rows, keys), np.int32)
    scalars = strided(q=q, k=k, scores=scores) | {"rows": rows, "columns": keys, "depth": depth}
    expected = q.astype(np.int32) @ k.astype(np.int32).T
    arrays = {"q": q, "k": k, "scores": scores}
    shape = f"q[{rows},{depth}] k[{keys},{depth}]"
    macs = q.size * keys
    return Case("attention_scores", shape, arrays, scalars, "scores", expected, macs, "MAC/cycle")


def attention_scores_i8(rows: int, keys: int, depth: int) -> Case:
    """As above, requantized to 8 bits."""
    case = attention_scores(rows, keys, depth)
    multiplier, bias, shift = 1000, 1 << 20, 21
    expected = np.clip((case.expected * multiplier + bias) >> shift, -128, 127)
    arrays = case.arrays | {"scores": np.zeros((rows, keys), np.int8)}
    scalars = case.scalars | {"multiplier": multiplier, "bias": bias, "shift": shift}
    return replace(
        case, op="attention_scores_i8", arrays=arrays, scalars=scalars, expected=expected
    )


def interleaved(v: np.ndarray) -> np.ndarray:
    """Blocks of four keys by four columns, transposed; both sizes are multiples of four."""
    blocks = v.reshape(len(v) // 4, 4, -1, 4)
    return np.ascontiguousarray(blocks.swapaxes(1, 3)).reshape(v.shape)


def attention_interleave(keys: int, depth: int) -> Case:
    """The values of one head."""
    v = integers((keys, depth), np.int8)
    scalars = strided(v=v) | {"columns": keys, "depth": depth}
    shape = f"v[{keys},{depth}]"
    return Case("attention_interleave", shape, {"v": v}, scalars, "v", interleaved(v), v.size)


def attention_values(rows: int, keys: int, depth: int) -> Case:
    """One head, all keys; the weights overlay 8-bit scores."""
    p, v = integers((rows, keys), np.uint8), integers((keys, depth), np.int8)
    acc = np.zeros((rows, depth), np.int32)
    scalars = strided(p=p, v=v, acc=acc)
    scalars |= {"rows": rows, "columns": keys, "depth": depth, "first": 1}
    expected = p[:, :keys].astype(np.int32) @ v.astype(np.int32)
    arrays: dict[str, np.ndarray] = {"p": p, "v": interleaved(v), "acc": acc}
    shape = f"p[{rows},{keys}] v[{keys},{depth}]"
    macs = rows * v.size
    return Case("attention_values", shape, arrays, scalars, "acc", expected, macs, "MAC/cycle")


def attention_softmax(rows: int, keys: int) -> Case:
    """Weights into a buffer of their own, so that the scores survive the first call."""
    scores = RANDOM.integers(-(10**5), 10**5, (rows, keys)).astype(np.int32)
    limit, multiplier, shift = softmax_parameters(3e-5)
    distance = scores.max(-1, keepdims=True) - scores
    table = exponential_table()
    expected = table[np.minimum(distance, limit).astype(np.int64) * multiplier >> shift]
    p, sums = np.zeros((rows, keys), np.uint8), np.zeros(rows, np.int32)
    arrays: dict[str, np.ndarray] = {"scores": scores, "exp_table": table, "p": p, "sums": sums}
    scalars = strided(scores=scores, p=p) | {"rows": rows, "columns": keys}
    scalars |= {"limit": limit, "multiplier": multiplier, "shift": shift}
    shape = f"[{rows},{keys}]"
    return Case("attention_softmax", shape, arrays, scalars, "p", expected, p.size)


def attention_softmax_i8(rows: int, keys: int) -> Case:
    """As above, from 8-bit scores."""
    scores = integers((rows, keys), np.int8)
    table = exponential_steps(0.05)
    expected = table[scores.max(-1, keepdims=True).astype(np.int64) - scores]
    p, sums = np.zeros((rows, keys), np.uint8), np.zeros(rows, np.int32)
    arrays: dict[str, np.ndarray] = {"scores": scores, "exp_table": table, "p": p, "sums": sums}
    scalars = strided(scores=scores, p=p) | {"rows": rows, "columns": keys}
    shape = f"[{rows},{keys}]"
    return Case("attention_softmax_i8", shape, arrays, scalars, "p", expected, p.size)


def attention_normalize(rows: int, depth: int) -> Case:
    """Averages to i8."""
    acc = RANDOM.integers(-(10**6), 10**6, (rows, depth)).astype(np.int32)
    sums = RANDOM.integers(20_000, 60_000, rows).astype(np.int32)
    y = np.zeros((rows, depth), np.int8)
    multiplier, bias, shift = 1 << 30, 1 << 18, 19
    total = sums.astype(np.int64)[:, None]
    k, scale = row_scales(total, multiplier)
    average = (acc + 5 * total + (1 << k >> 1)) >> k
    expected = np.clip((average * scale + bias) >> shift, -128, 127)
    scalars = strided(acc=acc, y=y) | {"rows": rows, "depth": depth, "v_zero": -5}
    scalars |= {"multiplier": multiplier, "bias": bias, "shift": shift, "y_type": I8}
    arrays: dict[str, np.ndarray] = {"acc": acc, "sums": sums, "y": y}
    return Case("attention_normalize", f"[{rows},{depth}]", arrays, scalars, "y", expected, y.size)


def layer_norm(rows: int, columns: int) -> Case:
    """The residual stream to the input of a product."""
    x = np.clip(RANDOM.normal(0, 3000, (rows, columns)), -32768, 32767).astype(np.int16)
    multiplier, shift = layer_norm_parameters(columns, 1 / 32)
    fixed = {"epsilon_q8": 100, "multiplier": multiplier, "shift": shift}
    expected = evaluate("q_layer_norm", [x], **fixed, dtype="i8")
    y = np.zeros((rows, columns), np.int8)
    scalars = strided(x=x, y=y) | fixed | {"rows": rows, "columns": columns}
    scalars |= {"x_type": I16, "y_type": I8}
    shape = f"[{rows},{columns}] i16 to i8"
    return Case("layer_norm", shape, {"x": x, "y": y}, scalars, "y", expected, y.size)


def saturate(rows: int, columns: int, with_residual: bool) -> Case:
    """What NE16 leaves of the products before a residual addition."""
    x = RANDOM.integers(-40_000, 40_000, (rows, columns)).astype(np.int32)
    arrays = {"x": x}
    expected = np.clip(x, -32768, 32767)
    if with_residual:
        arrays["residual"] = integers((rows, columns), np.int16)
        expected = np.clip(expected + arrays["residual"], -32768, 32767)
    y = np.zeros((rows, columns), np.int16)
    scalars = strided(x=x, residual=y, y=y) | {"rows": rows, "columns": columns}
    arrays["y"] = y
    shape = f"[{rows},{columns}]{' residual' if with_residual else ''}"
    return Case("saturate", shape, arrays, scalars, "y", expected, y.size)


def flip_sign(count: int) -> Case:
    """Two calls leave the operand as it was: the second one is what is timed and compared."""
    x = integers((count,), np.int8).view(np.uint8)
    expected = x ^ np.uint8(0x80)
    return Case("flip_sign", f"[{count}]", {"x": x}, {"bytes": count}, "x", expected, count)


def ne16_pack_rows(keys: int, depth: int) -> Case:
    """The keys of a head as weights of NE16."""
    x = integers((keys, depth), np.int8).view(np.uint8)
    y, bias = np.zeros((keys, depth), np.uint8), np.zeros(keys, np.int32)
    expected = pack_weights((x ^ np.uint8(0x80)).view(np.int8)).reshape(y.shape)
    scalars = {"x_stride": depth, "outputs": keys, "depth": depth, "multiplier": 900, "offset": 5}
    arrays = {"x": x, "y": y, "bias": bias}
    return Case("ne16_pack_rows", f"[{keys},{depth}]", arrays, scalars, "y", expected, x.size)


def ne16_pack_columns(keys: int, depth: int) -> Case:
    """The values of a head as weights of NE16."""
    x = integers((keys, depth), np.int8).view(np.uint8)
    y = np.zeros((depth, keys), np.uint8)
    expected = pack_weights((x ^ np.uint8(0x80)).view(np.int8).T).reshape(y.shape)
    scalars = {"x_stride": depth, "y_stride": keys, "outputs": depth, "depth": keys}
    arrays = {"x": x, "y": y}
    return Case("ne16_pack_columns", f"[{keys},{depth}]", arrays, scalars, "y", expected, x.size)


def add(rows: int, columns: int) -> Case:
    """The residual stream."""
    a, b = integers((rows, columns), np.int16), integers((rows, columns), np.int16)
    expected = np.clip(a.astype(np.int32) + b, -32768, 32767)
    strides = (0, 0, columns, 1)
    scalars: Scalars = {"size": (1, 1, rows, columns)}
    scalars |= {f"{name}_stride": strides for name in "aby"}
    scalars |= {f"{name}_type": I16 for name in "aby"} | {"multiplier_a": 1, "multiplier_b": 1}
    arrays = {"a": a, "b": b, "y": np.zeros_like(a)}
    return Case("add", f"[{rows},{columns}] i16", arrays, scalars, "y", expected, a.size)


def table(rows: int, columns: int) -> Case:
    """A function of i8."""
    x, entries = integers((rows, columns), np.int8), integers((256,), np.int8)
    arrays = {"x": x, "table": entries, "y": np.zeros_like(x)}
    scalars = strided(x=x, y=x) | {"rows": rows, "columns": columns}
    expected = entries[x.astype(np.int64) + 128]
    return Case("table", f"[{rows},{columns}]", arrays, scalars, "y", expected, x.size)


def requantize(rows: int, columns: int, x_type: int) -> Case:
    """To i8."""
    x = RANDOM.integers(-128, 128, (rows, columns)).astype(DTYPES[x_type])
    y = np.zeros((rows, columns), np.int8)
    scalars = strided(x=x, y=y) | {"rows": rows, "columns": columns, "x_type": x_type}
    scalars |= {"multiplier": 100, "bias": 64, "shift": 7, "y_type": I8}
    expected = np.clip((x.astype(np.int32) * 100 + 64) >> 7, -128, 127)
    shape = f"[{rows},{columns}] {NAMES[x_type]} to i8"
    return Case("requantize", shape, {"x": x, "y": y}, scalars, "y", expected, y.size)


def copy(rows: int, columns: int) -> Case:
    """Rows into a wider tensor."""
    x = integers((rows, columns), np.int8)
    y = np.zeros((rows, columns + 16), np.int8)
    scalars: Scalars = {"size": (1, 1, 1, rows, columns)}
    scalars |= {"x_stride": (0, 0, 0, columns, 1), "y_stride": (0, 0, 0, columns + 16, 1)}
    scalars |= {"element_bytes": 1}
    expected = np.pad(x, ((0, 0), (0, 16)))
    return Case(
        "copy", f"[{rows},{columns}] bytes", {"x": x, "y": y}, scalars, "y", expected, x.size
    )


def cases() -> Iterator[Case]:
    """The shapes of TinyMyo's and TinyissimoMyo's layers in tiles that fit L1."""
    products = [(64, 64, 64), (64, 192, 64), (32, 192, 192), (64, 192, 192), (50, 192, 192)]
    products += [(80, 96, 192), (16, 32, 768), (64, 48, 768), (80, 16, 768), (80, 40, 768)]
    for rows, columns, depth in [*products, (8, 16, 64), (8, 64, 24)]:
        for end in ("i8", "table", "residual"):
            yield linear(rows, columns, depth, end)
    for rows, keys, depth in [
        (16, 400, 64),
        (32, 400, 64),
        (64, 80, 64),
        (32, 200, 32),
        (8, 64, 16),
    ]:
        yield attention_scores(rows, keys, depth)
        yield attention_scores_i8(rows, keys, depth)
        yield attention_softmax(rows, keys)
        yield attention_softmax_i8(rows, keys)
        yield attention_values(rows, keys, depth)
        yield attention_normalize(rows, depth)
    for keys, depth in [(400, 64), (80, 64), (200, 32), (64, 16)]:
        yield attention_interleave(keys, depth)
    for keys, depth in [(400, 64), (80, 64), (112, 64), (64, 16)]:
        yield ne16_pack_rows(keys, depth)
        yield ne16_pack_columns(keys, depth)
    for rows, columns in [(16, 192), (64, 192), (64, 64), (16, 768)]:
        yield layer_norm(rows, columns)
    for rows, columns in [(64, 192), (16, 192), (32, 64), (8, 32)]:
        for with_residual in (False, True):
            yield saturate(rows, columns, with_residual)
        yield flip_sign(rows * columns)
        yield add(rows, columns)
        yield table(rows, columns)
        for x_type in (I8, I16):
            yield requantize(rows, columns, x_type)
        yield copy(rows, columns)
    yield from move_cases()
    yield from fallback_cases()
    yield from job_cases()


def measure(device: Device, case: Case) -> Counters:
    """The second of two calls on the same operands; AssertionError for wrong bits."""
    start = case.arrays[case.output].copy()
    counters = None
    for _ in range(2):
        case.arrays[case.output][...] = start
        counters = device.call(case.op, CORES, case.arrays, case.scalars)
    np.testing.assert_array_equal(case.arrays[case.output], case.expected, case.op)
    assert counters is not None
    return counters


def row_of(case: Case, counters: Counters) -> str:
    """A line of the table."""
    per = case.work / counters.cycles
    value = per if case.unit == "MAC/cycle" else 1 / per
    return f"| {case.op} | {case.shape} | {counters.cycles:,} | {value:.2f} {case.unit} |"


def record_of(case: Case, counters: Counters) -> dict[str, str | int]:
    """What a calibration needs of a case."""
    work = {"rows": case.rows, "elements": case.elements, "macs": case.macs}
    return {"kernel": case.rate or case.op, "tile": case.shape, **work, "cycles": counters.cycles}


def measure_all(
    device: Device, only: str | None, show: Callable[[str], None]
) -> tuple[list[str], list[dict[str, str | int]]]:
    """The lines of the table and the records of all cases."""
    lines, records = [], []
    for case in cases():
        if only is not None and case.op != only:
            continue
        counters = measure(device, case)
        lines.append(row_of(case, counters))
        if case.calibrates:
            records.append(record_of(case, counters))
        show(lines[-1])
    return lines, records


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--implementation", default="xpulp")
    parser.add_argument("--only", help="a kernel: measure no other one")
    parser.add_argument("--output", type=Path, help="the table, Markdown")
    parser.add_argument("--json", type=Path, help="work and cycles of every case, for calibration")
    options = parser.parse_args()
    commit, compiler = head(), describe(find_toolchain())
    with tempfile.TemporaryDirectory() as folder:
        elf = build(Path(folder), options.implementation)
        with Device(elf) as device:
            lines, records = measure_all(device, options.only, lambda line: print(line, flush=True))
    if options.output:
        options.output.write_text(
            f"# Kernels, `{options.implementation}`\n\n"
            f"GVSoC, GAP9-like (pulp-open parts), {CORES} cores, operands in L1, warm instruction "
            "caches; every result equals the numpy definition's.\n"
            f"Commit {commit}, {compiler}:\n\n"
            f"    EDGECOMP_GVSOC=... python benchmarks/kernels/run.py --implementation "
            f"{options.implementation} --output benchmarks/kernels.md\n\n"
            + "\n".join(["| kernel | tile | cycles | |", "|---|---|---|---|", *lines, ""])
        )
    if options.json:
        content = {"commit": commit, "compiler": compiler, "cores": CORES, "cases": records}
        options.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
