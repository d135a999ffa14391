"""Normalisations and softmax."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.registry import converts


@converts("LayerNormalization")
def layer_normalization(call: Call) -> Operand:
    """LayerNormalization; gain and bias are broadcast to the normalised axes."""
    call.only_first_result()
    x = call.operand(0)
    axis = call.axis(call.integer("axis", -1), len(x.shape))
    shape = tuple(x.shape[axis:])
    weight = _broadcast(call.operand(1), shape)
    bias = _broadcast(call.operand(2), shape) if call.has(2) else np.zeros(shape, np.float32)
    return call.emit("layer_norm", x, weight, bias, axis=axis, epsilon=call.real("epsilon", 1e-5))


@converts("RMSNormalization")
def rms_normalization(call: Call) -> Operand:
    """RMSNormalization: ``x / sqrt(mean(x^2) + epsilon) * scale``."""
    x = call.operand(0)
    axes = tuple(range(call.axis(call.integer("axis", -1), len(x.shape)), len(x.shape)))
    power = call.emit("reduce", call.unary("square", x), function="mean", axes=axes, keep=True)
    epsilon = np.full((), call.real("epsilon", 1e-5), np.float32)
    root = call.unary("sqrt", call.emit("add", power, epsilon))
    return call.emit("mul", call.emit("div", x, root), call.operand(1))


@converts("InstanceNormalization")
def instance_normalization(call: Call) -> Operand:
    """InstanceNormalization: as many groups as channels."""
    x = call.operand(0)
    return call.emit(
        "group_norm",
        x,
        call.operand(1),
        call.operand(2),
        groups=x.shape[1],
        epsilon=call.real("epsilon", 1e-5),
    )


@converts("GroupNormalization")
def group_normalization(call: Call) -> Operand:
    """GroupNormalization; before opset 21 gain and bias are per group."""
    x, groups = call.operand(0), call.integer("num_groups", 1)
    weight, bias = call.operand(1), call.operand(2)
    if call.opset < 21:
        if groups < 1 or x.shape[1] % groups:
            raise EdgecompError(f"{groups} groups do not divide {x.shape[1]} channels")
        repeat = x.shape[1] // groups
        weight = np.repeat(call.array(1, "scale"), repeat)
        bias = np.repeat(call.array(2, "bias"), repeat)
    epsilon = call.real("epsilon", 1e-5)
    return call.emit("group_norm", x, weight, bias, groups=groups, epsilon=epsilon)


@converts("BatchNormalization")
def batch_normalization(call: Call) -> Operand:
    """BatchNormalization with stored statistics."""
    if call.integer("training_mode", 0):
        raise Unsupported("it is in training mode", "export the model in evaluation mode")
    call.only_first_result()
    operands = [call.operand(index) for index in range(5)]
    return call.emit("batch_norm", *operands, epsilon=call.real("epsilon", 1e-5))


@converts("LpNormalization")
def lp_normalization(call: Call) -> Operand:
    """LpNormalization with p = 2."""
    if call.integer("p", 2) != 2:
        raise Unsupported("p is not 2", "use the L2 norm")
    x = call.operand(0)
    axis = call.axis(call.integer("axis", -1), len(x.shape))
    return call.emit("div", x, call.emit("reduce", x, function="l2", axes=(axis,), keep=True))


@converts("Softmax")
def softmax(call: Call) -> Operand:
    """Softmax along one axis."""
    x = call.operand(0)
    axis = call.axis(call.integer("axis", -1), len(x.shape))
    return call.emit("softmax", x, axis=axis)


@converts("LogSoftmax")
def log_softmax(call: Call) -> Operand:
    """LogSoftmax: ``d - log(sum(exp(d)))`` with ``d = x - max(x)``."""
    x = call.operand(0)
    axes = (call.axis(call.integer("axis", -1), len(x.shape)),)
    difference = call.emit("sub", x, call.emit("reduce", x, function="max", axes=axes, keep=True))
    total = call.emit("reduce", call.unary("exp", difference), function="sum", axes=axes, keep=True)
    return call.emit("sub", difference, call.unary("log", total))


def _broadcast(operand: Operand, shape: tuple[int, ...]) -> Operand:
    if not isinstance(operand, np.ndarray) or operand.shape == shape:
        return operand
    if operand.size > math.prod(shape):
        raise EdgecompError(f"gain or bias of shape {operand.shape} does not fit axes {shape}")
    return np.ascontiguousarray(np.broadcast_to(operand, shape))
