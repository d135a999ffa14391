"""Products and convolutions against PyTorch, and their multiply-accumulates."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from edgecomp.ir import Attribute, DType, Graph, Node, OperandError, TensorType, create, lookup


def node_for(op: str, arrays: list[np.ndarray], attributes: dict[str, Attribute]) -> Node:
    graph = Graph()
    inputs = [
        graph.add_input(f"x{i}", TensorType(a.shape, DType.F32)) for i, a in enumerate(arrays)
    ]
    return create(graph, op, inputs, attributes)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


CONVOLUTIONS = [
    ((2, 6, 9, 8), (4, 3, 3, 2), 2, (2, 1), (1, 2), (1, 2)),
    ((2, 6, 9, 8), (12, 1, 3, 3), 6, (1, 2), (1, 1), (2, 1)),
    ((1, 1, 5, 7), (3, 1, 2, 2), 1, (1, 1), (0, 0), (1, 1)),
    ((1, 3, 5, 7), (3, 3, 5, 7), 1, (1, 1), (0, 0), (1, 1)),
]


@pytest.mark.parametrize(("x", "w", "groups", "strides", "pads", "dilations"), CONVOLUTIONS)
def test_convolution_in_both_layouts(
    x: tuple[int, ...],
    w: tuple[int, ...],
    groups: int,
    strides: tuple[int, int],
    pads: tuple[int, int],
    dilations: tuple[int, int],
) -> None:
    a, b, c = random(*x), random(*w, seed=1), random(w[0], seed=2)
    tensors = [torch.from_numpy(t) for t in (a, b, c)]
    expected = F.conv2d(*tensors, strides, pads, dilations, groups).numpy()
    attributes: dict[str, Attribute] = {
        "strides": strides,
        "pads": pads * 2,
        "dilations": dilations,
        "groups": groups,
    }
    for op, order in (("conv", (0, 1, 2, 3)), ("conv_nhwc", (0, 2, 3, 1))):
        operands = [np.ascontiguousarray(a.transpose(order)), b.transpose(order), c]
        node = node_for(op, operands, attributes)
        [result] = lookup(op).evaluate(node, operands)
        assert result.shape == node.output.shape
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, expected.transpose(order), rtol=1e-4, atol=1e-5)
        macs = expected.size * w[1] * w[2] * w[3]
        assert lookup(op).macs(node) == macs


def test_one_dimensional_convolution_with_uneven_border() -> None:
    x, w, b = random(2, 4, 20), random(6, 2, 5, seed=1), random(6, seed=2)
    attributes: dict[str, Attribute] = {
        "strides": (3,),
        "pads": (1, 3),
        "dilations": (2,),
        "groups": 2,
    }
    node = node_for("conv", [x, w, b], attributes)
    padded = F.pad(torch.from_numpy(x), (1, 3))
    expected = F.conv1d(padded, torch.from_numpy(w), torch.from_numpy(b), 3, 0, 2, 2).numpy()
    [result] = lookup("conv").evaluate(node, [x, w, b])
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
    assert lookup("conv").macs(node) == expected.size * 10


def test_matmul_counts_each_multiplication_once() -> None:
    node = node_for("matmul", [random(3, 1, 2, 5), random(4, 5, 6)], {})
    assert node.output.shape == (3, 4, 2, 6)
    assert lookup("matmul").macs(node) == 3 * 4 * 2 * 6 * 5
    assert lookup("add").macs(node_for("add", [random(3), random(3)], {})) == 0


@pytest.mark.parametrize("shapes", [((2, 3), (4, 2)), ((3,), (3, 2)), ((2, 4, 3), (3, 3, 5))])
def test_matmul_refuses_shapes_that_do_not_fit(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(OperandError):
        node_for("matmul", [random(*s) for s in shapes], {})


@pytest.mark.parametrize(
    "change",
    [{"groups": 3}, {"strides": (0,)}, {"strides": (1, 1)}, {"pads": (1,)}, {"dilations": (9,)}],
)
def test_convolution_refuses_attributes_that_do_not_fit(change: dict[str, Attribute]) -> None:
    attributes: dict[str, Attribute] = {"strides": (1,), "pads": (0, 0), "dilations": (1,)}
    operands = [random(1, 4, 8), random(6, 2, 3), random(6)]
    node_for("conv", operands, attributes | {"groups": 2})
    with pytest.raises(OperandError):
        node_for("conv", operands, attributes | {"groups": 2} | change)
