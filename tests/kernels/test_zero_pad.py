"""ec_zero_pad: matrices with zeros to their right and below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize(
    ("shape", "target"),
    [
        ((191, 25), (192, 28)),
        ((49, 6), (52, 8)),
        ((5, 3), (8, 4)),
        ((7, 8), (8, 8)),
        ((4, 9), (4, 23)),
        ((1, 1), (3, 2)),
    ],
)
def test_zeros_around(
    kernels: Any, shape: tuple[int, int], target: tuple[int, int], cores: int
) -> None:
    """Any sizes; the gaps between rows stay."""
    x = kernels.integers(shape, np.int8)
    y = kernels.output(target, np.int8, 1)
    sizes = {"rows": shape[0], "columns": shape[1], "y_rows": target[0], "y_columns": target[1]}
    kernels.call("zero_pad", cores, x=kernels.tile(x, 2), y=y, **sizes)
    expected = np.pad(x, [(0, after - size) for size, after in zip(shape, target, strict=True)])
    np.testing.assert_array_equal(y.read(), expected)
