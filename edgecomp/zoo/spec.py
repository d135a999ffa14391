"""What an encoder tells the registry about itself: its options, shapes, signals and checkpoints."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from edgecomp.errors import EdgecompError

if TYPE_CHECKING:
    from edgecomp.zoo.encoding import RecordingEncoder

Value: TypeAlias = int | str
Options: TypeAlias = Mapping[str, Value]
Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
State: TypeAlias = dict[str, torch.Tensor]
Windows: TypeAlias = NDArray[np.float32]


class ZooError(EdgecompError):
    """An unknown encoder, or an option that it does not have or cannot take."""


def unknown(what: str, name: str, known: list[str]) -> ZooError:
    """The error for a name that does not exist: suggests the closest, lists all."""
    close = get_close_matches(name, known, n=1)
    suggestion = f"did you mean '{close[0]}'? " if close else ""
    return ZooError(f"unknown {what} '{name}'", f"{suggestion}known: {', '.join(known)}")


@dataclass(frozen=True)
class Option:
    """One setting of an encoder. Its type, int or str, is the type of `default`.

    `minimum` and `maximum` bound an int, inclusively; `choices` lists what a str may be.
    """

    name: str
    default: Value
    help: str
    minimum: int = 1
    maximum: int = 1_000_000
    choices: tuple[str, ...] = ()

    @property
    def type(self) -> Literal["int", "str"]:
        """The name of the option's type."""
        return "int" if isinstance(self.default, int) else "str"

    def parse(self, text: str) -> Value:
        """The value that `text` spells. Raises ZooError."""
        if self.type == "str":
            return self.check(text.strip())
        try:
            value = int(text)
        except ValueError:
            raise self._error(text) from None
        return self.check(value)

    def check(self, value: object) -> Value:
        """`value`, if the option may take it. Raises ZooError."""
        if self.type == "str":
            if not isinstance(value, str) or value not in self.choices:
                raise self._error(value)
            return value
        if isinstance(value, bool):
            raise self._error(value)
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            raise self._error(value) from None
        if not self.minimum <= number <= self.maximum:
            raise self._error(value)
        return number

    def expects(self) -> str:
        """What the option may be set to, in words."""
        if self.type == "str":
            return f"one of {', '.join(self.choices)}"
        return f"a whole number from {self.minimum} to {self.maximum}"

    def _error(self, value: object) -> ZooError:
        return ZooError(
            f"option {self.name}={value!r} is not possible", f"{self.name} is {self.expects()}"
        )


def _nothing_ignored(_options: Options) -> frozenset[str]:
    return frozenset()


def _anything_goes(_options: Options) -> None:
    return None


def _unchanged(state: State) -> State:
    return state


@dataclass(frozen=True)
class ZooModel:
    """One encoder of the zoo.

    Every function takes a complete set of options, each one valid by itself.

    build: the module, weights as torch initialises them.
    input_shape: the shape of the network's input, batch 1 included.
    windows: (options, count, seed) -> float32 windows [count, *input_shape[1:]], reproducible.
    signal: what the windows imitate ("semg", ...).
    matches: whether these entry names and shapes are those of this encoder.
    infer_options: the options that names and shapes determine (the others are left out).
    check: raises ZooError on options that are impossible together.
    ignored: the options without effect under these options.
    stream: channels and samples of a window, where it is a stream of channels in another shape than
    [channels, samples]: all samples of a channel, then those of the next.
    adapt: brings entries of other published forms to the module's own names and layouts.
    """

    name: str
    summary: str
    options: tuple[Option, ...]
    build: Callable[[Options], RecordingEncoder]
    input_shape: Callable[[Options], tuple[int, ...]]
    windows: Callable[[Options, int, int], Windows]
    signal: str
    matches: Callable[[Shapes], bool]
    infer_options: Callable[[Shapes], dict[str, Value]]
    check: Callable[[Options], None] = _anything_goes
    ignored: Callable[[Options], frozenset[str]] = _nothing_ignored
    adapt: Callable[[State], State] = _unchanged
    stream: Callable[[Options], tuple[int, int]] | None = None

    def option(self, name: str) -> Option:
        """The option called `name`. Raises ZooError."""
        for option in self.options:
            if option.name == name:
                return option
        raise unknown(f"option of {self.name}", name, [option.name for option in self.options])

    def parse(self, texts: Mapping[str, str]) -> dict[str, Value]:
        """Typed values of options given as text, defaults not filled in. Raises ZooError."""
        return {name: self.option(name).parse(text) for name, text in texts.items()}

    def resolve(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Every option with its value: the given ones checked, defaults for the rest.

        Raises ZooError on an unknown, impossible or ineffective option.
        """
        checked = {name: self.option(name).check(value) for name, value in given.items()}
        options = {option.name: option.default for option in self.options} | checked
        self.check(options)
        idle = sorted(self.ignored(options) & checked.keys())
        if idle:
            raise ZooError(
                f"option {', '.join(idle)} has no effect on {self.name} with the other options",
                f"leave it out; in force: {format_options(options, self.ignored(options))}",
            )
        return options


def format_options(options: Options, without: frozenset[str] = frozenset()) -> str:
    """Options as the command line spells them: `channels=8 head=classification`."""
    return " ".join(f"{name}={value}" for name, value in options.items() if name not in without)
