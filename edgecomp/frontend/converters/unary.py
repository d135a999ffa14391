"""Functions of one variable."""

from __future__ import annotations

import math

import numpy as np

from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.registry import converts

_PLAIN = {
    "Abs": "abs",
    "Ceil": "ceil",
    "Cos": "cos",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "HardSwish": "hard_swish",
    "Log": "log",
    "Mish": "mish",
    "Neg": "neg",
    "Reciprocal": "reciprocal",
    "Relu": "relu",
    "Round": "round",
    "Sigmoid": "sigmoid",
    "Sign": "sign",
    "Sin": "sin",
    "Softplus": "softplus",
    "Sqrt": "sqrt",
    "Tanh": "tanh",
}
_SELU_ALPHA = 1.67326319217681884765625
_SELU_GAMMA = 1.05070102214813232421875


@converts(*_PLAIN)
def plain(call: Call) -> Operand:
    """Operators without attributes."""
    return call.unary(_PLAIN[call.op], call.operand(0))


@converts("Gelu")
def gelu(call: Call) -> Operand:
    """Gelu, exact or with the tanh approximation."""
    form = call.text("approximate", "none")
    if form not in ("none", "tanh"):
        raise Unsupported(f"approximate is {form!r}", "use 'none' or 'tanh'")
    return call.unary("gelu" if form == "none" else "gelu_tanh", call.operand(0))


@converts("LeakyRelu")
def leaky_relu(call: Call) -> Operand:
    """LeakyRelu."""
    return call.unary("leaky_relu", call.operand(0), call.real("alpha", 0.01))


@converts("Elu")
def elu(call: Call) -> Operand:
    """Elu."""
    return call.unary("elu", call.operand(0), call.real("alpha", 1.0))


@converts("Selu")
def selu(call: Call) -> Operand:
    """Selu with its usual constants, or spelled out as a scaled Elu."""
    alpha, gamma = call.real("alpha", _SELU_ALPHA), call.real("gamma", _SELU_GAMMA)
    if math.isclose(alpha, _SELU_ALPHA, rel_tol=1e-6) and math.isclose(
        gamma, _SELU_GAMMA, rel_tol=1e-6
    ):
        return call.unary("selu", call.operand(0))
    scaled = call.unary("elu", call.operand(0), alpha)
    return call.emit("mul", scaled, np.full((), gamma, np.float32))


@converts("HardSigmoid")
def hard_sigmoid(call: Call) -> Operand:
    """HardSigmoid."""
    parameters = call.real("alpha", 0.2), call.real("beta", 0.5)
    return call.unary("hard_sigmoid", call.operand(0), *parameters)


@converts("Clip")
def clip(call: Call) -> Operand:
    """Clip; with one bound it is a maximum or minimum, at zero a ReLU."""
    x = call.operand(0)
    low = float(call.array(1, "lower bound").reshape(())) if call.has(1) else -math.inf
    high = float(call.array(2, "upper bound").reshape(())) if call.has(2) else math.inf
    low = -math.inf if low <= np.finfo(np.float32).min else low
    high = math.inf if high >= np.finfo(np.float32).max else high
    if math.isfinite(low) and math.isfinite(high):
        return call.unary("clip", x, low, high)
    if math.isfinite(low):
        return call.unary("relu", x) if low == 0.0 else call.emit("maximum", x, _scalar(low))
    return call.emit("minimum", x, _scalar(high)) if math.isfinite(high) else x


@converts("IsNaN", "IsInf")
def never(call: Call) -> Operand:
    """IsNaN and IsInf of activations: no quantized tensor holds such values."""
    return np.zeros(call.shape(0), bool)


@converts("Identity", "Dropout")
def identity(call: Call) -> Operand:
    """Identity, and Dropout, which does nothing at inference."""
    call.only_first_result()
    if call.has(2) and bool(call.array(2, "training mode").reshape(())):
        raise Unsupported("it is in training mode", "export the model in evaluation mode")
    return call.operand(0)


def _scalar(value: float) -> np.ndarray:
    return np.full((), value, np.float32)
