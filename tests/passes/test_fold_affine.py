import pytest

from edgecomp.passes.expand_batch_norm import ExpandBatchNorm
from edgecomp.passes.fold_affine import FoldAffine

LINEAR = """%w: f32[3, 4] = constant normal 1
            %b: f32[3] = constant normal 2
"""
CONV = """%w: f32[6, 2, 3, 3] = constant normal 1
          %b: f32[6] = constant normal 2
"""
CONV_ATTRIBUTES = "{strides = [1, 1], dilations = [1, 1], pads = [P, P, P, P], groups = 2}"
NORM = """%s: f32[C] = constant normal 3
          %o: f32[C] = constant normal 4
          %m: f32[C] = constant normal 5
          %v: f32[C] = constant [0.5, 1.5, 2.0, 0.1]
"""
CASES = {
    "a factor and an offset per channel behind a linear layer": (
        "%x: f32[2, 4]",
        LINEAR
        + """%g: f32[3] = constant normal 3
             %a: f32[2, 3] = linear(%x, %w, %b)
             %c: f32[2, 3] = mul(%a, %g)
             %y: f32[2, 3] = add(%c, %g)""",
        ["linear"],
    ),
    "a factor and an offset per channel before a linear layer": (
        "%x: f32[2, 4]",
        LINEAR
        + """%g: f32[4] = constant normal 3
             %a: f32[2, 4] = add(%x, %g)
             %c: f32[2, 4] = mul(%a, %g)
             %y: f32[2, 3] = linear(%c, %w, %b)""",
        ["linear"],
    ),
    "an offset per row stays": (
        "%x: f32[2, 4]",
        LINEAR
        + """%g: f32[2, 1] = constant normal 3
             %a: f32[2, 3] = linear(%x, %w, %b)
             %y: f32[2, 3] = add(%a, %g)""",
        ["linear", "add"],
    ),
    "a factor behind a value that is read elsewhere stays": (
        "%x: f32[2, 4]",
        LINEAR
        + """%g: f32[3] = constant normal 3
             %a: f32[2, 3] = linear(%x, %w, %b)
             %c: f32[2, 3] = mul(%a, %g)
             %y: f32[2, 3] = add(%c, %a)""",
        ["linear", "mul", "add"],
    ),
    "batch normalisation behind a grouped convolution": (
        "%x: f32[1, 4, 6, 6]",
        CONV.replace("[6", "[4")
        + NORM.replace("C", "4")
        + "%a: f32[1, 4, 6, 6] = conv(%x, %w, %b) "
        + CONV_ATTRIBUTES.replace("P", "1")
        + "\n%y: f32[1, 4, 6, 6] = batch_norm(%a, %s, %o, %m, %v) {epsilon = 1e-5}",
        ["conv"],
    ),
    "batch normalisation before a grouped convolution without padding": (
        "%x: f32[1, 4, 6, 6]",
        CONV
        + NORM.replace("C", "4")
        + "%a: f32[1, 4, 6, 6] = batch_norm(%x, %s, %o, %m, %v) {epsilon = 1e-5}\n"
        + "%y: f32[1, 6, 4, 4] = conv(%a, %w, %b) "
        + CONV_ATTRIBUTES.replace("P", "0"),
        ["conv"],
    ),
    "batch normalisation before a padded convolution keeps its offset": (
        "%x: f32[1, 4, 6, 6]",
        CONV
        + NORM.replace("C", "4")
        + "%a: f32[1, 4, 6, 6] = batch_norm(%x, %s, %o, %m, %v) {epsilon = 1e-5}\n"
        + "%y: f32[1, 6, 6, 6] = conv(%a, %w, %b) "
        + CONV_ATTRIBUTES.replace("P", "1"),
        ["mul", "add", "conv"],
    ),
    "batch normalisation on its own is a product and a sum": (
        "%x: f32[1, 4, 6]",
        NORM.replace("C", "4")
        + "%y: f32[1, 4, 6] = batch_norm(%x, %s, %o, %m, %v) {epsilon = 1e-5}",
        ["mul", "add"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_fold(case, transform, ops):
    """Constants per channel vanish into the layer next to them where that is exact."""
    inputs, body, expected = CASES[case]
    graph = transform(f'graph "g" ({inputs}) -> (%y) {{ {body} }}', ExpandBatchNorm(), FoldAffine())
    assert ops(graph) == expected
