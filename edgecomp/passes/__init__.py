"""Passes on float IR: algebra that holds for every encoder, one pass a file."""

from __future__ import annotations

from edgecomp.ir import Pass
from edgecomp.passes.conv_to_linear import ConvToLinear
from edgecomp.passes.conv_to_nhwc import ConvToNhwc
from edgecomp.passes.eliminate_common_subexpressions import EliminateCommonSubexpressions
from edgecomp.passes.expand_batch_norm import ExpandBatchNorm
from edgecomp.passes.expand_group_norm import ExpandGroupNorm
from edgecomp.passes.fold_affine import FoldAffine
from edgecomp.passes.fold_borders import FoldBorders
from edgecomp.passes.fold_constants import FoldConstants
from edgecomp.passes.fold_norm_affine import FoldNormAffine
from edgecomp.passes.hoist_reshape import HoistReshape
from edgecomp.passes.recognize_attention import RecognizeAttention
from edgecomp.passes.recognize_functions import RecognizeFunctions
from edgecomp.passes.recognize_layer_norm import RecognizeLayerNorm
from edgecomp.passes.recognize_linear import RecognizeLinear
from edgecomp.passes.recognize_resampling import RecognizeResampling
from edgecomp.passes.remove_dead_code import RemoveDeadCode
from edgecomp.passes.repeat import Repeat
from edgecomp.passes.simplify_arithmetic import SimplifyArithmetic
from edgecomp.passes.simplify_movement import SimplifyMovement
from edgecomp.passes.simplify_reduction import SimplifyReduction
from edgecomp.passes.sink_transpose import SinkTranspose

__all__ = ["default_pipeline"]


def default_pipeline() -> list[Pass]:
    """All passes in the order that an imported graph needs.

    Constants and duplicates first, so that patterns are seen once and through; then arithmetic in
    one spelling, which recognition relies on; attention after linear layers and their biases
    are whole, because its proofs start from their outputs; convolutions before layouts are
    cleaned, since they bring transposes; layouts last, with the affine folds that
    become possible when transposes have moved away; normalisation gains at the very end, when all
    users of a normalisation are known to be linear.
    """
    return [
        RemoveDeadCode(),
        FoldConstants(),
        EliminateCommonSubexpressions(),
        SimplifyArithmetic(),
        SimplifyMovement(),
        SimplifyReduction(),
        EliminateCommonSubexpressions(),
        RecognizeLayerNorm(),
        RecognizeFunctions(),
        ExpandBatchNorm(),
        ExpandGroupNorm(),
        RecognizeLinear(),
        RecognizeResampling(),
        FoldBorders(),
        ConvToLinear(),
        ConvToNhwc(),
        Repeat("fold_weights", [SimplifyArithmetic(), FoldAffine()]),
        RecognizeAttention(),
        Repeat("clean_layouts", clean_layouts()),
        FoldNormAffine(),
        Repeat("clean_up", [FoldConstants(), EliminateCommonSubexpressions(), RemoveDeadCode()]),
    ]


def clean_layouts() -> list[Pass]:
    """Passes that move data movement together until it cancels, and what that makes possible."""
    return [
        EliminateCommonSubexpressions(),
        SimplifyMovement(),
        SinkTranspose(),
        SimplifyReduction(),
        HoistReshape(),
        SimplifyArithmetic(),
        FoldAffine(),
    ]
