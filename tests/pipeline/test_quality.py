"""The figures of a network with several outputs."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.pipeline.quality import agreement


def test_a_large_output_does_not_hide_a_small_one_that_is_wrong() -> None:
    """The second output is all zeros: 0 dB, however good the first one is."""
    random = np.random.default_rng(0)
    large = random.standard_normal((4, 3)) * 1000
    small = random.standard_normal((4, 3)) * 0.001
    figures = agreement([large, small], [large * 1.0001, small * 0])
    assert figures.sqnr_db == pytest.approx(0.0, abs=1e-9)
    assert figures.argmax_agreement == 1.0


def test_sqnr_is_signal_power_over_error_power() -> None:
    figures = agreement([np.array([[3.0, 4.0]])], [np.array([[3.0, 4.5]])])
    assert figures.sqnr_db == pytest.approx(20.0)
    assert figures.max_abs_error == pytest.approx(0.5)
