import pytest

from edgecomp.passes.conv_to_linear import ConvToLinear
from edgecomp.passes.conv_to_nhwc import ConvToNhwc
from edgecomp.passes.simplify_movement import SimplifyMovement


def _conv(x, w, y, strides, pads=None, groups=1):
    axes = len(strides)
    pads = pads or [0] * (2 * axes)
    attributes = f"strides = {strides}, dilations = {[1] * axes}, pads = {pads}, groups = {groups}"
    return f"""graph "g" (%x: f32{x}) -> (%y) {{
      %w: f32{w} = constant normal 1
      %b: f32[{w[0]}] = constant normal 2
      %y: f32{y} = conv(%x, %w, %b) {{{attributes}}}
    }}"""


LINEAR = {
    "patches of two-dimensional images": _conv([2, 3, 8, 6], [5, 3, 4, 3], [2, 5, 2, 2], [4, 3]),
    "patches that leave samples over": _conv([1, 3, 9, 7], [5, 3, 4, 3], [1, 5, 2, 2], [4, 3]),
    "patches of one-dimensional signals": _conv([2, 3, 20], [5, 3, 5], [2, 5, 4], [5]),
    "a pointwise convolution": _conv([2, 3, 4, 6], [5, 3, 1, 1], [2, 5, 4, 6], [1, 1]),
    "a pointwise convolution on every second pixel": _conv(
        [1, 3, 5, 6], [5, 3, 1, 1], [1, 5, 3, 3], [2, 2]
    ),
    "a pointwise convolution on every second pixel, the last one included": _conv(
        [1, 3, 5, 7], [5, 3, 1, 1], [1, 5, 3, 4], [2, 2]
    ),
    "a kernel as large as the input": _conv([1, 3, 4, 4], [5, 3, 4, 4], [1, 5, 1, 1], [1, 1]),
}
NHWC = {
    "windows that overlap": _conv([1, 3, 8, 8], [5, 3, 3, 3], [1, 5, 6, 6], [1, 1]),
    "padding, strides and groups": _conv(
        [2, 4, 8, 7], [8, 2, 3, 3], [2, 8, 4, 4], [2, 2], [1, 1, 1, 1], 2
    ),
    "a depthwise convolution of signals": _conv([2, 4, 9], [4, 1, 3], [2, 4, 10], [1], [2, 1], 4),
}


@pytest.mark.parametrize("case", LINEAR)
def test_windows_that_do_not_overlap(case, transform, ops):
    """A convolution that reads every sample at most once is a linear layer."""
    names = ops(transform(LINEAR[case], ConvToLinear()))
    assert "linear" in names and "conv" not in names


@pytest.mark.parametrize("case", NHWC)
def test_other_convolutions(case, transform, ops):
    """All others get channels innermost, and are not touched by the linear rule."""
    assert ops(transform(NHWC[case], ConvToLinear())) == ["conv"]
    names = ops(transform(NHWC[case], ConvToNhwc()))
    assert names.count("conv_nhwc") == 1 and "conv" not in names


def test_patch_embedding_per_channel_moves_no_data(transform, ops):
    """TinyMyo's embedding: every channel cut into patches, tokens channel by channel."""
    text = """graph "g" (%x: f32[1, 8, 100]) -> (%y) {
      %w: f32[12, 1, 1, 20] = constant normal 1
      %b: f32[12] = constant normal 2
      %i: f32[1, 1, 8, 100] = reshape(%x) {shape = [1, 1, 8, 100]}
      %c: f32[1, 12, 8, 5] = conv(%i, %w, %b)
        {strides = [1, 20], dilations = [1, 1], pads = [0, 0, 0, 0], groups = 1}
      %f: f32[1, 12, 40] = reshape(%c) {shape = [1, 12, 40]}
      %y: f32[1, 40, 12] = transpose(%f) {permutation = [0, 2, 1]}
    }"""
    graph = transform(text, ConvToLinear(), SimplifyMovement())
    assert ops(graph) == ["reshape", "linear", "reshape"]
