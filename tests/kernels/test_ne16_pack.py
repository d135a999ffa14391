"""ec_ne16_pack_rows and ec_ne16_pack_columns against the packing of constants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgecomp.codegen.ne16_weights import pack_weights

SHAPES = [(1, 16), (2, 64), (9, 64), (13, 31), (64, 80), (7, 5), (50, 100)]


def output(kernels: Any, outputs: int, depth: int) -> Any:
    return kernels.output((outputs, -(-depth // 16) * 16), np.uint8)


@pytest.mark.parametrize("cores", [1, 8])
@pytest.mark.parametrize("gap", [0, 3])
@pytest.mark.parametrize(("outputs", "depth"), SHAPES)
def test_rows(kernels: Any, outputs: int, depth: int, gap: int, cores: int) -> None:
    """Odd numbers of rows, blocks in part, and the bias of raised activations."""
    x = kernels.integers((outputs, depth), np.int8)
    y, bias = output(kernels, outputs, depth), np.zeros(outputs, np.int32)
    sizes = {"outputs": outputs, "depth": depth}
    kernels.call("ne16_pack_rows", cores, x=kernels.tile(x, gap), y=y, bias=bias, **sizes)
    np.testing.assert_array_equal(y.read(), pack_weights(x).reshape(outputs, -1))
    np.testing.assert_array_equal(bias, -128 * x.sum(axis=1, dtype=np.int32))


def test_rows_without_bias(kernels: Any) -> None:
    """No bias is asked for, none is written."""
    x = kernels.integers((10, 32), np.int8)
    y = output(kernels, 10, 32)
    kernels.call("ne16_pack_rows", 8, x=kernels.tile(x), y=y, outputs=10, depth=32)
    np.testing.assert_array_equal(y.read(), pack_weights(x).reshape(10, -1))


@pytest.mark.parametrize("cores", [1, 8])
@pytest.mark.parametrize("gap", [0, 3])
@pytest.mark.parametrize(("outputs", "depth"), SHAPES)
def test_columns(kernels: Any, outputs: int, depth: int, gap: int, cores: int) -> None:
    """Groups of columns and blocks in part."""
    x = kernels.integers((depth, outputs), np.int8)
    y = output(kernels, outputs, depth)
    sizes = {"outputs": outputs, "depth": depth}
    kernels.call("ne16_pack_columns", cores, x=kernels.tile(x, gap), y=y, **sizes)
    np.testing.assert_array_equal(y.read(), pack_weights(x.T).reshape(outputs, -1))
