"""What the cores do with an accelerator's results, and int8 to raised u8 and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

SIZES = [(1, 1), (1, 5), (8, 24), (13, 27), (64, 32), (3, 201)]


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("gap", [0, 3])
@pytest.mark.parametrize("with_residual", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_saturate(
    kernels: Any, size: tuple[int, int], with_residual: bool, gap: int, cores: int
) -> None:
    """Sums beyond 16 bits, residuals at both ends, dense tiles and parts of wider ones."""
    x = kernels.random.integers(-(1 << 17), 1 << 17, size).astype(np.int32)
    x.flat[0] = np.iinfo(np.int32).max
    x.flat[-1] = np.iinfo(np.int32).min
    expected = np.clip(x, -(1 << 15), (1 << 15) - 1)
    y = kernels.output(size, np.int16, gap)
    fields: dict[str, Any] = {"x": kernels.tile(x, gap), "y": y}
    if with_residual:
        residual = kernels.integers(size, np.int16)
        fields["residual"] = kernels.tile(residual, gap)
        expected = np.clip(expected + residual, -(1 << 15), (1 << 15) - 1)
    kernels.call("saturate", cores, rows=size[0], columns=size[1], **fields)
    np.testing.assert_array_equal(y.read(), expected)


@pytest.mark.parametrize("cores", [1, 8])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 64, 997])
def test_flip_sign(kernels: Any, count: int, cores: int) -> None:
    """Every byte once, none behind the last."""
    x = kernels.integers((1, count + 4), np.int8).view(np.uint8)
    expected = x.copy()
    expected[:, :count] ^= 0x80
    kernels.call("flip_sign", cores, x=x, bytes=count)
    np.testing.assert_array_equal(x, expected)
