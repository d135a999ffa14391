"""Which normalisation the sample application computes: the one that the calibration data had."""

from __future__ import annotations

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.normalisation import AS_THEY_ARE, ZSCORE, Normalisation
from edgecomp.report import InputNormalisation

MEAN_TOLERANCE = 0.25
DEVIATION_TOLERANCE = 0.25
"""Of values that count as z-scored: noise and filters leave short windows so far from 0 and 1."""


def choose_normalisation(
    stated: Normalisation | None,
    encoders: Normalisation | None,
    windows: np.ndarray,
    stream: tuple[int, int] | None,
    scale: float = 1.0,
    recorded: bool = True,
) -> tuple[InputNormalisation | None, list[str]]:
    """The normalisation for ``windows`` [N, *input shape] of a ``stream``, and notices about it.

    What was ``stated`` comes first, then the encoder's own; without either it is what the windows
    look like. None where there is no stream, so that there is no application. ``scale`` is the
    input's: raises EdgecompError where integers do not hold what was stated in steps of it; where
    they do not hold what was found, a notice says that the application is left out. Windows that
    are not ``recorded`` tell nothing: what they look like is taken, and called a guess.
    """
    if stream is None:
        return None, _without_effect(stated)
    windows = windows.reshape(-1, *stream)
    found = normalisation_of(windows)
    source = "stated" if stated else "encoder" if encoders else "calibration"
    chosen = stated or encoders or found
    section = _report(chosen, source)
    if not chosen.fits(scale):
        return section, [_unfit(chosen, source, scale)]
    if source == "calibration":
        why = f"because the calibration windows are{'' if found == ZSCORE else ' not'} z-scored"
        return section, [
            "how the samples become the network's input was not stated (--normalise): the sample "
            f"application computes {found}, {why if recorded else 'which is a guess'}"
        ]
    if chosen != ZSCORE:
        return section, _counts(windows, chosen) if source == "stated" else []
    if found == ZSCORE:
        return section, []
    described = _described(windows)
    if source == "stated":
        raise EdgecompError(
            f"--normalise zscore, but the calibration windows are not z-scored: {described}",
            "calibrate on normalised windows, as the network was trained on; or --normalise none "
            "where it takes the samples as they are",
        )
    return section, [
        "the sample application z-scores each channel of each window, but the calibration "
        f"windows are not z-scored ({described}): state what they are with --normalise, or "
        "calibrate on normalised windows"
    ]


def _counts(windows: np.ndarray, chosen: Normalisation) -> list[str]:
    """A notice where a factor was stated for windows that are in counts still."""
    largest = np.abs(windows).max()
    if chosen.factor in (None, 1.0) or largest <= 1 or (windows != np.rint(windows)).any():
        return []
    return [
        f"--normalise {chosen.factor:g}, but the calibration windows are whole numbers (up to "
        f"{largest:g}), as a converter gives them: calibrate on what the network takes, the "
        "factor times its counts"
    ]


def _unfit(chosen: Normalisation, source: str, scale: float) -> str:
    """The notice that there is no application; EdgecompError where the scale was stated."""
    steps = (chosen.factor or 1.0) / scale
    why = f"a sample is {steps:.3g} steps of the network's input, which integers do not hold"
    if source == "stated":
        raise EdgecompError(
            f"with --normalise {why}",
            "state the factor from the converter's counts to the calibrated values",
        )
    return (
        f"no sample application is written: {why}; --normalise with the factor from the "
        "converter's counts to the calibrated values brings it back"
    )


def normalisation_of(windows: np.ndarray) -> Normalisation:
    """Z-score where ``windows`` [N, channels, samples] have it, typically; else as they are."""
    means, deviations = _moments(windows)
    centred = np.median(np.abs(means)) <= MEAN_TOLERANCE
    scaled = np.median(np.abs(deviations - 1)) <= DEVIATION_TOLERANCE
    return ZSCORE if centred and scaled else AS_THEY_ARE


def _moments(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and deviations of all channels that change; of all where none does."""
    values = windows.astype(np.float64)
    means, deviations = values.mean(axis=-1).reshape(-1), values.std(axis=-1).reshape(-1)
    changing = deviations > 0
    return (means[changing], deviations[changing]) if changing.any() else (means, deviations)


def _described(windows: np.ndarray) -> str:
    means, deviations = _moments(windows)
    return f"median mean {np.median(means):.3g}, median deviation {np.median(deviations):.3g}"


def _without_effect(stated: Normalisation | None) -> list[str]:
    if stated is None:
        return []
    return ["--normalise has no effect: the sample application does not fit this network"]


def _report(chosen: Normalisation, source: str) -> InputNormalisation:
    return InputNormalisation.model_validate(
        {"kind": chosen.kind, "factor": chosen.factor, "unit": chosen.unit, "source": source}
    )
