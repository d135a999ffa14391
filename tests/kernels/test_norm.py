"""ec_norm against q_norm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgecomp.ops.q_norm import ENTRIES, index_of, roots_of_entries

from .test_reduce import geometry


@pytest.mark.parametrize("cores", [1, 8, 9])
@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize(
    ("dtype", "zero", "drop", "fraction"),
    [
        (np.int8, 0, 0, 0),
        (np.int8, -128, 0, 3),
        (np.int8, 127, 2, 4),
        (np.int8, 5, 1, 1),
        (np.int16, 0, 5, 0),
        (np.int16, -77, 8, 2),
    ],
)
@pytest.mark.parametrize("axes", [(0,), (3,), (0, 2), (1, 2), (0, 1, 2, 3)])
@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (2, 1, 4, 19), (1, 1, 1, 3)])
def test_kernel(
    kernels: Any,
    shape: Any,
    axes: Any,
    dtype: Any,
    zero: int,
    drop: int,
    fraction: int,
    table: bool,
    cores: int,
) -> None:
    """Inner, outer and scattered axes, both ends of the range, small and large sums."""
    x = (kernels.integers(shape, dtype) >> kernels.integers(shape, np.int8) % 8).astype(dtype)
    x.reshape(-1)[:3] = (np.iinfo(dtype).min, np.iinfo(dtype).max, zero)
    p = {"zero_x": zero, "drop": drop, "fraction": fraction}
    fields = {"table": kernels.integers((ENTRIES,), np.int8)} if table else {}
    y_type = "i8" if table else "i16"
    p |= {} if table else {"multiplier": 77, "bias": -4321, "shift": 9}
    operands = [x, *fields.values()]
    expected = kernels.evaluate("q_norm", operands, axes=axes, keep=False, dtype=y_type, **p)
    fields |= geometry(shape, axes, expected.dtype)
    kernels.call(
        "norm",
        cores,
        x=x,
        x_type="i8" if dtype == np.int8 else "i16",
        y_type=y_type,
        **fields,
        **p,
    )
    np.testing.assert_array_equal(fields["y"].reshape(expected.shape), expected)


def test_the_largest_sums(kernels: Any) -> None:
    """One below 2^32 with the fraction; the next one is refused."""
    x = np.full((1, 1, 1, 256), -128, np.int8)
    p = {"zero_x": 127, "fraction": 4, "multiplier": 1, "bias": 0, "shift": 1, "dtype": "i16"}
    root = int(np.sqrt(256.0) * 255 * 16)
    y = kernels.evaluate("q_norm", [x], axes=(3,), keep=False, **p)
    assert y.tolist() == [[[min(root >> 1, 32767)]]]
    with pytest.raises(Exception, match="do not fit 32 bits"):
        kernels.evaluate("q_norm", [np.repeat(x, 2, axis=3)], axes=(3,), keep=False, **p)


def test_entries_of_a_table_are_in_order_and_close() -> None:
    """Neighbouring roots share an entry or have neighbouring ones, at most 1/32 of them apart."""
    roots = np.arange(1 << 16)
    entries = index_of(roots)
    assert entries[0] == 0 and entries[-1] == ENTRIES - 1
    assert set(np.diff(entries).tolist()) == {0, 1}
    middle = roots_of_entries()[entries]
    assert (np.abs(middle - roots - 0.5)[1:] <= roots[1:] / 64 + 0.5).all()
