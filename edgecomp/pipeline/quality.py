"""How close integer outputs are to float outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """Figures over all windows and outputs.

    Signal-to-quantization-noise ratio in dB, cosine of the angle, largest absolute error, and the
    share of windows with the same largest element.
    """

    sqnr_db: float
    cosine: float
    max_abs_error: float
    argmax_agreement: float


def agreement(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> Agreement:
    """Compare outputs [windows, ...]; the argmax is that of the first output, per window."""
    reference = np.concatenate([x.astype(np.float64).ravel() for x in expected])
    result = np.concatenate([x.astype(np.float64).ravel() for x in actual])
    error = result - reference
    norms = float(np.linalg.norm(reference) * np.linalg.norm(result))
    same = _argmax(expected[0]) == _argmax(actual[0])
    return Agreement(
        sqnr_db=sqnr_db(reference, error),
        cosine=float(reference @ result) / norms if norms > 0 else 1.0,
        max_abs_error=float(np.abs(error).max(initial=0.0)),
        argmax_agreement=float(np.mean(same)),
    )


def sqnr_db(reference: np.ndarray, error: np.ndarray) -> float:
    """10 log10 of signal power over error power, limited to [-200, 200] dB."""
    signal = float(np.sum(np.square(reference, dtype=np.float64)))
    noise = float(np.sum(np.square(error, dtype=np.float64)))
    tiny = np.finfo(np.float64).tiny
    ratio = 10.0 * float(np.log10(max(signal, tiny) / max(noise, tiny)))
    return float(np.clip(ratio, -200.0, 200.0))


def _argmax(output: np.ndarray) -> np.ndarray:
    """The largest element along the last axis, at every position of every window."""
    flat = output.reshape(output.shape[0], -1, output.shape[-1]) if output.ndim > 1 else output
    return np.asarray(flat.argmax(axis=-1))
