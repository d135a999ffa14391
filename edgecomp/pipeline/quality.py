"""How close integer outputs are to float outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgecomp.quantize.quality import Energies, argmax_agreement


@dataclass(frozen=True)
class Agreement:
    """Figures over all windows and outputs; the argmax is that of the rows of the first output."""

    sqnr_db: float
    cosine: float
    max_abs_error: float
    argmax_agreement: float


def agreement(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> Agreement:
    """Compare network outputs, each [windows, *shape]."""
    energies = Energies()
    for reference, result in zip(expected, actual, strict=True):
        energies.add(reference, result)
    return Agreement(
        energies.sqnr_db,
        energies.cosine,
        energies.max_abs_error,
        argmax_agreement(_rows(expected[0]), _rows(actual[0])),
    )


def _rows(output: np.ndarray) -> np.ndarray:
    """[windows, ..., classes]; a scalar output is one class."""
    return output if output.ndim > 1 else output[:, None]
