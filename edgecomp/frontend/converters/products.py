"""Matrix products."""

from __future__ import annotations

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import Call, Operand
from edgecomp.frontend.registry import converts


@converts("MatMul")
def matmul(call: Call) -> Operand:
    """MatMul; a vector operand becomes a matrix with one row or column."""
    return product(call, call.operand(0), call.operand(1))


def product(call: Call, a: Operand, b: Operand) -> Operand:
    """``a @ b`` with numpy's rule for vectors."""
    if not a.shape or not b.shape:
        raise EdgecompError("a scalar has no matrix product")
    row, column = len(a.shape) == 1, len(b.shape) == 1
    left = call.reshape(a, (1, *a.shape)) if row else a
    right = call.reshape(b, (*b.shape, 1)) if column else b
    result = call.emit("matmul", left, right)
    shape = list(result.shape)
    if column:
        del shape[-1]
    if row:
        del shape[-1 if column else -2]
    return call.reshape(result, shape)


@converts("Gemm")
def gemm(call: Call) -> Operand:
    """Gemm: ``alpha * A' @ B' + beta * C``; factors move into constants where there are any."""
    alpha, beta = call.real("alpha", 1.0), call.real("beta", 1.0)
    a = _turned(call, call.operand(0), call.integer("transA", 0))
    b = _scaled(call, _turned(call, call.operand(1), call.integer("transB", 0)), alpha)
    result = call.emit("matmul", a, b)
    if call.has(2) and beta != 0.0:
        return call.emit("add", result, _scaled(call, call.operand(2), beta))
    return result


def _turned(call: Call, x: Operand, turn: int) -> Operand:
    if len(x.shape) != 2:
        raise EdgecompError(f"an operand has shape {tuple(x.shape)} where a matrix is expected")
    return call.transpose(x, (1, 0)) if turn else x


def _scaled(call: Call, x: Operand, factor: float) -> Operand:
    if factor == 1.0:
        return x
    scalar = np.full((), factor, np.float32)
    return x * scalar if isinstance(x, np.ndarray) else call.emit("mul", x, scalar)
