"""EEG as EEG-DINO takes it: 200 Hz, in units of 100 microvolt, in patches of one second."""

from __future__ import annotations

import numpy as np

from edgecomp.normalisation import Normalisation
from edgecomp.zoo.eegdino.config import CHANNEL_TABLE, PATCH, Config
from edgecomp.zoo.encoding import AS_IT_IS, RecordingEncoder
from edgecomp.zoo.recordings import RecordingError, left_out
from edgecomp.zoo.signals import zscore
from edgecomp.zoo.spec import Windows

SAMPLING_RATE_HZ = 200.0
UNIT_MICROVOLT = 100.0
FAINT_MICROVOLT = 0.5
"""No scalp EEG is that weak: amplifiers alone add as much noise."""
MICROVOLT = "microvolt"
ZSCORE = "zscore"


class EegRecordings(RecordingEncoder):
    """Recordings of up to 19 electrodes, in the order of the embedding table.

    Preparations: `microvolt` is the published one, division by 100; `zscore` gives every
    channel of the recording, or of each window given, zero mean and unit deviation; `none` takes
    values as they are.
    """

    rate = SAMPLING_RATE_HZ
    preparations = (MICROVOLT, ZSCORE, AS_IT_IS)
    normalisation = Normalisation("scale", 1 / UNIT_MICROVOLT, MICROVOLT)
    config: Config

    def windows_of(self, recording: Windows, preparation: str, notices: list[str]) -> Windows:
        """Windows [N, C, P, 200] of a recording [C, T], or windows [N, C, P, 200] as they are.

        P is that of the configuration, less where the recording is shorter.
        """
        if recording.ndim == 4 and recording.shape[-1] == PATCH:
            _check_channels(recording.shape[1])
            windows = recording.reshape(*recording.shape[:2], -1)
            return _scaled(windows, preparation).reshape(recording.shape)
        if recording.ndim != 2 or recording.shape[1] < PATCH:
            raise RecordingError(
                f"the recording: expected [channels, at least {PATCH}] or "
                f"[N, channels, patches, {PATCH}], found {list(recording.shape)}",
                f"a patch is one second: {PATCH} samples at {SAMPLING_RATE_HZ:g} Hz",
            )
        channels, samples = recording.shape
        _check_channels(channels)
        if preparation == MICROVOLT:
            notices += _faint(recording)
        patches = min(self.config.patches, samples // PATCH)
        count = samples // (PATCH * patches)
        notices += left_out("the recording", samples, PATCH * patches)
        whole = _scaled(recording, preparation)[:, : count * patches * PATCH]
        pieces = whole.reshape(channels, count, patches, PATCH)
        return np.ascontiguousarray(pieces.transpose(1, 0, 2, 3))


def _scaled(recording: Windows, preparation: str) -> Windows:
    if preparation == ZSCORE:
        return zscore(recording.astype(np.float64)).astype(np.float32)
    return recording / np.float32(UNIT_MICROVOLT) if preparation == MICROVOLT else recording


def _faint(recording: Windows) -> list[str]:
    """A notice that the recording is too weak for EEG in microvolt, if it is."""
    deviation = float(recording.std(axis=1, dtype=np.float64).max())
    if deviation >= FAINT_MICROVOLT:
        return []
    return [f"the recording: {deviation:.2g} microvolt are too little for EEG; what is its unit?"]


def _check_channels(channels: int) -> None:
    if channels > CHANNEL_TABLE:
        raise RecordingError(
            f"{channels} channels are more than EEG-DINO has embeddings for",
            f"at most {CHANNEL_TABLE}, in the order of its table; is the recording transposed?",
        )
