"""The encoders by name: list them, create them, recognise their checkpoints.

An encoder is one module with a tuple `MODELS` of `ZooModel`; naming it here adds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from edgecomp.zoo import biomoe, checkpoint, eegdino, tinymyo
from edgecomp.zoo.encoding import RecordingEncoder
from edgecomp.zoo.fill import fill
from edgecomp.zoo.spec import State, Value, Windows, ZooModel, format_options, unknown

_FAMILIES: tuple[tuple[ZooModel, ...], ...] = (
    tinymyo.MODELS,
    biomoe.MODELS,
    eegdino.MODELS,
)
_MODELS = {model.name: model for family in _FAMILIES for model in family}


@dataclass(frozen=True)
class Encoder:
    """An encoder with everything settled.

    options: every option with its value. assumed: the options that neither the user nor the
    checkpoint determined, so that a default stands; empty for synthetic weights.
    """

    spec: ZooModel
    options: dict[str, Value]
    module: RecordingEncoder
    assumed: tuple[str, ...] = field(default=())

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of the network's input, batch 1 included."""
        return self.spec.input_shape(self.options)

    @property
    def stream(self) -> tuple[int, int] | None:
        """As :class:`ZooModel` has it; None where the shape tells, or nothing does."""
        return self.spec.stream(self.options) if self.spec.stream else None

    def windows(self, count: int, seed: int = 0) -> Windows:
        """Reproducible synthetic windows, float32 [count, *input_shape[1:]]."""
        return self.spec.windows(self.options, count, seed)


def names() -> list[str]:
    """The encoders there are."""
    return list(_MODELS)


def get(name: str) -> ZooModel:
    """The description of an encoder. Raises ZooError when there is none of that name."""
    if name not in _MODELS:
        raise unknown("encoder", name, names())
    return _MODELS[name]


def parse_options(name: str, texts: Mapping[str, str]) -> dict[str, Value]:
    """Typed values of `--set name=value` options. Raises ZooError."""
    return get(name).parse(texts)


def resolve(name: str, **options: object) -> dict[str, Value]:
    """Every option with its value, defaults filled in. Raises ZooError."""
    return get(name).resolve(options)


def create(name: str, **options: object) -> RecordingEncoder:
    """The encoder in evaluation mode, with synthetic weights (`edgecomp.zoo.fill`).

    Raises ZooError on an unknown encoder and on unknown or impossible options.
    """
    return create_encoder(name, **options).module


def create_encoder(name: str, **options: object) -> Encoder:
    """As `create`, with options and input shape attached."""
    spec = get(name)
    settled = spec.resolve(options)
    module = _build(spec, settled)
    fill(module)
    return Encoder(spec, settled, module)


def load(path: str | Path, name: str | None = None, **options: object) -> RecordingEncoder:
    """The encoder that a checkpoint holds, in evaluation mode.

    name: only this encoder; by default it is recognised from entry names and shapes.
    options: override what the checkpoint suggests (it cannot tell the window length, say).
    Raises CheckpointError, MisfitError or ZooError.
    """
    return load_encoder(path, name, **options).module


def load_encoder(path: str | Path, name: str | None = None, **options: object) -> Encoder:
    """As `load`, with options, input shape and assumed options attached."""
    state = checkpoint.read_state(path)
    found = _recognise(state)
    spec = get(name) if name is not None else found
    if spec is None:
        raise checkpoint.MisfitError(
            f"{path} is not a checkpoint of a known encoder", f"known: {', '.join(names())}"
        )
    inferred = _inferred(spec, state) if spec is found else {}
    settled = spec.resolve(_effective(spec, inferred, options) | options)
    module = _build(spec, settled)
    checkpoint.load_into(module, spec.adapt(state), str(path), _looks_like(found, state))
    return Encoder(spec, settled, module, _assumed(spec, settled, inferred.keys() | options.keys()))


def detect(path: str | Path) -> tuple[str, dict[str, Value]] | None:
    """The name and the inferable options of the encoder in a checkpoint; None if unknown.

    Raises CheckpointError.
    """
    state = checkpoint.read_state(path)
    spec = _recognise(state)
    return (spec.name, _inferred(spec, state)) if spec else None


def describe(name: str | None = None) -> list[dict[str, Any]]:
    """What there is, for people and for JSON: one dict per encoder, or the one called `name`.

    Keys: name, summary, signal, parameters, input_shape, rate, preparations, options [{name,
    type, default, choices | minimum and maximum, help}].
    """
    return [_describe(get(each)) for each in ([name] if name is not None else names())]


def _build(spec: ZooModel, options: dict[str, Value]) -> RecordingEncoder:
    with torch.random.fork_rng(devices=[]):  # initialisation leaves the caller's stream alone
        return spec.build(options).eval()


def _recognise(state: State) -> ZooModel | None:
    for spec in _MODELS.values():
        if spec.matches(checkpoint.shapes_of(spec.adapt(state))):
            return spec
    return None


def _inferred(spec: ZooModel, state: State) -> dict[str, Value]:
    return spec.infer_options(checkpoint.shapes_of(spec.adapt(state)))


def _effective(
    spec: ZooModel, inferred: dict[str, Value], given: Mapping[str, object]
) -> dict[str, Value]:
    """The inferred options that the given ones neither override nor make ineffective."""
    defaults: dict[str, Value] = {option.name: option.default for option in spec.options}
    checked = {name: spec.option(name).check(value) for name, value in given.items()}
    idle = spec.ignored(defaults | inferred | checked)
    return {name: value for name, value in inferred.items() if name not in idle}


def _assumed(spec: ZooModel, options: dict[str, Value], known: set[str]) -> tuple[str, ...]:
    open_names = options.keys() - known - spec.ignored(options)
    return tuple(name for name in options if name in open_names)


def _looks_like(found: ZooModel | None, state: State) -> str:
    if found is None:
        return f"the file is of no known encoder; known: {', '.join(names())}"
    options = _inferred(found, state)
    with_options = f" with {format_options(options)}" if options else ""
    return f"the file looks like {found.name}{with_options}"


def _describe(spec: ZooModel) -> dict[str, Any]:
    options = spec.resolve({})
    with torch.device("meta"):
        module = spec.build(options)
    return {
        "name": spec.name,
        "summary": spec.summary,
        "signal": spec.signal,
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "input_shape": list(spec.input_shape(options)),
        "rate": module.rate,
        "preparations": list(module.preparations),
        "options": [_describe_option(spec, each.name) for each in spec.options],
    }


def _describe_option(spec: ZooModel, name: str) -> dict[str, Any]:
    option = spec.option(name)
    values: dict[str, Any] = (
        {"choices": list(option.choices)}
        if option.type == "str"
        else {"minimum": option.minimum, "maximum": option.maximum}
    )
    head = {"name": option.name, "type": option.type, "default": option.default}
    return head | values | {"help": option.help}
