"""Checkpoint files: read them, undo what training frameworks wrap around the names, load them.

Only tensors are ever read, and plain settings beside them passed over: a file that holds other
Python objects is refused, never run.
"""

from __future__ import annotations

import argparse
import pickle
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from edgecomp.errors import EdgecompError
from edgecomp.zoo.spec import Shapes, State

SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")
WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "weights", "student")
PREFIXES = ("_orig_mod.", "module.", "model.", "net.", "encoder.", "backbone.")
_DEEPEST = 8
"""Wrapping keys within each other; a file may hold a mapping that holds itself."""
_LISTED = 12


class CheckpointError(EdgecompError):
    """A checkpoint that cannot be read."""


class MisfitError(CheckpointError):
    """A readable checkpoint whose entries are not those of the network."""


def read_state(path: str | Path) -> State:
    """The entries of a checkpoint under their bare names, floating point as float32.

    Raises CheckpointError when the file is absent, corrupt, of an unknown kind, holds
    anything but tensors, or holds NaN or infinite weights.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}", "check the path")
    if path.suffix.lower() not in SUFFIXES:
        raise CheckpointError(
            f"{path}: unknown kind of checkpoint", f"expected {', '.join(SUFFIXES)}"
        )
    raw = _read_safetensors(path) if path.suffix.lower() == ".safetensors" else _read_torch(path)
    return {name: _usable(path, name, value) for name, value in _bare(path, raw).items()}


def shapes_of(state: State) -> Shapes:
    """Name -> shape."""
    return {name: tuple(value.shape) for name, value in state.items()}


def load_into(module: nn.Module, state: State, source: str, hint: str = "") -> None:
    """Copies `state` into the module, entry by entry, matched by name.

    Raises MisfitError, naming every missing, unexpected and wrong-shape entry of `source`
    and giving `hint`, unless names and shapes are the same. Integer entries may be absent:
    they are index tables and counters, which the module has by construction.
    """
    wanted = module.state_dict()
    problems = _misfits(wanted, state)
    if problems:
        raise MisfitError(f"{source} does not fit the network\n" + "\n".join(problems), hint)
    module.load_state_dict(state, strict=False)


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise _corrupt(path, error) from error


def _read_torch(path: Path) -> Mapping[str, Any]:
    try:
        with warnings.catch_warnings():  # about pickle protocols, of files that then fail
            warnings.simplefilter("ignore")
            with torch.serialization.safe_globals(_harmless()):
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported" in str(error) or "GLOBAL" in str(error):
            raise CheckpointError(
                f"{path} holds Python objects other than tensors, which are never loaded",
                "save the weights alone: torch.save(model.state_dict(), path)",
            ) from error
        raise _corrupt(path, error) from error
    except Exception as error:  # torch.load lets errors of many kinds through
        raise _corrupt(path, error) from error
    return _unwrap(path, content)


def _harmless() -> list[Any]:
    """What training frameworks leave beside the weights, and what runs no code when it is read."""
    scalar = np.float64(0).__reduce__()[0]
    places = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    kinds = {type(np.dtype(kind)) for kind in "?bBhHiIlLqQefd"}
    return [argparse.Namespace, np.dtype, *kinds, *((scalar, place) for place in places)]


def _corrupt(path: Path, error: Exception) -> CheckpointError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return CheckpointError(
        f"{path} is not a readable checkpoint: {reason}", "the file is corrupt or incomplete"
    )


def _unwrap(path: Path, content: object) -> Mapping[str, Any]:
    """Descends through wrapping keys to the mapping that holds the tensors."""
    for _ in range(_DEEPEST):
        if not isinstance(content, Mapping):
            break
        inner = [content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)]
        if not inner:
            return {str(name): value for name, value in content.items()}
        content = inner[0]
    raise CheckpointError(
        f"{path} holds a {type(content).__name__}, not named weights",
        "save the weights alone: torch.save(model.state_dict(), path)",
    )


def _bare(path: Path, raw: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Tensor entries with training prefixes stripped from their names."""
    origins: dict[str, str] = {}
    for name, value in raw.items():
        if not isinstance(value, torch.Tensor):
            continue
        bare = strip_prefixes(name)
        if bare in origins:
            raise CheckpointError(
                f"{path}: '{origins[bare]}' and '{name}' are both '{bare}'",
                "keep one set of weights in the file",
            )
        origins[bare] = name
    if not origins:
        raise CheckpointError(f"{path} holds no weights", "expected named tensors")
    return {bare: raw[name] for bare, name in origins.items()}


def strip_prefixes(name: str) -> str:
    """`model.module.blocks.0.weight` -> `blocks.0.weight`."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return strip_prefixes(name.removeprefix(prefix))
    return name


def _usable(path: Path, name: str, value: torch.Tensor) -> torch.Tensor:
    if value.layout != torch.strided or value.is_quantized or value.is_complex():
        raise CheckpointError(
            f"{path}: '{name}' is {value.dtype}, {value.layout}", "expected dense real weights"
        )
    if not value.is_floating_point():
        return value
    value = value.detach().to(torch.float32)
    if not bool(torch.isfinite(value).all()):
        raise CheckpointError(
            f"{path}: '{name}' holds NaN or infinite weights",
            "the training diverged or the file is damaged; use another checkpoint",
        )
    return value


def _misfits(wanted: Mapping[str, torch.Tensor], state: State) -> list[str]:
    missing = [
        f"{name} {_shape(value)}"
        for name, value in wanted.items()
        if name not in state and value.is_floating_point()
    ]
    unexpected = [f"{name} {_shape(state[name])}" for name in state if name not in wanted]
    shared = [(name, wanted[name], state[name]) for name in wanted if name in state]
    wrong_shape = [
        f"{name}: expected {_shape(want)}, found {_shape(got)}"
        for name, want, got in shared
        if want.shape != got.shape
    ]
    wrong_type = [
        f"{name}: expected {want.dtype}, found {got.dtype}"
        for name, want, got in shared
        if want.is_floating_point() != got.is_floating_point()
    ]
    return [
        *_listing("missing", missing),
        *_listing("unexpected", unexpected),
        *_listing("wrong shape", wrong_shape),
        *_listing("wrong type", wrong_type),
    ]


def _shape(value: torch.Tensor) -> str:
    return str(list(value.shape))


def _listing(title: str, lines: Iterable[str]) -> list[str]:
    """A heading with the count, then the lines; a long list is cut, and says so."""
    lines = list(lines)
    if not lines:
        return []
    more = [f"    ... and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return [f"  {title} ({len(lines)}):", *(f"    {line}" for line in lines[:_LISTED]), *more]
