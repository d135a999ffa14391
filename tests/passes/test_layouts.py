import pytest

from edgecomp.passes.hoist_reshape import HoistReshape
from edgecomp.passes.simplify_movement import SimplifyMovement
from edgecomp.passes.simplify_reduction import SimplifyReduction
from edgecomp.passes.sink_transpose import SinkTranspose

SINKS = {
    "through a function and a sum with a constant": (
        """%c: f32[4, 1] = constant normal 1
           %t: f32[2, 4, 3] = transpose(%x) {permutation = [0, 2, 1]}
           %a: f32[2, 4, 3] = unary(%t) {function = "relu"}
           %s: f32[2, 4, 3] = add(%a, %c)
           %y: f32[2, 3, 4] = transpose(%s) {permutation = [0, 2, 1]}""",
        ["relu", "add"],
    ),
    "through a sum of two transposed values": (
        """%t: f32[2, 4, 3] = transpose(%x) {permutation = [0, 2, 1]}
           %r: f32[2, 3, 4] = unary(%x) {function = "relu"}
           %u: f32[2, 4, 3] = transpose(%r) {permutation = [0, 2, 1]}
           %s: f32[2, 4, 3] = add(%t, %u)
           %y: f32[2, 3, 4] = transpose(%s) {permutation = [0, 2, 1]}""",
        ["relu", "add"],
    ),
    "through a softmax": (
        """%t: f32[2, 4, 3] = transpose(%x) {permutation = [0, 2, 1]}
           %s: f32[2, 4, 3] = softmax(%t) {axis = 1}
           %y: f32[2, 3, 4] = transpose(%s) {permutation = [0, 2, 1]}""",
        ["softmax"],
    ),
    "through chosen elements, as those of a reflected border": (
        """%i: i64[6] = constant [1, 0, 1, 2, 3, 2]
           %t: f32[2, 4, 3] = transpose(%x) {permutation = [0, 2, 1]}
           %g: f32[2, 6, 3] = gather(%t, %i) {axis = 1}
           %y: f32[2, 3, 6] = transpose(%g) {permutation = [0, 2, 1]}""",
        ["gather"],
    ),
    "through a mean": (
        """%t: f32[4, 2, 3] = transpose(%x) {permutation = [2, 0, 1]}
           %y: f32[2, 3] = reduce(%t) {function = "mean", axes = [0], keep = false}""",
        ["reduce"],
    ),
    "through slices, borders and concatenation": (
        """%u: f32[2, 4, 3] = transpose(%x) {permutation = [0, 2, 1]}
           %s: f32[2, 3, 3] = slice(%u) {starts = [0, 1, 0], stops = [2, 4, 3], steps = [1, 1, 1]}
           %p: f32[2, 4, 3] = pad(%s) {pads = [0, 0, 0, 0, 1, 0], value = 0.0}
           %r: f32[2, 3, 4] = unary(%x) {function = "relu"}
           %t: f32[2, 4, 3] = transpose(%r) {permutation = [0, 2, 1]}
           %c: f32[2, 8, 3] = concat(%p, %t) {axis = 1}
           %y: f32[2, 3, 8] = transpose(%c) {permutation = [0, 2, 1]}""",
        ["slice", "pad", "relu", "concat"],
    ),
    "through a sum of which one operand is read elsewhere": (
        """%r: f32[2, 3, 4] = unary(%x) {function = "relu"}
           %t: f32[2, 4, 3] = transpose(%r) {permutation = [0, 2, 1]}
           %m: f32[2, 1, 3] = reduce(%t) {function = "max", axes = [1], keep = true}
           %u: f32[2, 4, 3] = transpose(%x) {permutation = [0, 2, 1]}
           %s: f32[2, 4, 3] = add(%u, %t)
           %v: f32[2, 3, 4] = transpose(%s) {permutation = [0, 2, 1]}
           %n: f32[2, 3, 1] = transpose(%m) {permutation = [0, 2, 1]}
           %y: f32[2, 3, 4] = mul(%v, %n)""",
        ["relu", "reduce", "add", "mul"],
    ),
    "not through a sum with a value of another layout": (
        """%t: f32[2, 4, 3] = transpose(%x) {permutation = [0, 2, 1]}
           %r: f32[2, 4, 3] = reshape(%x) {shape = [2, 4, 3]}
           %y: f32[2, 4, 3] = add(%t, %r)""",
        ["transpose", "reshape", "add"],
    ),
    "not where the transposed value is read elsewhere": (
        """%t: f32[2, 4, 3] = transpose(%x) {permutation = [0, 2, 1]}
           %r: f32[2, 4, 3] = unary(%t) {function = "relu"}
           %y: f32[2, 4, 3] = maximum(%t, %r)""",
        ["transpose", "relu", "maximum"],
    ),
}


@pytest.mark.parametrize("case", SINKS)
def test_transposes_sink(case, transform, ops):
    """A transpose moves behind what does not care for the layout, and cancels there."""
    body, expected = SINKS[case]
    text = f'graph "g" (%x: f32[2, 3, 4]) -> (%y) {{ {body} }}'
    assert ops(transform(text, SinkTranspose(), SimplifyMovement())) == expected


def test_mean_over_patches_needs_no_transpose(transform, ops):
    """Channels side by side, then a mean over patches: the mean comes first."""
    text = """graph "g" (%x: f32[1, 40, 12]) -> (%y) {
      %g: f32[1, 8, 5, 12] = reshape(%x) {shape = [1, 8, 5, 12]}
      %t: f32[1, 5, 8, 12] = transpose(%g) {permutation = [0, 2, 1, 3]}
      %f: f32[1, 5, 96] = reshape(%t) {shape = [1, 5, 96]}
      %y: f32[1, 96] = reduce(%f) {function = "mean", axes = [1], keep = false}
    }"""
    graph = transform(text, SimplifyReduction(), SinkTranspose(), SimplifyMovement())
    assert ops(graph) == ["reshape", "reduce", "reshape"]


def test_reduced_axis_that_is_restored_is_kept(transform, ops):
    """A reduction and a reshape that brings the axis back are one reduction."""
    text = """graph "g" (%x: f32[2, 3, 4]) -> (%y) {
      %r: f32[2, 4] = reduce(%x) {function = "max", axes = [1], keep = false}
      %y: f32[2, 1, 4] = reshape(%r) {shape = [2, 1, 4]}
    }"""
    assert ops(transform(text, SimplifyReduction())) == ["reduce"]


def test_reshapes_around_row_wise_layers_meet(transform, ops):
    """Rows regrouped, two layers, rows regrouped back: no reshape is left."""
    text = """graph "g" (%x: f32[1, 6, 4]) -> (%y) {
      %w: f32[8, 4] = constant normal 1
      %b: f32[8] = constant normal 2
      %g: f32[6, 1, 4] = reshape(%x) {shape = [6, 1, 4]}
      %l: f32[6, 1, 8] = linear(%g, %w, %b)
      %a: f32[6, 1, 8] = softmax(%l) {axis = 2}
      %s: f32[6, 1, 3] = slice(%a) {starts = [0, 0, 2], stops = [6, 1, 5], steps = [1, 1, 1]}
      %y: f32[1, 6, 3] = reshape(%s) {shape = [1, 6, 3]}
    }"""
    graph = transform(text, HoistReshape(), SimplifyMovement())
    assert ops(graph) == ["linear", "softmax", "slice"]


def test_reshape_that_cuts_rows_stays(transform, ops):
    """A reshape that changes the last axis does not pass a linear layer."""
    text = """graph "g" (%x: f32[1, 6, 4]) -> (%y) {
      %w: f32[8, 4] = constant normal 1
      %b: f32[8] = constant normal 2
      %g: f32[6, 1, 4] = reshape(%x) {shape = [6, 1, 4]}
      %l: f32[6, 1, 8] = linear(%g, %w, %b)
      %y: f32[1, 12, 4] = reshape(%l) {shape = [1, 12, 4]}
    }"""
    assert ops(transform(text, HoistReshape())) == ["reshape", "linear", "reshape"]


def test_a_function_between_a_reduction_and_its_axes(transform, ops):
    """The axes are kept from the start: what normalises by a deviation then shows."""
    text = """graph "g" (%x: f32[2, 5, 8]) -> (%y) {
      %r: f32[2, 5] = reduce(%x) {function = "mean", axes = [2], keep = false}
      %c: f32[] = constant [2]
      %m: f32[2, 5] = mul(%r, %c)
      %s: f32[2, 5] = unary(%m) {function = "sigmoid"}
      %y: f32[2, 5, 1] = reshape(%s) {shape = [2, 5, 1]} }"""
    graph = transform(text, SimplifyReduction())
    assert ops(graph) == ["reduce", "mul", "sigmoid"] and graph.nodes[0].flag("keep")
