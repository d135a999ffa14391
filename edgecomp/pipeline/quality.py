"""How close integer outputs are to float outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgecomp.quantize.quality import Energies, class_agreement


@dataclass(frozen=True)
class Agreement:
    """Figures over all windows, of the output that is furthest from the float model.

    Outputs are judged one by one, so that a large one does not hide a small one that is wrong.
    ``argmax_agreement`` is that of the first output; None where it is no row of scores.
    """

    sqnr_db: float
    cosine: float
    max_abs_error: float
    argmax_agreement: float | None


def agreement(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> Agreement:
    """Compare network outputs, each [windows, *shape]."""
    energies = []
    for reference, result in zip(expected, actual, strict=True):
        energies.append(Energies())
        energies[-1].add(reference, result)
    worst = min(energies, key=lambda each: each.sqnr_db)
    return Agreement(
        worst.sqnr_db,
        worst.cosine,
        worst.max_abs_error,
        class_agreement(expected[0], actual[0]),
    )
