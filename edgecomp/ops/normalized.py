"""Products that normalise their input first: ``q_linear`` and ``q_mlp`` with attribute ``norm``.

::

    attributes: norm = false, and with it norm_epsilon_q8, norm_multiplier, norm_shift, norm_zero,
        norm_rms = false, norm_x_zero = 0

    x = q_layer_norm(x) {epsilon_q8 = norm_epsilon_q8, ..., dtype i8}

By definition the bits of ``q_layer_norm`` without gain; the operand is then i16 or i8, and the
normalised tensor never exists as a whole.
"""

from __future__ import annotations

import numpy as np

from edgecomp.ir.graph import Attribute, Node
from edgecomp.ir.stated import flag
from edgecomp.ir.types import DType
from edgecomp.ops.q_layer_norm import Normalization, require_normalization

PREFIX = "norm_"
KEYS = ("epsilon_q8", "multiplier", "shift", "zero", "rms", "x_zero")
"""Attributes of ``q_layer_norm`` that the product takes over, each with the prefix."""


def operand_types(node: Node) -> tuple[DType, ...]:
    """What the first operand may be."""
    return (DType.I8, DType.I16) if flag(node, "norm") else (DType.I8, DType.U8)


def require_norm(node: Node) -> None:
    """``OperandError`` where the attributes of the normalisation are out of range."""
    if flag(node, "norm"):
        require_normalization(node, node.inputs[0].type, PREFIX)


def normalized(node: Node, x: np.ndarray) -> np.ndarray:
    """The operand of the product: x, normalised where the node says so."""
    if not flag(node, "norm"):
        return x
    return Normalization.of(node, PREFIX).apply(x, DType.I8)


def taken_over(norm: Node) -> dict[str, Attribute]:
    """The attributes with which a product does what the node ``norm`` did."""
    kept = {key: norm.attributes[key] for key in KEYS if key in norm.attributes}
    return {"norm": True, **{PREFIX + key: value for key, value in kept.items()}}
