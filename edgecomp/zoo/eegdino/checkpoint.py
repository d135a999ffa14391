"""The forms in which weights of EEG-DINO are published.

- The training checkpoint holds student, teacher, projectors and losses; the student is the
  encoder, whatever wraps it.
- The fine-tuning code puts a classifier beside `encoder`, whose prefix is stripped on reading.
- The Rust port (eegdino-rs) gives the members of sequences names, and stores the weights of
  linear layers [in, out].
"""

from __future__ import annotations

import re

from edgecomp.zoo.checkpoint import strip_prefixes
from edgecomp.zoo.spec import State

STUDENT = "student."
_PORT_NAMES = {
    "proj_in.conv1.": "proj_in.0.",
    "proj_in.norm1.": "proj_in.1.",
    "proj_in.conv2.": "proj_in.3.",
    "proj_in.norm2.": "proj_in.4.",
    "proj_in.conv3.": "proj_in.6.",
    "proj_in.norm3.": "proj_in.7.",
    "spectral_proj.": "spectral_proj.0.",
    "time_encoding.": "time_encoding.0.",
}
_PORT_MARK = "patch_embedding.proj_in.conv1.weight"
_HEAD = re.compile(r"(full_linear|channel_linear|classifier)\.")
_TRAINING = re.compile(r"(teacher|\w*projector|\w*loss)\.|.*\.relative_position_index$")


def adapt(state: State) -> State:
    """The entries under the names and in the layout of the module."""
    entries = _student(state)
    entries = {name: value for name, value in entries.items() if not _TRAINING.match(name)}
    if _PORT_MARK in entries:
        entries = _from_port(entries)
    if any(_HEAD.match(name) for name in entries):
        return {_beside_head(name): value for name, value in entries.items()}
    return entries


def _student(state: State) -> State:
    """The student alone, where there is one."""
    chosen = {
        strip_prefixes(name.removeprefix(STUDENT)): value
        for name, value in state.items()
        if name.startswith(STUDENT)
    }
    return chosen or state


def _from_port(entries: State) -> State:
    """Names of the original; every matrix is the transposed weight of a linear layer."""
    return {
        _original(name): value.T.contiguous() if value.ndim == 2 else value
        for name, value in entries.items()
    }


def _original(name: str) -> str:
    for port, original in _PORT_NAMES.items():
        start = f"patch_embedding.{port}"
        if name.startswith(start):
            return f"patch_embedding.{original}{name.removeprefix(start)}"
    return name


def _beside_head(name: str) -> str:
    return name if _HEAD.match(name) else f"encoder.{name}"
