"""Where a build starts: an encoder of the zoo or a user's ONNX file, and windows to feed it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx

from edgecomp.errors import EdgecompError
from edgecomp.frontend.loading import load_model
from edgecomp.normalisation import Normalisation
from edgecomp.pipeline.recording_notices import silence

if TYPE_CHECKING:
    from edgecomp.frontend.export import Exporter

Windows = dict[str, np.ndarray]
"""Input name -> float32 [windows, *shape of the input, batch 1 included]."""


@dataclass
class Source:
    """The model as ONNX in ``path``, and how to make windows for its inputs.

    ``notices`` are what the user must know about the figures (synthetic weights or signals);
    ``stream`` is as in :class:`edgecomp.codegen.project.ProjectSpec`; ``normalisation`` what the
    model is known to want, if it is.
    """

    name: str
    path: Path
    parameters: int | None = None
    notices: list[str] = field(default_factory=list)
    encoder: object | None = None
    stream: tuple[int, int] | None = None
    normalisation: Normalisation | None = None


def zoo_source(
    name: str,
    folder: Path,
    options: Mapping[str, object],
    weights: Path | None,
    exporter: Exporter,
) -> Source:
    """Export the zoo's encoder ``name`` to ``folder``."""
    import torch

    from edgecomp import zoo
    from edgecomp.frontend.export import export_onnx

    given = dict(options)
    texts = {key: value for key, value in given.items() if isinstance(value, str)}
    given.update(zoo.parse_options(name, texts))
    if weights is None:
        encoder = zoo.create_encoder(name, **given)
    else:
        encoder = zoo.load_encoder(weights, name, **given)
    path = folder / "model.onnx"
    example = (torch.zeros(encoder.input_shape),)
    module = zoo.EncoderOutput(encoder.module)
    export_onnx(
        module, example, path, exporter=exporter, input_names=["input"], output_names=["output"]
    )
    parameters = sum(p.numel() for p in encoder.module.parameters())
    notices = []
    if weights is None:
        notices.append("weights are synthetic (no --weights given): accuracy figures mean nothing")
    elif encoder.assumed:
        assumed = ", ".join(f"{key}={encoder.options[key]}" for key in encoder.assumed)
        notices.append(f"the checkpoint does not tell, and defaults were taken for: {assumed}")
    known = encoder.module.normalisation
    return Source(name, path, parameters, notices, encoder, encoder.stream, known)


def onnx_source(path: Path, folder: Path, options: Mapping[str, object]) -> Source:
    """A copy of the user's ``path`` in ``folder`` (external data is gathered into it)."""
    if options:
        raise EdgecompError(
            f"--set {next(iter(options))} is an option of the zoo's encoders, not of {path}",
            "leave it out; dynamic axes are fixed by --dim name=value",
        )
    if not path.is_file():
        raise EdgecompError(
            f"there is no file {path}", "give an .onnx file, or an encoder of `edgecomp models`"
        )
    model = load_model(path)
    target = folder / "model.onnx"
    target.write_bytes(_serialized(model, path))
    return Source(path.stem, target, _parameters(model))


def _parameters(model: onnx.ModelProto) -> int | None:
    """Elements of the model's real tensors, equal ones each; None where it names none."""
    kinds = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    sizes = (math.prod(t.dims) for t in model.graph.initializer if t.data_type in kinds)
    return sum(size for size in sizes if size > 1) or None


def _serialized(model: onnx.ModelProto, path: Path) -> bytes:
    """The model with its external data inside, as one file of at most 2 GiB."""
    try:
        data: bytes = model.SerializeToString()
    except ValueError as error:
        raise EdgecompError(
            f"{path} and its external data take more than 2 GiB, the limit of an ONNX file",
            "no board of edgecomp holds such a model; export a smaller one",
        ) from error
    return data


def calibration_windows(
    source: Source,
    shapes: Mapping[str, tuple[int, ...]],
    recording: Path | None,
    count: int,
    seed: int,
) -> tuple[Windows, Windows]:
    """Windows to calibrate on and windows to judge by, ``count`` each at most.

    With a recording both come from it, interleaved; a recording of one window serves as both.
    """
    if recording is None:
        return _synthetic(source, shapes, count, seed), _synthetic(source, shapes, count, seed + 1)
    both = load_inputs(recording, shapes, 2 * count, source.notices)
    source.notices += silence(both)
    windows = next(iter(both.values())).shape[0]
    if windows < 2:
        source.notices.append("one calibration window: quality is judged on the same window")
        return both, both
    first = {name: array[0::2] for name, array in both.items()}
    return first, {name: array[1::2] for name, array in both.items()}


def load_inputs(
    recording: Path,
    shapes: Mapping[str, tuple[int, ...]],
    limit: int | None,
    notices: list[str],
) -> Windows:
    """Windows of the user's recording for every network input.

    notices: takes what the user must know of what was left out. A network with several inputs
    reads an ``.npz`` with one array per input, by name.
    """
    from edgecomp.zoo.recordings import RecordingError, load_windows

    if len(shapes) == 1:
        [(name, shape)] = shapes.items()
        windows = load_windows(recording, _batched(shape), limit, name=name, notices=notices)
        return {name: windows.reshape(-1, *shape)}
    if recording.suffix != ".npz":
        raise RecordingError(
            f"the network has the inputs {', '.join(shapes)}; {recording} holds one array",
            "give an .npz with one array per input, under the input's name",
        )
    return _named_arrays(recording, shapes, limit)


def _named_arrays(
    recording: Path, shapes: Mapping[str, tuple[int, ...]], limit: int | None
) -> Windows:
    from edgecomp.zoo.recordings import RecordingError, load_named

    arrays = load_named(recording, shapes)
    for name, shape in shapes.items():
        wanted = _batched(shape)[1:]
        if arrays[name].shape[1:] != wanted:
            raise RecordingError(
                f"{recording}, array '{name}': its shape is {list(arrays[name].shape)}",
                f"expected [windows, {', '.join(map(str, wanted))}]",
            )
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{count} of '{name}'" for name, count in counts.items())
        raise RecordingError(
            f"{recording}: the inputs have different numbers of windows: {found}",
            "a window has one element of every array",
        )
    return {name: array[:limit].reshape(-1, *shapes[name]) for name, array in arrays.items()}


def _batched(shape: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` with a batch axis of 1 in front, as recordings are cut."""
    return shape if shape[:1] == (1,) else (1, *shape)


def _synthetic(
    source: Source, shapes: Mapping[str, tuple[int, ...]], count: int, seed: int
) -> Windows:
    from edgecomp.zoo.registry import Encoder

    if isinstance(source.encoder, Encoder):
        [name] = shapes
        note = (
            f"calibrated on synthetic {source.encoder.spec.signal} windows (no --calibration given)"
        )
        windows = {name: source.encoder.windows(count, seed).reshape(count, *shapes[name])}
    else:
        note = "calibrated on normal noise (no --calibration given): accuracy figures mean little"
        windows = {}
        for index, (name, shape) in enumerate(shapes.items()):
            generator = np.random.default_rng([seed, index])
            noise = generator.standard_normal((count, *shape))
            windows[name] = noise.astype(np.float32)
    if note not in source.notices:
        source.notices.append(note)
    return windows
