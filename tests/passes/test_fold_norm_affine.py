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
