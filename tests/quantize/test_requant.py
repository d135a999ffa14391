"""Requantization parameters: accurate, and within int32 for every accumulator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecomp.ir import DType
from edgecomp.ir.fixed_point import requantize
from edgecomp.quantize import requant

ratios = st.floats(1e-9, 100.0)
offsets = st.floats(-1e9, 1e9)
bounds = st.integers(0, 2**30)


@given(st.lists(st.tuples(ratios, offsets, bounds), min_size=1, max_size=4))
def test_no_accumulator_within_the_bounds_overflows(
    channels: list[tuple[float, float, int]],
) -> None:
    """``acc * M`` and ``acc * M + B`` are int32 at both extremes of every channel."""
    ratio, offset, bound = (np.array(column, np.float64) for column in zip(*channels, strict=True))
    parameters = requant.choose(ratio, offset, -bound, bound)
    multiplier = parameters.multiplier.astype(object)
    assert 0 <= parameters.shift <= 31
    assert multiplier.min() >= 0 and multiplier.max() <= 2**16 - 1
    for acc in (-bound.astype(np.int64), bound.astype(np.int64)):
        product = acc.astype(object) * multiplier
        for total in (product, product + parameters.bias.astype(object)):
            assert all(-(2**31) <= value < 2**31 for value in total)


@given(st.floats(1e-4, 0.5), st.floats(-100, 100), st.integers(0, 2**32 - 1))
def test_result_is_the_rounded_real_product(ratio: float, offset: float, seed: int) -> None:
    """No result is further from the real number than half a code and rounding of M."""
    acc = np.random.default_rng(seed).integers(-2000, 2000, 500)
    parts = (np.array([part]) for part in (ratio, offset, -2000.0, 2000.0))
    parameters = requant.choose(*parts)
    got = requantize(acc, parameters.multiplier, parameters.bias, parameters.shift, DType.I8)
    want = np.clip(acc * ratio + offset, -128, 127)
    assert np.abs(got - want).max() <= 0.52


def test_offset_that_always_saturates_is_cut() -> None:
    """A bias of minus a billion codes still gives the lowest code, with a usable shift."""
    parts = (np.array([part]) for part in (0.01, -1e9, -1000.0, 1000.0))
    parameters = requant.choose(*parts)
    got = requantize(
        np.array([-1000, 1000]), parameters.multiplier, parameters.bias, parameters.shift, DType.I8
    )
    assert (got == -128).all()


def test_accumulator_range_is_reached() -> None:
    """The stated extremes are the true ones."""
    weights = np.array([[3, -5], [0, 0], [-127, -127]], np.int8)
    low, high = requant.accumulator_range(weights, -128, 127)
    corners = np.array([[a, b] for a in (-128, 127) for b in (-128, 127)]) @ weights.T.astype(int)
    assert (low == corners.min(axis=0)).all() and (high == corners.max(axis=0)).all()


@pytest.mark.parametrize("codes", [127, 32767])
@given(st.integers(2**8, 2**30), st.floats(0.01, 1.0), st.floats(-1.0, 1.0))
def test_gain_of_a_long_sum_is_accurate(
    codes: int, bound: int, share: float, offset: float
) -> None:
    """Below 0.1 % and within int32, where the bound is up to 100 times what the codes hold."""
    ratio = codes / (bound * share)
    parameters = requant.choose_shifted(ratio, offset * codes, bound, codes)
    gain = int(parameters.multiplier[0]) / 2.0 ** (parameters.shift + parameters.pre_shift)
    assert abs(gain / ratio - 1) < 1e-3
    half = 1 << parameters.pre_shift >> 1
    for acc in (-bound, bound):
        assert abs(acc + half) < 2**31
        scaled = (acc + half >> parameters.pre_shift) * int(parameters.multiplier[0])
        assert abs(scaled + int(parameters.bias[0])) < 2**31 > abs(scaled)


def test_pre_shift_is_not_used_where_it_costs_more_than_it_gives() -> None:
    """Sums that saturate almost everywhere keep their resolution; short ones need none."""
    assert requant.choose_shifted(1.0, 0.0, 2**30, 127).pre_shift == 0
    assert requant.choose_shifted(0.01, 0.0, 2**20, 127).pre_shift == 0
