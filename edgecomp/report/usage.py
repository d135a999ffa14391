"""How the engines are used: shares of a layer's cycles, and of all layers'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgecomp.report.schema import Layer, Report

_PARTS = ("compute", "exposed_ne16", "exposed_dma", "exposed_l3", "overhead", "ne16_busy")


@dataclass(frozen=True)
class Usage:
    """Cycles of one layer or of several: fields as in :class:`Layer`; 0 where it does not say."""

    cycles: float
    compute: float
    exposed_ne16: float
    exposed_dma: float
    exposed_l3: float
    overhead: float
    ne16_busy: float
    ne16_macs: int

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> Usage:
        """The sums of ``layers``."""
        macs = sum(layer.ne16_macs or 0 for layer in layers)
        return cls(**{part: _sum(layers, part) for part in ("cycles", *_PARTS)}, ne16_macs=macs)


def is_known(report: Report) -> bool:
    """Whether the report says where cycles go; those of earlier versions do not."""
    return any(layer.compute is not None for layer in report.layers)


def has_ne16(report: Report) -> bool:
    """Whether some layer uses NE16."""
    return any(layer.ne16_busy or layer.exposed_ne16 for layer in report.layers)


def sees_ne16(report: Report) -> bool:
    """Whether it is known when NE16 works; a board knows only when it is waited for."""
    return any(layer.ne16_busy for layer in report.layers)


def _sum(layers: Sequence[Layer], part: str) -> float:
    return sum(float(getattr(layer, part) or 0.0) for layer in layers)
