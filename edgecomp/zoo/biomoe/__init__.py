"""Tiny-BioMoE: an embedding of images of ECG, EMG, EEG and EDA."""

from __future__ import annotations

from edgecomp.zoo import signals
from edgecomp.zoo.biomoe.network import Config, TinyBioMoE
from edgecomp.zoo.spec import Options, Shapes, Value, Windows, ZooModel

_SHAPE = (3, Config().spectformer.image, Config().spectformer.image)


def _windows(_options: Options, count: int, seed: int) -> Windows:
    return signals.uniform_noise(count, _SHAPE, seed)


def _matches(shapes: Shapes) -> bool:
    """Both experts and the gate are there; their sizes are checked when they are loaded."""
    marks = ("enc1.patch_embed1.proj.weight", "enc2.patch_embed.0.c.weight", "fcn.1.weight")
    return all(name in shapes for name in marks)


def _no_options(_shapes: Shapes) -> dict[str, Value]:
    return {}


MODELS = (
    ZooModel(
        name="tinybiomoe",
        summary="two experts on images of biosignals, 192 features, 7.3 M parameters",
        options=(),
        build=lambda options: TinyBioMoE(Config()),
        input_shape=lambda options: (1, *_SHAPE),
        windows=_windows,
        signal="image noise",
        matches=_matches,
        infer_options=_no_options,
    ),
)
