"""Addresses for buffers that live for a while: lifetimes in, one arena out."""

from edgecomp.memory.arena import DoesNotFit, InvalidPlan, Plan, check, pack
from edgecomp.memory.lifetime import Buffer, live_bytes, lower_bound, peak_step

__all__ = [
    "Buffer",
    "DoesNotFit",
    "InvalidPlan",
    "Plan",
    "check",
    "live_bytes",
    "lower_bound",
    "pack",
    "peak_step",
]
