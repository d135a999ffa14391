"""What the integer operators share: result types stated by attributes, and operand checks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecomp.ir.fixed_point import requantize, require_int32
from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError
from edgecomp.ir.types import DType, Quantization, TensorType


def stated_type(node: Node, shape: Sequence[int]) -> TensorType:
    """The type that attributes ``dtype``, ``scale`` and ``zero`` state for a result."""
    dtype = stated_dtype(node)
    zero = node.integer("zero")
    low, high = dtype.bounds
    if not low <= zero <= high:
        raise OperandError(f"{node.op}: zero point {zero} does not fit {dtype.value}")
    return TensorType(tuple(shape), dtype, Quantization(node.real("scale"), zero))


def stated_dtype(node: Node) -> DType:
    """The element type that attribute ``dtype`` states; ``OperandError`` unless 8 or 16 bits."""
    dtype = DType(node.text("dtype"))
    if dtype not in (DType.I8, DType.U8, DType.I16):
        raise OperandError(f"{node.op} cannot produce {dtype.value}")
    return dtype


def flag(node: Node, key: str) -> bool:
    """The boolean attribute ``key``, false where it is not given."""
    return bool(node.attributes.get(key, False))


def optional_integer(node: Node, key: str) -> int:
    """The integer attribute ``key``, 0 where it is not given."""
    return node.integer(key) if key in node.attributes else 0


def require_types(node: Node, *accepted: tuple[DType, ...]) -> None:
    """``OperandError`` unless there is one operand per entry, of one of that entry's types."""
    if len(node.inputs) != len(accepted):
        raise OperandError(f"{node.op} takes {len(accepted)} operands, got {len(node.inputs)}")
    for index, (value, dtypes) in enumerate(zip(node.inputs, accepted, strict=True)):
        if value.type.dtype not in dtypes:
            wanted = " or ".join(d.value for d in dtypes)
            raise OperandError(f"{node.op}: operand {index} must be {wanted}, is {value.type}")


def require_shape(node: Node, index: int, shape: Sequence[int]) -> None:
    """``OperandError`` unless operand ``index`` has exactly ``shape``."""
    actual = node.inputs[index].shape
    if actual != tuple(shape):
        raise OperandError(f"{node.op}: operand {index} has shape {actual}, not {tuple(shape)}")


def require_range(node: Node, key: str, low: int, high: int) -> int:
    """The integer attribute ``key``; ``OperandError`` unless it lies in [low, high]."""
    value = node.integer(key)
    if not low <= value <= high:
        raise OperandError(f"{node.op}: {key} = {value} is outside [{low}, {high}]")
    return value


def broadcast_shape(node: Node) -> tuple[int, ...]:
    """The numpy broadcast of all operand shapes; ``OperandError`` where there is none."""
    shapes = [value.shape for value in node.inputs]
    try:
        return tuple(int(size) for size in np.broadcast_shapes(*shapes))
    except ValueError:
        raise OperandError(f"{node.op}: shapes {shapes} do not broadcast") from None


PRE_SHIFT_LIMIT = 16
"""The largest ``pre_shift``."""


def require_pre_shift(node: Node) -> None:
    """``OperandError`` unless attribute ``pre_shift``, if given, lies in its range."""
    if "pre_shift" in node.attributes:
        require_range(node, "pre_shift", 0, PRE_SHIFT_LIMIT)


def pre_shifted(node: Node, acc: np.ndarray) -> np.ndarray:
    """``(acc + (1 << pre_shift >> 1)) >> pre_shift``, the sum within int32.

    ``pre_shift`` is 0 where it is not given.
    """
    shift = optional_integer(node, "pre_shift")
    return require_int32(acc + (1 << shift >> 1), "acc and half a step") >> shift


def stated_requantize(node: Node, acc: np.ndarray) -> np.ndarray:
    """``acc`` by attributes ``multiplier``, ``bias`` and ``shift`` in the stated element type."""
    multiplier, bias, shift = (node.integer(key) for key in ("multiplier", "bias", "shift"))
    return requantize(acc, multiplier, bias, shift, stated_dtype(node))
