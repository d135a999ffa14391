"""EEG-DINO: self-supervised EEG encoders in three sizes."""

from __future__ import annotations

from functools import partial
from typing import cast

from edgecomp.zoo import signals
from edgecomp.zoo.eegdino.checkpoint import adapt
from edgecomp.zoo.eegdino.config import (
    CHANNEL_TABLE,
    LARGE,
    MAX_TOKENS,
    MEDIUM,
    PATCH,
    SMALL,
    Config,
    Size,
    check_config,
)
from edgecomp.zoo.eegdino.network import EegDino, EegDinoClassifier
from edgecomp.zoo.spec import Option, Options, Shapes, Value, Windows, ZooModel

_CLASSES = "classifier.6.weight"


def _config(options: Options, size: Size) -> Config:
    return Config(size, **dict(options))  # type: ignore[arg-type]


def _build(options: Options, size: Size) -> EegDino | EegDinoClassifier:
    config = _config(options, size)
    return EegDinoClassifier(config) if config.head == "classification" else EegDino(config)


def _input_shape(options: Options) -> tuple[int, ...]:
    return (1, cast(int, options["channels"]), cast(int, options["patches"]), PATCH)


def _stream(options: Options) -> tuple[int, int]:
    return (cast(int, options["channels"]), cast(int, options["patches"]) * PATCH)


def _windows(options: Options, count: int, seed: int) -> Windows:
    return signals.normal_noise(count, _input_shape(options)[1:], seed)


def _ignored(options: Options) -> frozenset[str]:
    return frozenset(() if options["head"] == "classification" else ("classes",))


def _matches(shapes: Shapes, size: Size) -> bool:
    """The width tells the size; whether all layers are there is checked when they are loaded."""
    prefix = "encoder." if _CLASSES in shapes else ""
    projection = shapes.get(f"{prefix}patch_embedding.spectral_proj.0.weight", ())
    tokens = shapes.get(f"{prefix}global_tokens", ())
    return len(projection) == 2 and tokens[-1:] == projection[:1] == (size.width,)


def _infer_options(shapes: Shapes) -> dict[str, Value]:
    """The head. Channels and patches leave no trace."""
    head = shapes.get(_CLASSES, ())
    return {"head": "classification", "classes": head[0]} if head else {"head": "features"}


_DEFAULT = Config()
_OPTIONS = (
    Option("channels", _DEFAULT.channels, "electrodes", maximum=CHANNEL_TABLE),
    Option("patches", _DEFAULT.patches, "seconds of a window at 200 Hz", maximum=MAX_TOKENS),
    Option(
        "head",
        _DEFAULT.head,
        "what the network ends in: the tokens of all patches, or classes",
        choices=("features", "classification"),
    ),
    Option("classes", _DEFAULT.classes, "classes of the classification head", maximum=10_000),
)


def _entry(name: str, size: Size, parameters: str) -> ZooModel:
    return ZooModel(
        name=name,
        summary=f"EEG transformer, {size.layers} layers, {parameters} parameters",
        options=_OPTIONS,
        build=partial(_build, size=size),
        input_shape=_input_shape,
        windows=_windows,
        signal="noise",
        matches=partial(_matches, size=size),
        infer_options=_infer_options,
        check=lambda options: check_config(_config(options, size)),
        ignored=_ignored,
        adapt=adapt,
        stream=_stream,
    )


MODELS = (
    _entry("eegdino-small", SMALL, "4.4 M"),
    _entry("eegdino-medium", MEDIUM, "33.8 M"),
    _entry("eegdino-large", LARGE, "201.9 M"),
)
