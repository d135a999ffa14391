"""``layer_norm`` -> ``q_layer_norm``; gain and bias only where a pass has not folded them."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.ir import Attribute, Node, Value, create
from edgecomp.ir.fixed_point import LAYER_NORM_Q, layer_norm_parameters
from edgecomp.ir.stated import flag
from edgecomp.quantize import requant
from edgecomp.quantize.assign import Spec
from edgecomp.quantize.lower.context import Lowering, UnsupportedError, lowers

SHIFTS = (6, 60)
"""The shifts that ``q_layer_norm`` accepts."""

_GAIN_LIMIT = 2**15 - 1


@lowers("layer_norm")
def lower_layer_norm(ctx: Lowering, node: Node) -> None:
    """Normalisation over the last axis, or over several that are flattened first."""
    value, weight, bias = node.inputs
    if not (weight.is_constant and bias.is_constant):
        raise UnsupportedError("its gain and bias are computed; only constants are supported")
    axis = node.integer("axis")
    shape = value.shape
    width = math.prod(shape[axis:])
    x = _reshaped(ctx, ctx.value(value), (*shape[:axis], width), node)
    spec = ctx.assignment.spec(node.output)
    attributes: dict[str, Attribute] = {
        "epsilon_q8": min(round(256 * node.real("epsilon") / x.type.scale**2), 2**31 - 1)
    }
    if flag(node, "rms"):
        attributes |= {"rms": True, "x_zero": x.type.zero_point}
    operands = [x]
    plain = bool((weight.array == 1).all() and (bias.array == 0).all())
    step = spec.quantization.scale if plain else 2.0**-LAYER_NORM_Q
    attributes["multiplier"], attributes["shift"] = _parameters(width, step)
    if not plain:
        gain, offset, shift = _affine(weight.array.ravel(), bias.array.ravel(), spec, width)
        operands += [ctx.tensor(gain, weight.name), ctx.tensor(offset, bias.name)]
        attributes |= {"affine": True, "gain_shift": shift}
    direct = axis == len(shape) - 1
    result = ctx.emit(
        "q_layer_norm", operands, attributes, spec, node, node.output if direct else None
    )
    ctx.bind(node.output, _reshaped(ctx, result, shape, node))


def _parameters(width: int, step: float) -> tuple[int, int]:
    """Multiplier and shift of the kernel; ``UnsupportedError`` where it has no such shift."""
    multiplier, shift = layer_norm_parameters(width, step)
    if not SHIFTS[0] <= shift <= SHIFTS[1]:
        raise UnsupportedError(
            f"its result would get steps of {step:.3g}, out of proportion for normalised values; "
            "check the units of the calibration windows"
        )
    return multiplier, shift


def _affine(
    weight: np.ndarray, bias: np.ndarray, spec: Spec, width: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Gain (int16, signed), offset (int32) and their shift.

    The normalised value has ``LAYER_NORM_Q`` fraction bits and never exceeds ``sqrt(width - 1)``.
    """
    scale = spec.quantization.scale
    ratio = weight.astype(np.float64) * 2.0**-LAYER_NORM_Q / scale
    offset = bias.astype(np.float64) / scale + spec.quantization.zero_point
    bound = np.full_like(ratio, min(2.0**15, math.sqrt(width) * 2**LAYER_NORM_Q + 2))
    for shift in range(requant.MAX_SHIFT, -1, -1):
        gain = np.rint(ratio * 2.0**shift)
        total = requant.rounded_bias(offset, np.abs(ratio), bound, shift)
        small = np.abs(gain).max(initial=0) <= _GAIN_LIMIT
        if small and requant.fits(np.abs(gain), total, bound, shift):
            return gain.astype(np.int16), total.astype(np.int32), shift
    raise UnsupportedError("its gain is out of proportion to the range of its result")


def _reshaped(ctx: Lowering, x: Value, shape: tuple[int, ...], node: Node) -> Value:
    if x.shape == shape:
        return x
    return create(ctx.graph, "reshape", [x], {"shape": shape}, name=node.name).output
