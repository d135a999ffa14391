"""Passes on integer IR: which neighbours become one layer. No pass changes a bit."""

from __future__ import annotations

from edgecomp.fusion.columns_in_place import ColumnsInPlace
from edgecomp.fusion.fuse_matmul_transpose import FuseMatmulTranspose
from edgecomp.fusion.fuse_mlp import FuseMlp
from edgecomp.fusion.fuse_norm import FuseNorm
from edgecomp.fusion.fuse_qkv_slices import FuseQkvSlices
from edgecomp.fusion.raise_activations import RaiseActivations
from edgecomp.fusion.remove_idle_requantize import RemoveIdleRequantize
from edgecomp.fusion.split_channels import SplitChannels
from edgecomp.fusion.split_rows import SplitRows
from edgecomp.fusion.split_transposed import SplitTransposed
from edgecomp.ir import Pass
from edgecomp.passes.eliminate_common_subexpressions import EliminateCommonSubexpressions
from edgecomp.passes.remove_dead_code import RemoveDeadCode
from edgecomp.passes.simplify_movement import SimplifyMovement

__all__ = [
    "ColumnsInPlace",
    "FuseMatmulTranspose",
    "FuseMlp",
    "FuseNorm",
    "FuseQkvSlices",
    "RaiseActivations",
    "RemoveIdleRequantize",
    "SplitChannels",
    "SplitRows",
    "SplitTransposed",
    "fusion_pipeline",
]


def fusion_pipeline(capacity: int | None = None, raised: bool = False) -> list[Pass]:
    """All fusions: equal requantizations and tables first, so that what is used once shows.

    ``capacity``: bytes of the memory that layers work from; without it nothing is done to fit it.
    ``raised``: for hardware that reads unsigned activations.
    """
    cuts: list[Pass] = []
    if capacity is not None:
        kinds = (SplitRows, SplitTransposed, SplitChannels)
        cuts = [kind(capacity, raised) for kind in kinds]
    return [
        EliminateCommonSubexpressions(),
        RemoveIdleRequantize(),
        SimplifyMovement(),
        FuseQkvSlices(),
        FuseMatmulTranspose(),
        FuseMlp(capacity, raised),
        *cuts,
        FuseNorm(),
        ColumnsInPlace(),
        *([RaiseActivations()] if raised else []),
        RemoveDeadCode(),
    ]
