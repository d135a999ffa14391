"""Rounding of weights to int8, with the second moments of the layer's input where known.

Plain rounding treats every weight alike. The output error of a row is ``d^T C d`` for a rounding
error ``d`` and the covariance ``C`` of the input (its mean goes into the bias), so errors can be
made to cancel. Two published ideas are used, in numpy of our own:

- error compensation column by column, Frantar et al., "GPTQ: Accurate Post-Training Quantization
  for Generative Pre-trained Transformers", arXiv:2210.17323, equations 2 and 3;
- coordinate descent on the rounded weights, as in Behdin et al., "QuantEase", arXiv:2309.01885.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

LIMIT = 127
"""Weights are symmetric: ``[-127, 127]``."""

DAMPING = 1e-3
"""Added to the diagonal of the covariance, relative to its mean."""

BLOCK = 64
SWEEPS = 2


def round_weights(
    weights: np.ndarray, scale: np.ndarray, covariance: np.ndarray | None
) -> np.ndarray:
    """int8 ``[N, K]`` such that ``scale[:, None] * result`` stands for ``weights``.

    With a covariance ``[K, K]`` each row gets the rounding with the smaller output error; without
    one, the nearest integers.
    """
    scaled = weights.astype(np.float64) / scale[:, None]
    nearest = _nearest(scaled)
    if covariance is None:
        return nearest.astype(np.int8)
    damped = damp(covariance)
    better = descend(scaled, compensate(scaled, damped), damped)
    return np.where(_gains(scaled, better, nearest, damped)[:, None], better, nearest).astype(
        np.int8
    )


def _gains(
    scaled: np.ndarray, better: np.ndarray, nearest: np.ndarray, covariance: np.ndarray
) -> np.ndarray:
    """Whether the output error of ``better`` is less than that of ``nearest``; bool ``[N]``.

    ``a^T C a - b^T C b = (a - b)^T C (a + b)``: one product of matrices instead of two.
    """
    both = better + nearest - 2 * scaled
    return np.asarray(np.einsum("nk,nk->n", (better - nearest) @ covariance, both) < 0)


def compensate(scaled: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Round column after column, spreading each error over the columns still to come.

    Columns go in order of falling variance. ``covariance`` is positive definite.
    """
    order = np.argsort(-np.diag(covariance), kind="stable")
    work = scaled[:, order]
    factor = _inverse_factor(covariance[np.ix_(order, order)])
    rounded = np.empty_like(work)
    for start in range(0, work.shape[1], BLOCK):
        stop = min(start + BLOCK, work.shape[1])
        columns = work[:, start:stop].T.copy()
        errors = np.empty_like(columns)
        for column, row in zip(columns, range(start, stop), strict=True):
            here = row - start
            rounded[:, row] = _nearest(column)
            errors[here] = (column - rounded[:, row]) / factor[row, row]
            columns[here + 1 :] -= np.outer(factor[row, row + 1 : stop], errors[here])
        work[:, stop:] -= errors.T @ factor[start:stop, stop:]
    result = np.empty_like(rounded)
    result[:, order] = rounded
    return result


def descend(scaled: np.ndarray, rounded: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Set one column at a time to its best integers given all others; a few sweeps."""
    rounded = rounded.copy()
    delta = rounded - scaled
    for _ in range(SWEEPS):
        changed = False
        for start in range(0, scaled.shape[1], BLOCK):
            block = slice(start, min(start + BLOCK, scaled.shape[1]))
            changed |= _descend_block(scaled, rounded, delta, covariance, block)
        if not changed:
            break
    return rounded


def _descend_block(
    scaled: np.ndarray,
    rounded: np.ndarray,
    delta: np.ndarray,
    covariance: np.ndarray,
    block: slice,
) -> bool:
    gradient = delta @ covariance[:, block]
    changed = False
    for local, column in enumerate(range(block.start, block.stop)):
        free = rounded[:, column] - gradient[:, local] / covariance[column, column]
        step = _nearest(free) - rounded[:, column]
        rows = np.flatnonzero(step)
        if len(rows):
            changed = True
            rounded[rows, column] += step[rows]
            delta[rows, column] += step[rows]
            later = slice(local + 1, None)
            gradient[rows, later] += np.outer(step[rows], covariance[column, block][later])
    return changed


def _inverse_factor(matrix: np.ndarray) -> np.ndarray:
    """Upper triangular ``U`` with ``U^T U`` the inverse of ``matrix`` (positive definite).

    With rows and columns reversed, the Cholesky factor of ``matrix`` becomes an upper one whose
    inverse is ``U``.
    """
    reversed_factor = np.linalg.cholesky(matrix[::-1, ::-1])
    inverse, _ = lapack.dtrtri(reversed_factor, lower=1)
    return np.asarray(np.triu(inverse[::-1, ::-1]))


def _nearest(scaled: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(np.rint(scaled), -LIMIT, LIMIT))


def damp(covariance: np.ndarray) -> np.ndarray:
    """A positive definite matrix close to ``covariance``.

    From few windows, or constant channels, a covariance is singular but for rounding errors of
    either sign; what is added to the diagonal grows until they do not matter.
    """
    mean = float(np.diag(covariance).mean())
    damping = DAMPING * mean if mean > 0 else 1.0
    for _ in range(12):
        damped = covariance + damping * np.eye(len(covariance))
        if _is_positive_definite(damped):
            return damped
        damping *= 10.0
    return np.eye(len(covariance))


def _is_positive_definite(matrix: np.ndarray) -> bool:
    try:
        np.linalg.cholesky(matrix[::-1, ::-1])
    except np.linalg.LinAlgError:
        return False
    return bool((np.diag(matrix) > 0).all())
