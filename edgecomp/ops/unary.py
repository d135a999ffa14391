"""``unary(x) {function, parameters}``: one real function applied to every element.

The functions follow the ONNX operators of the same name. They are evaluated in double precision
and rounded once, so that quantization tables built from :func:`apply_unary` are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from scipy import special

from edgecomp.ir.graph import Node
from edgecomp.ir.operator import OperandError, Operator, register
from edgecomp.ir.shapes import arity
from edgecomp.ir.types import DType, TensorType

Function = Callable[..., np.ndarray]

_SELU_ALPHA = 1.67326319217681884765625
_SELU_GAMMA = 1.05070102214813232421875


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(special.expit(x))


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.logaddexp(x, 0.0))


def _gelu(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * x * special.erfc(-x / math.sqrt(2.0)))


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)
    return np.asarray(0.5 * x * (1.0 + np.tanh(inner)))


def _hard_sigmoid(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    return np.clip(alpha * x + beta, 0.0, 1.0)


def _hard_swish(x: np.ndarray) -> np.ndarray:
    return np.asarray(x * _hard_sigmoid(x, 1.0 / 6.0, 0.5))


def _leaky_relu(x: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(x < 0.0, alpha * x, x)


def _elu(x: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(x < 0.0, alpha * np.expm1(x), x)


def _selu(x: np.ndarray) -> np.ndarray:
    return np.asarray(_SELU_GAMMA * _elu(x, _SELU_ALPHA))


def _clip(x: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.asarray(np.minimum(np.maximum(x, low), high))


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "abs": np.abs,
        "ceil": np.ceil,
        "clip": _clip,
        "cos": np.cos,
        "elu": _elu,
        "erf": special.erf,
        "exp": np.exp,
        "floor": np.floor,
        "gelu": _gelu,
        "gelu_tanh": _gelu_tanh,
        "hard_sigmoid": _hard_sigmoid,
        "hard_swish": _hard_swish,
        "leaky_relu": _leaky_relu,
        "log": np.log,
        "mish": lambda x: x * np.tanh(_softplus(x)),
        "neg": np.negative,
        "reciprocal": np.reciprocal,
        "relu": lambda x: np.maximum(x, 0.0),
        "round": np.rint,
        "selu": _selu,
        "sigmoid": _sigmoid,
        "sign": np.sign,
        "silu": lambda x: x * _sigmoid(x),
        "sin": np.sin,
        "softplus": _softplus,
        "sqrt": np.sqrt,
        "square": np.square,
        "step": lambda x: np.where(x > 0.0, 1.0, 0.0),
        "tanh": np.tanh,
    }
)
"""Every function by name, on float64 arrays; ``round`` rounds half to even, ``step`` is 1 above 0.
"""

PARAMETERS: Mapping[str, int] = MappingProxyType(
    {"clip": 2, "elu": 1, "hard_sigmoid": 2, "leaky_relu": 1}
)
"""How many parameters a function takes, where it takes any: clip(low, high), elu(alpha),
hard_sigmoid(alpha, beta), leaky_relu(alpha)."""


def apply_unary(function: str, parameters: Sequence[float], x: np.ndarray) -> np.ndarray:
    """``function`` of every element of ``x``, computed in float64 and rounded to float32.

    Outside of its domain a function gives NaN or an infinity without a warning. ``KeyError``
    where there is no such function.
    """
    with np.errstate(all="ignore"):
        result = FUNCTIONS[function](np.asarray(x, dtype=np.float64), *parameters)
        return np.asarray(result, dtype=np.float32)


@register
class Unary(Operator):
    """A function of one variable: attributes ``function`` and ``parameters``."""

    name = "unary"

    def infer(self, node: Node) -> list[TensorType]:
        """The shape of the operand; ``OperandError`` for unknown functions and parameters."""
        arity(node, 1)
        function = node.text("function")
        if function not in FUNCTIONS:
            raise OperandError(f"unary has no function {function!r}")
        expected = PARAMETERS.get(function, 0)
        if len(_parameters(node)) != expected:
            raise OperandError(f"{function} takes {expected} parameters: {_parameters(node)}")
        if node.inputs[0].type.dtype is not DType.F32:
            raise OperandError(f"unary {function} takes f32, got {node.inputs[0].type}")
        return [TensorType(node.inputs[0].shape, DType.F32)]

    def evaluate(self, node: Node, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
        """``function(x)``."""
        return [apply_unary(node.text("function"), _parameters(node), operands[0])]


def _parameters(node: Node) -> tuple[float, ...]:
    value = node.attributes.get("parameters", ())
    if not isinstance(value, tuple) or any(isinstance(v, str) for v in value):
        raise OperandError(f"parameters of unary are {value!r}, not a tuple of numbers")
    return tuple(float(v) for v in value)
