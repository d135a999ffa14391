"""Encoding recordings with the float network, in onnxruntime on the CPU.

The network is exported once per window shape, with an open batch axis, and exported again
after its weights have changed (in place or replaced; not through `parameter.data`).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from edgecomp.errors import EdgecompError
from edgecomp.normalisation import Normalisation
from edgecomp.zoo.output import EncoderOutput
from edgecomp.zoo.recordings import RecordingError, finite_numbers
from edgecomp.zoo.signals import resample
from edgecomp.zoo.spec import Windows, unknown

BATCH = 4
"""Windows per run: more are no faster per window, and take more memory."""

RATES = 1000.0
"""How many times the network's rate that of a recording may be, and the other way round."""

AS_IT_IS = "none"
"""The preparation that only cuts windows: values are those of the network's input already."""

Fingerprint = tuple[tuple[int, int], ...]


class RecordingEncoder(nn.Module):
    """A network that also takes recordings.

    rate: samples per second of the network's input; None where it has none of its own.
    preparations: how a recording may become windows, the published way first.
    normalisation: what the published way does to samples on the device; None: nobody knows.
    """

    rate: ClassVar[float | None] = None
    preparations: ClassVar[tuple[str, ...]] = (AS_IT_IS,)
    normalisation: ClassVar[Normalisation | None] = None

    def windows_of(self, recording: Windows, preparation: str, notices: list[str]) -> Windows:
        """Windows [N, *shape] of a finite recording at the network's rate.

        preparation: one of `preparations`. notices: takes that samples were left out.
        Raises RecordingError when the shape does not suit.
        """
        raise NotImplementedError

    def prepare(
        self,
        recording: ArrayLike,
        *,
        rate: float | None = None,
        preparation: str | None = None,
        notices: list[str] | None = None,
    ) -> Windows:
        """The windows of a recording, float32 [N, *shape], ready for the network.

        recording: [channels, samples] at `rate` samples per second (by default the network's
        own). preparation: one of `preparations`, by default the first. Long recordings are cut
        into windows that do not overlap, the incomplete rest dropped, which `notices` are told.
        Raises RecordingError or ZooError.
        """
        chosen = self.preparations[0] if preparation is None else preparation
        if chosen not in self.preparations:
            raise unknown("preparation", chosen, list(self.preparations))
        numbers = finite_numbers("the recording", np.asarray(recording))
        told = [] if notices is None else notices
        return self.windows_of(self._at_own_rate(numbers, rate), chosen, told)

    def encode(
        self,
        recording: ArrayLike,
        *,
        rate: float | None = None,
        preparation: str | None = None,
        batch: int = BATCH,
        notices: list[str] | None = None,
    ) -> NDArray[np.float32]:
        """The network's output for every window of a recording (see `prepare`): [N, *output].

        batch: windows per run of the network.
        """
        windows = self.prepare(recording, rate=rate, preparation=preparation, notices=notices)
        return self.run(windows, batch)

    def encode_batch(
        self,
        recordings: Iterable[ArrayLike],
        *,
        rate: float | None = None,
        preparation: str | None = None,
        batch: int = BATCH,
    ) -> list[NDArray[np.float32]]:
        """As `encode` for each of several recordings, whose windows share runs of the network."""
        prepared = [self.prepare(each, rate=rate, preparation=preparation) for each in recordings]
        results: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(prepared)
        for shape in {windows.shape[1:] for windows in prepared}:
            alike = [i for i, windows in enumerate(prepared) if windows.shape[1:] == shape]
            outputs = self.run(np.concatenate([prepared[i] for i in alike]), batch)
            ends = np.cumsum([len(prepared[i]) for i in alike])
            for i, part in zip(alike, np.split(outputs, ends[:-1]), strict=True):
                results[i] = part
        return results

    def run(self, windows: Windows, batch: int = BATCH) -> NDArray[np.float32]:
        """The network's output for windows [N, *shape] as they are: [N, *output]."""
        session = _session(self, windows.shape[1:])
        starts = range(0, len(windows), max(batch, 1))
        parts = [session.run(windows[start : start + starts.step]) for start in starts]
        return np.concatenate(parts)

    def _at_own_rate(self, recording: Windows, rate: float | None) -> Windows:
        if rate is None or rate == self.rate:
            return recording
        if self.rate is None:
            raise RecordingError(
                "the network has no sampling rate of its own", "leave the rate out"
            )
        if not 1 / RATES <= rate / self.rate <= RATES:
            raise RecordingError(
                f"a rate of {rate:g} Hz is not possible", f"the network's is {self.rate:g} Hz"
            )
        return np.asarray(resample(recording.astype(np.float64), rate, self.rate), np.float32)


class _Session:
    """A network as onnxruntime runs it."""

    def __init__(self, module: nn.Module, shape: tuple[int, ...]) -> None:
        from edgecomp.frontend.export import export_onnx

        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it must not call home
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            example = torch.zeros(1, *shape)
            # the legacy exporter gives the same network in a quarter of the time
            export_onnx(EncoderOutput(module), example, path, "legacy", open_batch=True)
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        self._input = self._session.get_inputs()[0].name

    def run(self, windows: Windows) -> NDArray[np.float32]:
        """[B, *shape] -> [B, *output]."""
        feed = {self._input: np.ascontiguousarray(windows, np.float32)}
        try:
            return np.asarray(self._session.run(None, feed)[0], np.float32)
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise EdgecompError(f"onnxruntime failed: {reason}", "encode fewer at once") from error


_SESSIONS: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], tuple[Fingerprint, _Session]]] = (
    WeakKeyDictionary()
)


def _session(module: nn.Module, shape: tuple[int, ...]) -> _Session:
    """The module's session for this window shape; made anew when the weights have changed."""
    known = _SESSIONS.setdefault(module, {})
    mark = _fingerprint(module)
    if shape not in known or known[shape][0] != mark:
        known[shape] = (mark, _Session(module, shape))
    return known[shape][1]


def _fingerprint(module: nn.Module) -> Fingerprint:
    return tuple((value.data_ptr(), value._version) for value in module.state_dict().values())
