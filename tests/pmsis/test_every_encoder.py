"""The vendor project of every encoder of the zoo: no warnings, and every bit through the stubs.

Small, shallow or narrow: what is left out only repeats. tests/pipeline/test_full_encoders.py has
some at full size on the host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from edgecomp import zoo
from edgecomp.frontend.export import export_onnx
from edgecomp.pipeline import Build, build
from edgecomp.zoo import eegdino
from edgecomp.zoo.biomoe.efficientvit import EfficientViTConfig
from edgecomp.zoo.biomoe.network import Config, TinyBioMoE
from edgecomp.zoo.biomoe.spectformer import SpectFormerConfig
from edgecomp.zoo.fill import fill

from .vendor import assert_bits, assert_scores

OPTIONS: dict[str, dict[str, object]] = {
    "tinymyo": {"channels": 4, "samples": 100, "layers": 1},
    "tinyissimomyo": {"channels": 4, "samples": 100, "layers": 1},
    "eegdino-small": {"channels": 2, "patches": 2},
}
"""Options that make an encoder of the zoo small."""

IMAGES = Config(
    SpectFormerConfig(stem=8, widths=(8, 16, 20, 96), attention_heads=(1, 1, 2, 16)),
    EfficientViTConfig(widths=(16, 24, 96), key_sizes=(4, 4, 8), attention_heads=(2, 3, 4)),
)


def shallow(size: eegdino.Size) -> nn.Module:
    """One layer of that size."""
    return eegdino.EegDino(eegdino.Config(replace(size, layers=1), channels=2, patches=1))


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "tinybiomoe": (lambda: TinyBioMoE(IMAGES), (1, 3, 224, 224)),
    "eegdino-medium": (lambda: shallow(eegdino.MEDIUM), (1, 2, 1, 200)),
    "eegdino-large": (lambda: shallow(eegdino.LARGE), (1, 2, 1, 200)),
}
"""Those that no option makes small: the module, and the shape of its input."""


def small(name: str, folder: Path) -> Build:
    if name in OPTIONS:
        return build(name, options=OPTIONS[name], windows=1, out=folder / "out")
    make, shape = MODULES[name]
    path = folder / f"{name}.onnx"
    export_onnx(zoo.EncoderOutput(fill(make()).eval()), (torch.zeros(shape),), path)
    return build(path, windows=1, out=folder / "out")


@pytest.mark.parametrize("name", zoo.names())
def test_the_project_compiles_without_warnings_and_gives_the_bits(
    name: str, tmp_path: Path
) -> None:
    """Where the input is a stream of channels the application is there, too."""
    built = small(name, tmp_path)
    assert_bits(built, tmp_path)
    if name in OPTIONS:
        assert_scores(built, tmp_path)
    else:
        assert not (built.directory / "firmware" / "gap_sdk" / "app_config.h").exists()
