"""The sizes of EEG-DINO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgecomp.zoo.spec import ZooError

Head = Literal["features", "classification"]

PATCH = 200
CHANNEL_TABLE = 19
"""The electrodes that have an embedding: the 10-20 system."""
GLOBAL_TOKEN_LAYER = 1
"""The global token joins before the layer of this index."""
STRIDE = 25
STEPS = PATCH // STRIDE
MAX_TOKENS = 4096
"""Attention is quadratic: 4096 tokens in 16 heads are 1 GB of float scores per layer."""


@dataclass(frozen=True)
class Size:
    """What differs between small, medium and large.

    convolutions and groups: channels and GroupNorm groups of the temporal embedding.
    """

    width: int
    attention_heads: int
    layers: int
    hidden: int
    convolutions: tuple[int, int, int]
    groups: int


SMALL = Size(200, 8, 12, 512, (25, 25, 25), 5)
MEDIUM = Size(512, 16, 16, 1024, (64, 128, 64), 8)
LARGE = Size(1024, 16, 24, 2048, (128, 256, 128), 16)


@dataclass(frozen=True)
class Config:
    """A network: its size, the window that it is built for, and what it ends in.

    The weights do not depend on channels and patches, nor does the module: it takes any.
    """

    size: Size = SMALL
    channels: int = CHANNEL_TABLE
    patches: int = 10
    head: Head = "features"
    classes: int = 2


def check_config(config: Config) -> None:
    """Raises ZooError when the window is too long."""
    tokens = config.channels * config.patches
    if tokens > MAX_TOKENS:
        raise ZooError(
            f"{config.channels} channels of {config.patches} patches are {tokens} tokens",
            f"at most {MAX_TOKENS} are supported: take fewer channels or shorter windows",
        )
