"""Matrix products."""

from __future__ import annotations

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import Call, Operand, Unsupported
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


@converts("Einsum")
def einsum(call: Call) -> Operand:
    """Einsum of two tensors that is a batched matrix product up to the order of axes."""
    left, right, result = _equation(call)
    shared = [c for c in left if c in right]
    batch = [c for c in shared if c in result]
    inner = [c for c in shared if c not in result]
    rows = [c for c in left if c not in right]
    columns = [c for c in right if c not in left]
    if sorted(result) != sorted([*batch, *rows, *columns]):
        raise Unsupported("it sums over an axis of one operand", "use MatMul and ReduceSum")
    sizes = dict(zip(left, call.shape(0), strict=True)) | dict(
        zip(right, call.shape(1), strict=True)
    )
    a = _matrix(call, call.operand(0), left, (batch, rows, inner), sizes)
    b = _matrix(call, call.operand(1), right, (batch, inner, columns), sizes)
    joined = call.emit("matmul", a, b)
    order = [*batch, *rows, *columns]
    spread = call.reshape(joined, [sizes[c] for c in order])
    return call.transpose(spread, [order.index(c) for c in result])


def _equation(call: Call) -> tuple[str, str, str]:
    equation = call.text("equation", "").replace(" ", "")
    left, _, result = equation.partition("->")
    terms = left.split(",")
    if "->" not in equation or len(terms) != 2 or "." in equation:
        raise Unsupported(f"equation {equation!r} is not a matrix product", "use MatMul")
    if any(len(set(term)) != len(term) for term in (*terms, result)):
        raise Unsupported(f"equation {equation!r} repeats an axis", "use MatMul")
    for index, term in enumerate(terms):
        if len(term) != len(call.shape(index)):
            raise EdgecompError(f"{term!r} does not name the axes of {call.shape(index)}")
    return terms[0], terms[1], result


def _matrix(
    call: Call, x: Operand, names: str, groups: tuple[list[str], ...], sizes: dict[str, int]
) -> Operand:
    """``x`` with the axes of each group adjacent and all groups but the first merged."""
    order = [names.index(c) for group in groups for c in group]
    turned = call.transpose(x, order)
    merged = [int(np.prod([sizes[c] for c in group], dtype=np.int64)) for group in groups[1:]]
    return call.reshape(turned, [*(sizes[c] for c in groups[0]), *merged])
