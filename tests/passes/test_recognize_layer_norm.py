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
    "the variance over n - 1": WHOLE.replace(
        VARIANCE,
        """%n: f32[] = constant [0.14285714]
           %t: f32[2, 5, 1] = reduce(%q) {function = "sum", axes = [2], keep = true}
           %v: f32[2, 5, 1] = mul(%t, %n)
""",
    )
    + DIVIDE,
    "statistics over the tokens": (WHOLE + DIVIDE)
    .replace("axes = [2]", "axes = [1]")
    .replace("f32[2, 5, 1]", "f32[2, 1, 8]"),
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
    "the root mean square norm": '%q: f32[2, 5, 8] = unary(%x) {function = "square"}\n'
    + VARIANCE
    + EPSILON
    + "%y: f32[2, 5, 8] = div(%x, %s)",
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
