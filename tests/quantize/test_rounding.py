"""Weight rounding with regard to the second moments of the input."""

import numpy as np

from edgecomp.quantize.rounding import round_weights


def output_error(delta: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """``d^T C d`` for every row ``d``; ``[N]``."""
    return np.asarray(np.einsum("nk,nk->n", delta @ covariance, delta))


def correlated(width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((4 * width, width)) @ rng.standard_normal((width, width))
    return np.cov(mixed.T)


def layer(rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    weights = np.random.default_rng(rows).standard_normal((rows, width))
    return weights, np.abs(weights).max(axis=1) / 127


def test_compensation_lowers_the_output_error_of_every_row() -> None:
    """On correlated inputs the error falls by more than 3 dB in sum and rises in no row."""
    weights, scale = layer(48, 100)
    covariance = correlated(100, 0)
    plain = round_weights(weights, scale, None)
    fitted = round_weights(weights, scale, covariance)
    errors = [output_error(weights / scale[:, None] - q, covariance) for q in (plain, fitted)]
    assert (errors[1] <= errors[0] * 1.001).all()
    assert errors[1].sum() < 0.5 * errors[0].sum()


def test_independent_inputs_get_plain_rounding() -> None:
    """With a diagonal covariance there is nothing to compensate."""
    weights, scale = layer(5, 70)
    covariance = np.diag(np.linspace(1, 2, 70))
    assert (round_weights(weights, scale, covariance) == round_weights(weights, scale, None)).all()


def test_constant_and_dead_channels_are_harmless() -> None:
    """A singular covariance, and one of zeros, still give weights in range."""
    weights, scale = layer(4, 30)
    singular = correlated(30, 1)
    singular[:5] = singular[:, :5] = 0
    for covariance in (singular, np.zeros((30, 30)), np.ones((30, 30))):
        rounded = round_weights(weights, scale, covariance)
        assert rounded.dtype == np.int8 and np.abs(rounded.astype(int)).max() <= 127


def test_rounding_is_reproducible() -> None:
    """Twice the same arguments, twice the same bits."""
    weights, scale = layer(16, 64)
    covariance = correlated(64, 2)
    first, second = (round_weights(weights, scale, covariance) for _ in range(2))
    assert (first == second).all()


def test_a_covariance_that_is_zero_but_for_rounding_errors_is_no_obstacle() -> None:
    """One window of a constant channel: tiny entries of either sign, not positive definite."""
    weights, scale = layer(8, 20)
    noise = np.random.default_rng(3).standard_normal((20, 20)) * 1e-12
    rounded = round_weights(weights, scale, noise + noise.T - 1e-11 * np.eye(20))
    assert np.abs(rounded - weights / scale[:, None]).max() <= 1.5
