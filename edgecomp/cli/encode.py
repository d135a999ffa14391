"""`edgecomp encode`: a recording through the float network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgecomp.cli.command import Command, print_json
from edgecomp.cli.pairs import set_option
from edgecomp.errors import EdgecompError
from edgecomp.files import check_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgecomp.zoo import Encoder

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=Command)
@click.argument("file", type=_FILE)
@click.option("--model", metavar="NAME", help="Default: the encoder that the weights are of.")
@click.option("--weights", type=_FILE, help="A published checkpoint, or safetensors.")
@set_option("An option of the encoder (see `edgecomp models`); repeatable.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Samples per second of the recording; it is resampled.  [default: the encoder's]",
)
@click.option(
    "--preparation",
    metavar="NAME",
    help="How the recording becomes windows (see `edgecomp models MODEL`): the published way "
    "by default, or none where the values are the network's input already.",
)
@click.option(
    "--windows-only",
    is_flag=True,
    help="Write the windows, prepared for the network, instead of its outputs: what "
    "`edgecomp build --calibration` takes.",
)
@click.option(
    "--batch", type=click.IntRange(min=1), default=4, show_default=True, help="Windows per run."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: FILE.MODEL.npy."
)
def encode(
    *,
    file: Path,
    model: str | None,
    weights: Path | None,
    settings: dict[str, str],
    rate: float | None,
    preparation: str | None,
    windows_only: bool,
    batch: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Encode the recording in FILE with the float network, and write the outputs as .npy.

    FILE is .npy, .npz or .csv and holds [channels, samples]; a .csv may have a line per sample.
    Written is a float32 array with one output for each window of the recording: [windows, ...].
    """
    from edgecomp import zoo

    if out is not None:
        check_file(out)
    encoder = _encoder(model, weights, settings)
    notices = _notices(encoder, weights)
    recording = zoo.load_recording(file, notices)
    module = encoder.module
    if rate is None and module.rate is not None:
        own = f"{module.rate:g} samples per second, the encoder's own rate"
        notices.append(f"no --rate given: the recording is taken to have {own}")
    outputs = module.prepare(recording, rate=rate, preparation=preparation, notices=notices)
    if not windows_only:
        outputs = module.run(outputs, batch)
    kind = ".windows" if windows_only else ""
    target = out or file.with_name(f"{file.name}.{encoder.spec.name}{kind}.npy")
    _write(target, outputs)
    if as_json:
        result = {"file": str(target), "model": encoder.spec.name, "shape": list(outputs.shape)}
        print_json(result | {"notices": notices})
        return
    for notice in notices:
        click.echo(f"note: {notice}", err=True)
    click.echo(f"{encoder.spec.name}: {list(outputs.shape)}, written to {target}")


def _encoder(model: str | None, weights: Path | None, settings: dict[str, str]) -> Encoder:
    from edgecomp import zoo

    if weights is None and model is None:
        raise EdgecompError(
            "neither --model nor --weights says which encoder",
            f"give one of them; the encoders are {', '.join(zoo.names())}",
        )
    name = model
    if name is None and weights is not None:
        found = zoo.detect(weights)
        name = found[0] if found else None
    if name is None:
        raise EdgecompError(
            f"{weights} is not a checkpoint of a known encoder", f"known: {', '.join(zoo.names())}"
        )
    options = zoo.parse_options(name, settings)
    if weights is None:
        return zoo.create_encoder(name, **options)
    return zoo.load_encoder(weights, name, **options)


def _notices(encoder: Encoder, weights: Path | None) -> list[str]:
    if weights is None:
        return ["weights are synthetic (no --weights given): the outputs mean nothing"]
    if encoder.assumed:
        assumed = ", ".join(f"{name}={encoder.options[name]}" for name in encoder.assumed)
        return [f"the checkpoint does not tell, and defaults were taken for: {assumed}"]
    return []


def _write(path: Path, array: NDArray[np.float32]) -> None:
    """Write at once: a reader never sees half a file."""
    import numpy as np

    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    except OSError as error:
        raise EdgecompError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as stream:
            np.save(stream, array)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
