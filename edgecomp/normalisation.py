"""How samples of a front end become values of a network's input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgecomp.errors import EdgecompError

LEAST_STEPS, MOST_STEPS = 2.0**-16, 2.0**20
"""Of the network's input in a sample, for the sample application."""


@dataclass(frozen=True)
class Normalisation:
    """zscore: (x - mean) / deviation, of each channel in each window. scale: x * factor.

    unit: of x, where the factor is for one, as ``microvolt``; else x is a count of the converter.
    """

    kind: Literal["zscore", "scale"]
    factor: float | None = None
    unit: str | None = None

    def fits(self, scale: float) -> bool:
        """Whether 64 bits hold what a sample is in steps of ``scale``, the input's, times 2^24."""
        return self.factor is None or LEAST_STEPS <= self.factor / scale <= MOST_STEPS

    def __str__(self) -> str:
        """As a message names it."""
        if self.kind == "zscore":
            return "zscore (mean and deviation of each channel in each window)"
        return f"{self.factor:g} times the samples{f' in {self.unit}' if self.unit else ''}"


ZSCORE = Normalisation("zscore")
AS_THEY_ARE = Normalisation("scale", 1.0)


def parse_normalisation(text: str) -> Normalisation:
    """What ``zscore``, ``none`` or a factor spells. Raises EdgecompError."""
    if text in ("zscore", "none"):
        return ZSCORE if text == "zscore" else AS_THEY_ARE
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not (math.isfinite(factor) and factor > 0):
        raise EdgecompError(
            f"normalise={text} is not possible",
            "it is zscore, none (samples as they are) or a positive factor of the samples",
        )
    return Normalisation("scale", factor)
