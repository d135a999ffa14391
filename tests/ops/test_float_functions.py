"""Functions of one variable, normalisations and poolings against PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from edgecomp.ir import Attribute, DType, Graph, OperandError, TensorType, create, interpret
from edgecomp.ops.unary import FUNCTIONS, PARAMETERS, apply_unary

X = np.random.default_rng(0).standard_normal((2, 4, 9, 8)).astype(np.float32) * 3
T = torch.from_numpy(X)

TORCH: dict[str, tuple[tuple[float, ...], Callable[[torch.Tensor], torch.Tensor]]] = {
    "abs": ((), torch.abs),
    "ceil": ((), torch.ceil),
    "clip": ((-0.5, 0.7), lambda x: x.clip(-0.5, 0.7)),
    "cos": ((), torch.cos),
    "elu": ((0.7,), lambda x: F.elu(x, 0.7)),
    "erf": ((), torch.erf),
    "exp": ((), torch.exp),
    "floor": ((), torch.floor),
    "gelu": ((), F.gelu),
    "gelu_tanh": ((), lambda x: F.gelu(x, approximate="tanh")),
    "hard_sigmoid": ((1 / 6, 0.5), F.hardsigmoid),
    "hard_swish": ((), F.hardswish),
    "leaky_relu": ((0.1,), lambda x: F.leaky_relu(x, 0.1)),
    "log": ((), torch.log),
    "mish": ((), F.mish),
    "neg": ((), torch.neg),
    "reciprocal": ((), torch.reciprocal),
    "relu": ((), torch.relu),
    "round": ((), torch.round),
    "selu": ((), F.selu),
    "sigmoid": ((), torch.sigmoid),
    "sign": ((), torch.sign),
    "silu": ((), F.silu),
    "sin": ((), torch.sin),
    "softplus": ((), F.softplus),
    "sqrt": ((), torch.sqrt),
    "square": ((), torch.square),
    "step": ((), lambda x: (x > 0).to(x.dtype)),
    "tanh": ((), torch.tanh),
}


def test_every_function_is_compared() -> None:
    assert TORCH.keys() == FUNCTIONS.keys()
    assert {name: len(p) for name, (p, _) in TORCH.items() if p} == dict(PARAMETERS)


@pytest.mark.parametrize("function", TORCH)
def test_function_is_accurate_to_float32(function: str) -> None:
    parameters, exact = TORCH[function]
    result = apply_unary(function, parameters, X)
    assert result.dtype == np.float32
    expected = exact(T.double()).float().numpy()
    np.testing.assert_allclose(result, expected, rtol=2e-7, atol=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_extreme_arguments_raise_no_warning(function: str) -> None:
    extremes = np.array([-np.inf, -1e38, -0.0, 0.0, 1e38, np.inf, np.nan], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        apply_unary(function, TORCH[function][0], extremes)


def run(op: str, arrays: list[np.ndarray], **attributes: Attribute) -> np.ndarray:
    graph = Graph()
    names = [f"x{i}" for i in range(len(arrays))]
    types = [TensorType(a.shape, DType.F32) for a in arrays]
    inputs = [graph.add_input(n, t) for n, t in zip(names, types, strict=True)]
    graph.outputs = [create(graph, op, inputs, attributes).output]
    [result] = interpret(graph, dict(zip(names, arrays, strict=True)))
    assert result.shape == graph.outputs[0].shape
    assert result.dtype == np.float32
    return result


def random(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def same(result: np.ndarray, expected: torch.Tensor) -> None:
    np.testing.assert_allclose(result, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_layer_norm_over_two_axes() -> None:
    w, b = random(9, 8), random(9, 8, seed=2)
    expected = F.layer_norm(T, (9, 8), torch.from_numpy(w), torch.from_numpy(b), 1e-3)
    same(run("layer_norm", [X, w, b], axis=2, epsilon=1e-3), expected)


def test_group_norm() -> None:
    w, b = random(4), random(4, seed=2)
    expected = F.group_norm(T, 2, torch.from_numpy(w), torch.from_numpy(b), 1e-3)
    same(run("group_norm", [X, w, b], groups=2, epsilon=1e-3), expected)


def test_batch_norm() -> None:
    w, b, mean, variance = random(4), random(4, seed=2), random(4, seed=3), random(4, seed=4) ** 2
    tensors = [torch.from_numpy(t) for t in (mean, variance, w, b)]
    same(
        run("batch_norm", [X, w, b, mean, variance], epsilon=1e-3),
        F.batch_norm(T, *tensors, eps=1e-3),
    )


@pytest.mark.parametrize("axis", range(4))
def test_softmax_of_large_values(axis: int) -> None:
    same(run("softmax", [X * 100], axis=axis), F.softmax(T * 100, axis))


@pytest.mark.parametrize("keep", [False, True])
def test_reductions(keep: bool) -> None:
    expected = {
        "mean": T.mean((1, 3), keepdim=keep),
        "sum": T.sum((1, 3), keepdim=keep),
        "max": T.amax((1, 3), keepdim=keep),
        "min": T.amin((1, 3), keepdim=keep),
        "l2": T.norm(dim=(1, 3), keepdim=keep),
    }
    for function, result in expected.items():
        same(run("reduce", [X], function=function, axes=(1, 3), keep=keep), result)


@pytest.mark.parametrize("counted", [False, True])
def test_pooling(counted: bool) -> None:
    window: dict[str, Attribute] = {"kernel": (3, 2), "strides": (2, 1), "pads": (1, 0, 1, 0)}
    options = window | {"count_include_pad": counted}
    average = F.avg_pool2d(T, (3, 2), (2, 1), (1, 0), count_include_pad=counted)
    same(run("pool", [X], function="average", **options), average)
    same(run("pool", [X], function="max", **options), F.max_pool2d(T, (3, 2), (2, 1), (1, 0)))


def test_border_as_wide_as_a_window_is_refused() -> None:
    with pytest.raises(OperandError):
        run(
            "pool",
            [X],
            function="max",
            kernel=(2, 2),
            strides=(1, 1),
            pads=(2, 0, 0, 0),
            count_include_pad=False,
        )


BINARY: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "pow": np.power,
}


@pytest.mark.parametrize("op", BINARY)
def test_elementwise_operators_broadcast(op: str) -> None:
    a, b = np.abs(X), random(4, 1, 8)
    np.testing.assert_array_equal(run(op, [a, b]), BINARY[op](a, b))
    with pytest.raises(OperandError):
        run(op, [X, random(5)])
