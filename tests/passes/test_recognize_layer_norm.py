import numpy as np
import pytest

from edgecomp.passes.fold_affine import FoldAffine
from edgecomp.passes.recognize_layer_norm import RecognizeLayerNorm

MEAN = '%m: f32[2, 5, 1] = reduce(%x) {function = "mean", axes = [2], keep = true}\n'
CENTRED = MEAN + "%c: f32[2, 5, 8] = sub(%x, %m)\n"
SQUARE = '%q: f32[2, 5, 8] = unary(%c) {function = "square"}\n'
VARIANCE = '%v: f32[2, 5, 1] = reduce(%q) {function = "mean", axes = [2], keep = true}\n'
EPSILON = """%eps: f32[] = constant [1e-5]
             %ve: f32[2, 5, 1] = add(%v, %eps)
             %s: f32[2, 5, 1] = unary(%ve) {function = "sqrt"}
"""
DIVIDE = "%y: f32[2, 5, 8] = div(%c, %s)"
WHOLE = CENTRED + SQUARE + VARIANCE + EPSILON

FORMS = {
    "divided by the root": WHOLE + DIVIDE,
    "times the reciprocal of the root": WHOLE
    + '%r: f32[2, 5, 1] = unary(%s) {function = "reciprocal"}\n%y: f32[2, 5, 8] = mul(%c, %r)',
    "times the power -0.5": WHOLE
    + """%h: f32[] = constant [-0.5]
         %r: f32[2, 5, 1] = pow(%ve, %h)
         %y: f32[2, 5, 8] = mul(%r, %c)""",
    "the mean as a sum times 1/8": """%eighth: f32[] = constant [0.125]
         %t: f32[2, 5, 1] = reduce(%x) {function = "sum", axes = [2], keep = true}
         %m: f32[2, 5, 1] = mul(%t, %eighth)
         %c: f32[2, 5, 8] = sub(%x, %m)
"""
    + SQUARE
    + VARIANCE
    + EPSILON
    + DIVIDE,
    "the variance as mean square less squared mean": CENTRED
    + """%xx: f32[2, 5, 8] = unary(%x) {function = "square"}
         %ms: f32[2, 5, 1] = reduce(%xx) {function = "mean", axes = [2], keep = true}
         %mm: f32[2, 5, 1] = unary(%m) {function = "square"}
         %v: f32[2, 5, 1] = sub(%ms, %mm)
"""
    + EPSILON
    + DIVIDE,
}
OTHERS = {
    "a variance of what is centred over the tokens": MEAN.replace("%m", "%m2")
    .replace("[2, 5, 1]", "[2, 1, 8]")
    .replace("axes = [2]", "axes = [1]")
    + "%c2: f32[2, 5, 8] = sub(%x, %m2)\n"
    + CENTRED
    + SQUARE.replace("%c", "%c2")
    + VARIANCE
    + EPSILON
    + DIVIDE,
    "a variance of what is centred over more axes": MEAN.replace("%m", "%m2")
    .replace("[2, 5, 1]", "[2, 1, 1]")
    .replace("axes = [2]", "axes = [1, 2]")
    + "%c2: f32[2, 5, 8] = sub(%x, %m2)\n"
    + CENTRED
    + SQUARE.replace("%c", "%c2")
    + VARIANCE
    + EPSILON
    + DIVIDE,
    "a root of the deviation": WHOLE
    + '%s2: f32[2, 5, 1] = unary(%s) {function = "sqrt"}\n'
    + DIVIDE.replace("%s", "%s2"),
    "a deviation with a large offset": WHOLE
    + "%one: f32[] = constant [1]\n%s2: f32[2, 5, 1] = add(%s, %one)\n"
    + DIVIDE.replace("%s", "%s2"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_spelling_is_found(form, transform, ops):
    """Layer normalisation from primitives becomes one node with its epsilon."""
    text = f'graph "g" (%x: f32[2, 5, 8]) -> (%y) {{ {FORMS[form]} }}'
    graph = transform(text, RecognizeLayerNorm())
    assert ops(graph) == ["layer_norm"]
    assert graph.nodes[0].attributes == {"axis": 2, "epsilon": pytest.approx(1e-5)}


@pytest.mark.parametrize("form", OTHERS)
def test_other_normalisations_stay(form, transform, ops):
    """What normalises differently is left alone."""
    text = f'graph "g" (%x: f32[2, 5, 8]) -> (%y) {{ {OTHERS[form]} }}'
    assert "layer_norm" not in ops(transform(text, RecognizeLayerNorm()))


ROOT = '%s: f32[2, 5, 1] = unary(%v) {function = "sqrt"}\n'
RMS = {
    "divided by the root": '%q: f32[2, 5, 8] = unary(%x) {function = "square"}\n'
    + VARIANCE
    + EPSILON
    + DIVIDE.replace("%c", "%x"),
    "divided by a norm with a lower bound": """
        %v: f32[2, 5, 1] = reduce(%x) {function = "l2", axes = [2], keep = true}
        %m: f32[2, 5, 1] = unary(%v) {function = "clip", parameters = [1e-12, 3e38]}
        %s: f32[2, 5, 8] = expand(%m) {shape = [2, 5, 8]}
        %y: f32[2, 5, 8] = div(%x, %s)""",
}
GAINS = {"divided by the root": 1.0, "divided by a norm with a lower bound": 8**-0.5}


@pytest.mark.parametrize("form", RMS)
def test_the_root_mean_square_norm(form, transform, ops):
    """Also the L2 norm, which is that of the mean square but for a factor."""
    graph = transform(
        f'graph "g" (%x: f32[2, 5, 8]) -> (%y) {{ {RMS[form]} }}', RecognizeLayerNorm()
    )
    assert ops(graph) == ["layer_norm"]
    assert graph.nodes[0].attributes["rms"] is True
    np.testing.assert_allclose(graph.nodes[0].inputs[1].array, GAINS[form], rtol=1e-6)


SAMPLE_VARIANCE = (
    VARIANCE.replace("%v:", "%p:")
    + """%n: f32[] = constant [1.14285714]
         %v: f32[2, 5, 1] = mul(%p, %n)
"""
)


@pytest.mark.parametrize(
    "end",
    [
        EPSILON + DIVIDE,
        ROOT.replace("%s:", "%r:")
        + """%eps: f32[] = constant [1e-6]
         %s: f32[2, 5, 1] = add(%r, %eps)\n"""
        + DIVIDE,
    ],
)
def test_the_sample_deviation(end, transform, ops):
    """A variance over n - 1 is a gain; an epsilon beside the root is as good as one under it."""
    text = f'graph "g" (%x: f32[2, 5, 8]) -> (%y) {{ {CENTRED + SQUARE + SAMPLE_VARIANCE + end} }}'
    graph = transform(text, RecognizeLayerNorm())
    assert ops(graph) == ["layer_norm"]
    np.testing.assert_allclose(graph.nodes[0].inputs[1].array, (7 / 8) ** 0.5, rtol=1e-5)


def test_a_gain_before_the_division(transform, ops):
    """It is a product behind the normalisation, which then folds."""
    body = (
        WHOLE
        + """%g: f32[8] = constant normal 1
      %k: f32[2, 5, 8] = mul(%g, %c)
      %y: f32[2, 5, 8] = div(%k, %s)"""
    )
    text = f'graph "g" (%x: f32[2, 5, 8]) -> (%y) {{ {body} }}'
    assert ops(transform(text, RecognizeLayerNorm(), FoldAffine())) == ["layer_norm"]


def test_statistics_over_an_inner_axis(transform, ops):
    """That axis is moved to the end and back: channels-first layer normalisation."""
    body = (WHOLE + DIVIDE).replace("axes = [2]", "axes = [1]").replace("[2, 5, 1]", "[2, 1, 8]")
    graph = transform(f'graph "g" (%x: f32[2, 5, 8]) -> (%y) {{ {body} }}', RecognizeLayerNorm())
    assert ops(graph) == ["transpose", "layer_norm", "transpose"]


def test_gain_and_bias_become_part_of_it(transform, ops):
    """The product and the sum behind the normalisation are its gain and bias."""
    body = (
        (WHOLE + DIVIDE).replace("%y", "%n")
        + """
      %g: f32[8] = constant normal 1
      %b: f32[8] = constant normal 2
      %a: f32[2, 5, 8] = mul(%n, %g)
      %y: f32[2, 5, 8] = add(%b, %a)"""
    )
    text = f'graph "g" (%x: f32[2, 5, 8]) -> (%y) {{ {body} }}'
    assert ops(transform(text, RecognizeLayerNorm(), FoldAffine())) == ["layer_norm"]
