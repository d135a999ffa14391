"""Jobs of NE16 in tile programs: constants as the engine reads them, and the calls.

The engine reads activations raised by 128 (`fusion/raise_activations.py`), weights by bit planes,
16-bit multipliers, and a bias that takes back what raising adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edgecomp.ir import DType, Node, TensorType, Value
from edgecomp.tiling.candidates import tile_sizes
from edgecomp.tiling.expr import Expr, wrap
from edgecomp.tiling.ne16_weights import (
    BLOCK,
    pack_filter_weights,
    pack_weights,
    raised_input_bias,
)
from edgecomp.tiling.program import Argument, Call, Loop, Null, Operand, Pointer, Region, Symbol

ROWS = 9
"""Rows of a unit of work: 3 x 3 pixels."""

COLUMNS = 32
"""Output channels of a unit of work."""

TAPS = 3
"""Taps of a filter in each direction."""

WEIGHT_BITS = 8
MULTIPLIER_BITS = 16

FAST_PITCH = 64, 32
"""8-bit results are stored twice as fast where the pitch of rows is 32 modulo 64 (GVSoC)."""


@dataclass(frozen=True)
class Constants:
    """What a linear layer's weights, multipliers and biases become."""

    weights: Value
    multiplier: Value
    bias: Value


@lru_cache(maxsize=1024)
def constants(weights: Value, multiplier: Value, bias: Value) -> Constants:
    """The constants of ``q_linear``: weights i8 [N, K], multiplier and bias i32 [N]."""
    packed = pack_weights(weights.array, WEIGHT_BITS).reshape(len(weights.array), -1)
    raised = raised_input_bias(bias.array, multiplier.array, weights.array)
    return Constants(
        _constant(f"{weights.name}_planes", packed),
        multipliers(multiplier.array, multiplier.name),
        _constant(f"{bias.name}_raised", _whole_blocks(raised)),
    )


@lru_cache(maxsize=1024)
def filter_constants(
    weights: Value, multiplier: Value, bias: Value, kernel: tuple[int, int], depthwise: bool
) -> Constants:
    """The constants of ``q_conv``: weights i8 [N, *kernel, K], multiplier and bias i32 [N].

    Packed weights are rows of an output channel each; of 16 channels with ``depthwise``, K = 1.
    """
    filters = _in_three_by_three(weights.array.reshape(len(weights.array), *kernel, -1))
    packed = pack_filter_weights(filters.transpose(3, 1, 2, 0) if depthwise else filters)
    rows = packed.shape[1] if depthwise else len(packed)
    raised = raised_input_bias(bias.array, multiplier.array, weights.array)
    behind = BLOCK if depthwise else 0  # a unit has half as many channels as are read for it
    return Constants(
        _constant(f"{weights.name}_planes", packed.reshape(rows, -1)),
        multipliers(np.pad(multiplier.array, (0, behind)), multiplier.name),
        _constant(f"{bias.name}_raised", _whole_blocks(np.pad(raised, (0, behind)))),
    )


def filter_margin(taps: int) -> int:
    """Taps of weight 0 before the first one, where ``taps`` in a direction become three."""
    return int(taps < TAPS)


def _in_three_by_three(filters: np.ndarray) -> np.ndarray:
    """Filters [N, 1 to 3, 1 to 3, K] with taps of weight 0 around."""
    around = [(filter_margin(n), TAPS - n - filter_margin(n)) for n in filters.shape[1:3]]
    return np.pad(filters, ((0, 0), *around, (0, 0)))


def refused_multipliers(*values: np.ndarray | int) -> str:
    """Why the engine cannot multiply by all of these: unsigned, of `MULTIPLIER_BITS` bits."""
    if all(np.min(each) >= 0 and np.max(each) < 1 << MULTIPLIER_BITS for each in values):
        return ""
    return f"a multiplier of more than {MULTIPLIER_BITS} bits"


def refused_input(value: Value, normalised: bool = False) -> str:
    """Why the engine cannot read it: it is not raised, nor ``normalised`` by the cores first."""
    if value.type.dtype is DType.U8 or normalised:
        return ""
    if value.type.dtype is DType.I8:
        return "a signed input"
    return f"an input of {8 * value.type.dtype.bytes} bits"


def multipliers(values: np.ndarray, name: str) -> Value:
    """Multipliers [N] as the engine reads them, two bytes each; see `refused_multipliers`."""
    halves = _whole_blocks(values.astype(np.uint16)).astype("<u2")
    return _constant(f"{name}_16", halves.view(np.uint8).reshape(-1, 2))


def is_depthwise(node: Node) -> bool:
    """Whether a ``q_conv`` has one output channel for each input channel, and more than one."""
    weights = node.inputs[1].shape
    return 1 < node.integer("groups") == weights[0] and weights[3] == 1


def output_unit(node: Node) -> int:
    """Output channels that the engine works on at a time."""
    return BLOCK if is_depthwise(node) else COLUMNS


def convolves(node: Node) -> bool:
    """Whether the engine can compute a ``q_conv``; see `refused_filter`."""
    return not refused_filter(node)


def refused_filter(node: Node) -> str:
    """Why the engine cannot compute a ``q_conv``: not 3x3 taps, over all channels or depthwise.

    With strides it computes more than is needed, and with fewer taps than nine it multiplies by 0.
    Padding of more than 1 may reach beyond the last 3 x 3 pixels, where alone the engine pads.
    """
    kernel, pads = node.inputs[1].shape[1:3], node.integers("pads")
    strides, dilations = node.integers("strides"), node.integers("dilations")
    if not 1 < max(kernel) <= TAPS:
        return f"a filter of {_by(kernel)} taps"
    if node.integer("groups") != 1 and not is_depthwise(node):
        return f"{node.integer('groups')} groups"
    if max(strides) > 2:
        return f"strides of {_by(strides)}"
    if dilations != (1, 1):
        return f"dilations of {_by(dilations)}"
    if any(pad > min(taps - 1, 1) for pad, taps in zip(pads, kernel * 2, strict=True)):
        return f"padding of {max(pads)} around {_by(kernel)} taps"
    return ""


def _by(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


def _whole_blocks(values: np.ndarray) -> np.ndarray:
    """The engine reads multipliers and biases for 32 channels at a time."""
    return np.pad(values, (0, -len(values) % COLUMNS))


def _constant(name: str, data: np.ndarray) -> Value:
    dtype = DType.U8 if data.dtype == np.uint8 else DType.I32
    return Value(name, TensorType(data.shape, dtype), data)


def row_sizes(rows: int, most: int = 10) -> list[int]:
    """Tile sizes of whole units of rows, largest first."""
    return tile_sizes(rows, ROWS, most)


def column_sizes(columns: int, most: int = 10) -> list[int]:
    """Tile sizes of whole units of columns, largest first."""
    return tile_sizes(columns, COLUMNS, most)


def fast_pitch(columns: int) -> int:
    """The least pitch of rows of ``columns`` bytes that the engine stores fast."""
    modulus, rest = FAST_PITCH
    return columns + (rest - columns) % modulus


def packed_bytes(depth: int) -> int:
    """Bytes of one output channel's weights."""
    return -(-depth // BLOCK) * BLOCK * WEIGHT_BITS // 8


def weights_bytes(node: Node) -> int:
    """Bytes of the packed weights of a ``q_linear``, or of a ``q_conv`` that NE16 can compute."""
    outputs, depth = node.inputs[1].shape[0], node.inputs[1].shape[-1]
    if node.op == "q_linear":
        return outputs * packed_bytes(depth)
    if is_depthwise(node):
        return TAPS * TAPS * packed_bytes(outputs)
    return outputs * TAPS * TAPS * packed_bytes(depth)


def weights_operand(name: str, value: Value, channels: Loop, block: Expr, buffers: int) -> Operand:
    """The packed weights of a block of output channels."""
    pitch = value.shape[1]
    region = Region.contiguous(block * (channels.step * pitch), channels.size_of(block) * pitch)
    return Operand(name, value, "in", region, block, buffers)


def _charged_rows(rows: Expr) -> Expr:
    """The rows that the engine works on: whole units of three lines (`ne16_linear.c`).

    Lines of ``rows // 3`` tokens overlap where three does not divide the rows.
    """
    width = rows - rows // 3 * 2
    return (width + 2) // 3 * ROWS


@dataclass(frozen=True)
class Requantization:
    """Arrays and shift with which a job requantizes."""

    multiplier: Pointer
    bias: Pointer
    shift: Argument


def product(
    x: Pointer,
    w: Pointer,
    y: Pointer,
    rows: Expr,
    columns: Expr,
    depth: int,
    x_stride: int | Expr,
    y_stride: int | Expr,
    y_type: str,
    requantization: Requantization | None,
    when: tuple[tuple[Expr, int], ...] = (),
    lag: int = 0,
) -> Call:
    """``y = x . w^T``, requantized or, without parameters, as 32-bit sums."""
    arguments: dict[str, Argument] = {
        "x": x,
        "w": w,
        "multiplier": requantization.multiplier if requantization else Null(),
        "bias": requantization.bias if requantization else Null(),
        "y": y,
        "rows": rows,
        "columns": columns,
        "depth": wrap(depth),
        "x_stride": wrap(x_stride),
        "y_stride": wrap(y_stride),
        "weight_bits": wrap(WEIGHT_BITS),
        "multiplier_bits": wrap(MULTIPLIER_BITS),
        "shift": requantization.shift if requantization else wrap(0),
        "accumulate": wrap(0),
        "y_type": Symbol(f"EC_{y_type}"),
    }
    rate = "ne16_linear"
    if y_type == "I32":
        rate = "ne16_linear_wide" if requantization else "ne16_linear_raw"
    charged = _charged_rows(rows)
    work = charged * columns
    return Call(
        "ne16_linear",
        arguments,
        elements=work,
        macs=work * packed_bytes(depth),
        rows=charged,
        when=when,
        engine="ne16",
        lag=lag,
        rate=rate,
    )


def table(x: str, rows: Expr, columns: Expr, lag: int) -> Call:
    """The cores' table on a job's dense 8-bit result ``x``, to y."""
    arguments: dict[str, Argument] = {
        "x": Pointer(x),
        "table": Pointer("table"),
        "y": Pointer("y"),
        "rows": rows,
        "columns": columns,
        "x_stride": columns,
        "y_stride": columns,
    }
    return Call("table", arguments, rows * columns, rows=rows, lag=lag)


def saturate(
    x: str,
    residual: str | None,
    rows: Expr,
    columns: Expr,
    lag: int,
    when: tuple[tuple[Expr, int], ...] = (),
) -> Call:
    """The cores' saturation of a job's dense 32-bit result ``x`` to 16 bits, and the residual's."""
    arguments: dict[str, Argument] = {
        "x": Pointer(x),
        "residual": Pointer(residual) if residual else Null(),
        "y": Pointer("y"),
        "rows": rows,
        "columns": columns,
        "x_stride": columns,
        "residual_stride": columns if residual else wrap(0),
        "y_stride": columns,
    }
    return Call("saturate", arguments, rows * columns, rows=rows, when=when, lag=lag)
