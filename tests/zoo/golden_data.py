"""Reading the golden data and holding networks against them.

A file holds `input`, `output`, `inter/<module>` (what a module returns) and, unless its
parameters are left to the fill rule, `param/<entry>`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from edgecomp.zoo.fill import fill

FOLDER = Path(__file__).parents[1] / "data" / "golden"
TOLERANCE = 1e-5
Arrays = dict[str, NDArray[Any]]


def golden(name: str) -> Arrays:
    with np.load(FOLDER / f"{name}.npz") as data:
        return {key: data[key] for key in data.files}


def described(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / file).read_text())
    return found


def distance(found: Any, expected: NDArray[Any]) -> float:
    """The larger of relative L2 and relative maximum error."""
    array = np.asarray(found.detach() if isinstance(found, torch.Tensor) else found)
    assert array.shape == expected.shape
    difference = array.astype(np.float64) - expected
    l2 = np.linalg.norm(difference) / np.linalg.norm(expected)
    return float(max(l2, np.abs(difference).max() / np.abs(expected).max()))


def loaded(module: nn.Module, data: Arrays) -> nn.Module:
    """The module with golden weights, which the fill rule must give bit for bit."""
    fill(module.eval())
    given = {key[6:]: torch.tensor(data[key]) for key in data if key.startswith("param/")}
    if given:
        assert list(module.state_dict()) == list(given)
        for name, value in module.state_dict().items():
            assert torch.equal(value, given[name]), name
    return module


def assert_golden(
    module: nn.Module, data: Arrays, run: Callable[[torch.Tensor], torch.Tensor] | None = None
) -> dict[str, torch.Tensor]:
    """Output and every intermediate; returns what all modules returned, by path."""
    loaded(module, data)
    seen: dict[str, torch.Tensor] = {}
    for path, child in module.named_modules():
        child.register_forward_hook(lambda _m, _i, out, path=path: seen.__setitem__(path, out))
    with torch.no_grad():
        output = (run or module)(torch.tensor(data["input"]))
    assert distance(output, data["output"]) <= TOLERANCE
    for key in data:
        if key.startswith("inter/") and key[6:] in seen:
            assert distance(seen[key[6:]], data[key]) <= TOLERANCE, key
    return seen


def assert_described(module: nn.Module, expected: dict[str, Any]) -> None:
    """Names, shapes, parameters, MACs and output shape of a full-size model (on `meta`)."""
    found = [(name, list(value.shape)) for name, value in module.state_dict().items()]
    assert found == [(name, shape) for name, (shape, _) in expected["state_dict"].items()]
    assert sum(p.numel() for p in module.parameters()) == expected["parameters"]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = module.eval()(torch.zeros(expected["input_shape"], device="meta"))
    assert list(output.shape) == expected["output_shape"]
    assert counter.get_total_flops() == 2 * expected["macs"]
