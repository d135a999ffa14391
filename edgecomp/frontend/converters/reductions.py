"""Reductions over axes."""

from __future__ import annotations

import numpy as np

from edgecomp.frontend.call import Call, Operand
from edgecomp.frontend.registry import converts
from edgecomp.ir import Value

_FUNCTIONS = {
    "ReduceMean": "mean",
    "ReduceSum": "sum",
    "ReduceMax": "max",
    "ReduceMin": "min",
    "ReduceL2": "l2",
    "ReduceL1": "sum",
    "ReduceSumSquare": "sum",
    "ReduceLogSum": "sum",
}
_BEFORE = {"ReduceL1": "abs", "ReduceSumSquare": "square"}
_AFTER = {"ReduceLogSum": "log"}


@converts(*_FUNCTIONS)
def reduction(call: Call) -> Operand:
    """Reduce operators; axes are an attribute or, in newer opsets, an operand."""
    x = call.operand(0)
    given = call.numbers(1, "list of axes") if call.has(1) else list(call.integers("axes"))
    if not given and call.integer("noop_with_empty_axes", 0):
        return _around(call, x, x)
    rank = len(x.shape)
    axes = tuple(sorted({call.axis(axis, rank) for axis in given} or range(rank)))
    keep = bool(call.integer("keepdims", 1))
    prepared = call.unary(_BEFORE[call.op], x) if call.op in _BEFORE else x
    if not axes:
        return prepared
    result = call.emit("reduce", prepared, function=_FUNCTIONS[call.op], axes=axes, keep=keep)
    return call.unary(_AFTER[call.op], result) if call.op in _AFTER else result


def _around(call: Call, x: Operand, result: Operand) -> Operand:
    """What remains of a reduction over no axis: the functions before and after it."""
    functions = {"ReduceL2": "abs"} | _BEFORE | _AFTER
    return call.unary(functions[call.op], x) if call.op in functions else result


@converts("CumSum")
def cumulative_sum(call: Call) -> Operand:
    """CumSum as a product with a triangular matrix of ones."""
    x = call.operand(0)
    axis = call.axis(call.numbers(1, "axis")[0], len(x.shape))
    exclusive = 1 if call.integer("exclusive", 0) else 0
    ones = np.triu(np.ones((x.shape[axis],) * 2, np.float32), exclusive)
    matrix = ones.T if call.integer("reverse", 0) else ones
    return along_axis(call, x, axis, np.ascontiguousarray(matrix))


def along_axis(call: Call, x: Operand, axis: int, matrix: np.ndarray) -> Operand:
    """``x`` with the linear map ``matrix[in, out]`` applied along ``axis``."""
    rank = len(x.shape)
    if rank == 1:
        result: Value = call.emit("matmul", call.reshape(x, (1, *x.shape)), matrix)
        return call.reshape(result, (matrix.shape[1],))
    order = [*(a for a in range(rank) if a != axis), axis]
    back = [order.index(a) for a in range(rank)]
    return call.transpose(call.emit("matmul", call.transpose(x, order), matrix), back)
