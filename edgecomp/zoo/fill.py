"""Deterministic synthetic weights: each entry is drawn from a generator seeded by its name.

An encoder without its published checkpoint gets weights that are the same everywhere, at
every size, and whose activations stay in a realistic range. The rule is that of the golden
data (rule B): unlike plain small noise, it keeps attention selective and deep stacks alive.
"""

from __future__ import annotations

import math
import zlib

import torch
from torch import nn

_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)


def entry(name: str, shape: tuple[int, ...], norm_weight: bool = False) -> torch.Tensor:
    """The float32 value of the state-dict entry `name`.

    norm_weight: the entry is the weight of a LayerNorm, GroupNorm or BatchNorm.
    """
    seed = zlib.crc32(name.encode())
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
    if name.endswith("running_var"):
        return 0.7 + noise.abs()
    if norm_weight:
        return 1 + 0.2 * noise
    if name.endswith("complex_weight"):
        return 0.7 * noise
    if name.endswith("attention_biases"):
        return 0.5 * noise
    if name.endswith("weight") and len(shape) >= 2:
        scale: float = math.prod(shape[1:]) ** -0.5
        return noise * scale  # dividing by the root would differ in the last bit
    return 0.1 * noise


def fill(module: nn.Module) -> nn.Module:
    """Overwrites every floating-point entry of the module's state dict; returns the module.

    Integer entries (index tables, counters) keep their values.
    """
    norm_weights = {
        f"{path}.weight" if path else "weight"
        for path, child in module.named_modules()
        if isinstance(child, _NORMS)
    }
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                value.copy_(entry(name, tuple(value.shape), name in norm_weights))
    return module
