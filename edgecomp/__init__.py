"""edgecomp: from a trained encoder to INT8 C on a wearable.

``build`` and ``simulate`` are the commands as functions; ``zoo`` holds the encoders. All three are
loaded when first used, so that importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecomp import zoo
    from edgecomp.pipeline import Build, Simulation, build, simulate

__all__ = ["Build", "Simulation", "build", "simulate", "zoo"]


def __getattr__(name: str) -> Any:
    if name == "zoo":
        return import_module("edgecomp.zoo")
    if name in __all__:
        return getattr(import_module("edgecomp.pipeline"), name)
    raise AttributeError(f"module 'edgecomp' has no attribute '{name}'")
