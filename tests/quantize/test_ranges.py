"""Histograms and the ranges chosen from them."""

import numpy as np
import pytest

from edgecomp.ir import DType
from edgecomp.ops.unary import apply_unary
from edgecomp.quantize.histogram import Histogram, merged
from edgecomp.quantize.ranges import choose_affine, choose_symmetric, choose_wide


def histogram(*arrays: np.ndarray) -> Histogram:
    result = Histogram()
    for array in arrays:
        result.add(np.asarray(array, np.float32))
    return result


NORMAL = np.random.default_rng(0).standard_normal(60000)


def squared_error(x: np.ndarray, low_high: Histogram, method: str) -> float:
    q = choose_affine(low_high, method)  # type: ignore[arg-type]
    return float(np.square(x - q.dequantize(q.quantize(x, DType.I8))).mean())


def test_growing_range_keeps_every_element() -> None:
    """Data that exceeds the range seen so far doubles the bins; counts and extremes stay."""
    grown = histogram(NORMAL * 0.01, NORMAL, NORMAL * 300)
    assert grown.total == 3 * len(NORMAL)
    assert grown.low == np.float32(NORMAL * 300).min()
    assert grown.limit >= grown.largest


def test_merged_histograms_count_the_same_as_one() -> None:
    """Merging commutes with adding up to the bins."""
    parts = histogram(NORMAL * 0.1), histogram(NORMAL * 40)
    both = merged(parts)
    assert both.total == parts[0].total + parts[1].total
    assert both.percentile(0.5) == pytest.approx(0.0, abs=0.05)


def test_percentiles_are_those_of_the_data() -> None:
    """To within a bin."""
    assert histogram(NORMAL).percentile(0.9) == pytest.approx(np.quantile(NORMAL, 0.9), abs=0.01)


def test_large_tensors_are_sampled_over_all_columns() -> None:
    """Sampling visits each column, so one large column is seen however rows are laid out."""
    x = np.zeros((4096, 64), np.float32)
    x[:, 5] = np.linspace(1, 2, 4096)
    assert histogram(x).zeros / histogram(x).total == pytest.approx(63 / 64, abs=0.01)


def test_mse_is_no_worse_than_the_other_methods() -> None:
    """With an outlier it is far better than the extremes."""
    x = np.append(NORMAL, [60.0]).astype(np.float32)
    errors = {m: squared_error(x[:-1], histogram(x), m) for m in ("mse", "minmax", "percentile")}
    full = {m: squared_error(x, histogram(x), m) for m in ("mse", "minmax", "percentile")}
    assert full["mse"] <= 1.02 * min(full.values())
    assert errors["minmax"] > errors["percentile"]


def test_no_codes_are_spent_where_the_function_is_flat() -> None:
    """In front of a GELU the range starts near -3, in front of a ReLU at 0."""
    seen = histogram(NORMAL * 2.5)
    gelu = choose_affine(seen, "mse", lambda x: apply_unary("gelu", (), x))
    relu = choose_affine(seen, "mse", lambda x: apply_unary("relu", (), x))
    assert -4.0 < (-128 - gelu.zero_point) * gelu.scale < -2.5
    assert relu.zero_point == -128


@pytest.mark.parametrize("method", ["mse", "minmax", "percentile"])
@pytest.mark.parametrize(
    "x", [[0.0], [3.0, 3.0], [-2.0], [1e-35, -1e-35], [0.0, 1e-6], [1e30, -1e30]]
)
def test_degenerate_ranges_give_usable_parameters(x: list[float], method: str) -> None:
    """Constants, zeros, tiny and huge values: a finite scale, 0.0 exact, values close."""
    seen = histogram(np.array(x))
    for q, dtype in (
        (choose_affine(seen, method), DType.I8),  # type: ignore[arg-type]
        (choose_symmetric(seen, method), DType.I8),  # type: ignore[arg-type]
        (choose_wide(seen), DType.I16),
    ):
        assert dtype.bounds[0] <= q.zero_point <= dtype.bounds[1]
        assert q.dequantize(q.quantize(np.zeros(1), dtype))[0] == 0.0
        back = q.dequantize(q.quantize(np.array(x), dtype))
        assert np.abs(back - np.array(x)).max() <= max(1e-30, 0.02 * np.abs(x).max())


def test_wide_parameters_have_headroom() -> None:
    """Twice the largest magnitude still fits."""
    q = choose_wide(histogram(np.array([1.0, -4.0])))
    assert q.zero_point == 0 and q.scale * 32767 == pytest.approx(8.0)


def windows_with_a_level(count: int, seed: int) -> list[np.ndarray]:
    """Windows of 200 nearly equal elements whose level differs from window to window."""
    rng = np.random.default_rng(seed)
    return [rng.normal(rng.normal(3, 1), 0.05, 200).astype(np.float32) for _ in range(count)]


def test_few_windows_leave_room_for_others() -> None:
    """Elements of a window depend on each other: windows seen are few, however long they are."""
    seen = histogram(*windows_with_a_level(6, 0))
    q = choose_affine(seen, "mse")
    unseen = np.concatenate(windows_with_a_level(200, 1))
    clipped = unseen - q.dequantize(q.quantize(unseen, DType.I8))
    assert 10 * np.log10(np.square(unseen).mean() / np.square(clipped).mean()) > 35


def test_many_elements_outweigh_what_may_come() -> None:
    """The steps of a large tensor hardly grow: here by less than a tenth."""
    windows = histogram(*(NORMAL[start::8] for start in range(8)))
    assert windows.expected_high > windows.high
    assert choose_affine(windows, "mse").scale < 1.1 * choose_affine(histogram(NORMAL), "mse").scale


def test_what_was_never_negative_is_not_expected_to_be() -> None:
    """Magnitudes spread upwards only, and confined values not at all."""
    seen = histogram(*(np.array([0.1 * i, i + 1.0]) for i in range(5)))
    assert seen.expected_low == 0.0 and seen.expected_high > 5.0
    seen.confine(0.0, 6.0)
    assert seen.expected_high == 6.0
    assert merged([seen, histogram(np.array([1.0]))]).expected_high == 6.0
