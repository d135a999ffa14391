import numpy as np

from edgecomp.passes.fold_norm_affine import FoldNormAffine

NORM = """%g: f32[4] = constant normal 1
          %b: f32[4] = constant normal 2
          %n: f32[2, 4] = layer_norm(%x, %g, %b) {axis = 1, epsilon = 1e-5}
          %w: f32[3, 4] = constant normal 3
          %c: f32[3] = constant normal 4
          %y: f32[2, 3] = linear(%n, %w, %c)
          %z: f32[2, 3] = linear(%n, %w, %c)
"""


def test_all_users_are_linear(transform):
    """Gain and bias move into both linear layers, which share their weights."""
    text = f'graph "g" (%x: f32[2, 4]) -> (%y, %z) {{ {NORM} }}'
    graph = transform(text, FoldNormAffine())
    [norm] = [node for node in graph.nodes if node.op == "layer_norm"]
    assert np.array_equal(norm.inputs[1].array, np.ones(4))
    assert not norm.inputs[2].array.any()


def test_another_user(transform):
    """One user that is not linear keeps the gain where it is."""
    text = f'graph "g" (%x: f32[2, 4]) -> (%y, %z, %r) {{ {NORM} %r: f32[2, 4] = add(%x, %n) }}'
    graph = transform(text, FoldNormAffine())
    [norm] = [node for node in graph.nodes if node.op == "layer_norm"]
    assert norm.inputs[2].array.any()


def test_network_output(transform):
    """A normalisation that the user sees keeps its gain."""
    text = f'graph "g" (%x: f32[2, 4]) -> (%y, %z, %n) {{ {NORM} }}'
    graph = transform(text, FoldNormAffine())
    [norm] = [node for node in graph.nodes if node.op == "layer_norm"]
    assert norm.inputs[2].array.any()


PATH = """%g: f32[4] = constant normal 1
          %b: f32[4] = constant normal 2
          %n: f32[1, 6, 4] = layer_norm(%x, %g, %b) {axis = 2, epsilon = 1e-5}
          %r: f32[1, 2, 3, 4] = reshape(%n) {shape = [1, 2, 3, 4]}
          %m: f32[1, 2, 4] = reduce(%r) {function = "mean", axes = [2], keep = false}
          %f: f32[1, 8] = reshape(%m) {shape = [1, 8]}
          %w: f32[3, 8] = constant normal 3
          %c: f32[3] = constant normal 4
          %y: f32[1, 3] = linear(%f, %w, %c)
"""


def test_mean_and_movement_in_between(transform):
    """Channels side by side after a mean over tokens: every feature has one gain."""
    graph = transform(f'graph "g" (%x: f32[1, 6, 4]) -> (%y) {{ {PATH} }}', FoldNormAffine())
    [norm] = [node for node in graph.nodes if node.op == "layer_norm"]
    assert np.array_equal(norm.inputs[1].array, np.ones(4))


def test_maximum_in_between(transform):
    """A maximum does not commute with a negative gain: nothing is folded."""
    body = PATH.replace('"mean"', '"max"')
    graph = transform(f'graph "g" (%x: f32[1, 6, 4]) -> (%y) {{ {body} }}', FoldNormAffine())
    [norm] = [node for node in graph.nodes if node.op == "layer_norm"]
    assert norm.inputs[2].array.any()


def test_mean_over_channels(transform):
    """A mean that mixes channels keeps the gain where it is."""
    body = PATH.replace("axes = [2], keep = false", "axes = [3], keep = false")
    body = body.replace("%m: f32[1, 2, 4]", "%m: f32[1, 2, 3]").replace("[1, 8]", "[1, 6]")
    body = body.replace("%w: f32[3, 8]", "%w: f32[3, 6]")
    graph = transform(f'graph "g" (%x: f32[1, 6, 4]) -> (%y) {{ {body} }}', FoldNormAffine())
    [norm] = [node for node in graph.nodes if node.op == "layer_norm"]
    assert norm.inputs[2].array.any()
