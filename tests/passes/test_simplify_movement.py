import numpy as np
import pytest

from edgecomp.passes.simplify_movement import SimplifyMovement
from edgecomp.passes.views import emit_view, plan_view

CHAINS = {
    "a reshape of a reshape is one reshape": (
        "f32[4, 6]",
        """%a: f32[24] = reshape(%x) {shape = [24]}
           %y: f32[2, 12] = reshape(%a) {shape = [2, 12]}""",
        ["reshape"],
    ),
    "a reshape to the same shape is nothing": (
        "f32[4, 6]",
        "%y: f32[4, 6] = reshape(%x) {shape = [4, 6]}",
        [],
    ),
    "transposes that undo each other are nothing": (
        "f32[2, 3, 4]",
        """%a: f32[4, 2, 3] = transpose(%x) {permutation = [2, 0, 1]}
           %y: f32[2, 3, 4] = transpose(%a) {permutation = [1, 2, 0]}""",
        [],
    ),
    "two transposes are one": (
        "f32[2, 3, 4]",
        """%a: f32[4, 2, 3] = transpose(%x) {permutation = [2, 0, 1]}
           %y: f32[2, 4, 3] = transpose(%a) {permutation = [1, 0, 2]}""",
        ["transpose"],
    ),
    "a transpose between reshapes that add axes of size one is a transpose": (
        "f32[1, 3, 6, 5]",
        """%a: f32[1, 3, 6, 1, 5, 1] = reshape(%x) {shape = [1, 3, 6, 1, 5, 1]}
           %b: f32[1, 6, 5, 3, 1, 1] = transpose(%a) {permutation = [0, 2, 4, 1, 3, 5]}
           %y: f32[1, 6, 5, 3] = reshape(%b) {shape = [1, 6, 5, 3]}""",
        ["transpose"],
    ),
    "what follows a strided slice is simplified on its own": (
        "f32[8, 4]",
        """%a: f32[4, 4] = slice(%x) {starts = [0, 0], stops = [7, 4], steps = [2, 1]}
           %b: f32[16] = reshape(%a) {shape = [16]}
           %y: f32[2, 8] = reshape(%b) {shape = [2, 8]}""",
        ["slice", "reshape"],
    ),
    "a transpose of axes of size one is a reshape": (
        "f32[1, 5, 1, 7]",
        "%y: f32[5, 1, 7, 1] = transpose(%x) {permutation = [1, 0, 3, 2]}",
        ["reshape"],
    ),
    "a transpose hidden between reshapes cancels with the next": (
        "f32[1, 6, 8]",
        """%a: f32[1, 6, 2, 4] = reshape(%x) {shape = [1, 6, 2, 4]}
           %b: f32[1, 2, 6, 4] = transpose(%a) {permutation = [0, 2, 1, 3]}
           %c: f32[2, 6, 4] = reshape(%b) {shape = [2, 6, 4]}
           %d: f32[6, 2, 4] = transpose(%c) {permutation = [1, 0, 2]}
           %y: f32[6, 8] = reshape(%d) {shape = [6, 8]}""",
        ["reshape"],
    ),
    "a slice of a slice is one slice": (
        "f32[8, 10]",
        """%a: f32[8, 6] = slice(%x) {starts = [0, 2], stops = [8, 8], steps = [1, 1]}
           %y: f32[3, 6] = slice(%a) {starts = [4, 0], stops = [7, 6], steps = [1, 1]}""",
        ["slice"],
    ),
    "queries cut out of a split projection are a slice of its last axis": (
        "f32[1, 5, 12]",
        """%a: f32[1, 5, 3, 2, 2] = reshape(%x) {shape = [1, 5, 3, 2, 2]}
           %b: f32[3, 1, 2, 5, 2] = transpose(%a) {permutation = [2, 0, 3, 1, 4]}
           %i: i64[] = constant [1]
           %c: f32[1, 2, 5, 2] = gather(%b, %i) {axis = 0}
           %d: f32[1, 5, 2, 2] = transpose(%c) {permutation = [0, 2, 1, 3]}
           %y: f32[1, 5, 4] = reshape(%d) {shape = [1, 5, 4]}""",
        ["slice"],
    ),
    "a gather of one index is a slice": (
        "f32[4, 6]",
        """%i: i64[] = constant [2]
           %y: f32[6] = gather(%x, %i) {axis = 0}""",
        ["reshape", "slice"],
    ),
    "an expand that repeats nothing is nothing": (
        "f32[4, 6]",
        "%y: f32[4, 6] = expand(%x) {shape = [4, 6]}",
        [],
    ),
    "a concatenation of one is nothing": (
        "f32[4, 6]",
        "%y: f32[4, 6] = concat(%x) {axis = 1}",
        [],
    ),
    "a split put together again is nothing": (
        "f32[4, 6]",
        """%a: f32[4, 2] = slice(%x) {starts = [0, 0], stops = [4, 2], steps = [1, 1]}
           %b: f32[4, 4] = slice(%x) {starts = [0, 2], stops = [4, 6], steps = [1, 1]}
           %y: f32[4, 6] = concat(%a, %b) {axis = 1}""",
        [],
    ),
}

STAYS = {
    "a lone transpose": (
        "f32[2, 3]",
        "%y: f32[3, 2] = transpose(%x) {permutation = [1, 0]}",
        ["transpose"],
    ),
    "an expand that repeats": (
        "f32[1, 3]",
        "%y: f32[2, 3] = expand(%x) {shape = [2, 3]}",
        ["expand"],
    ),
    "a gather without regular stride": (
        "f32[5, 3]",
        """%i: i64[3] = constant [0, 1, 4]
           %y: f32[3, 3] = gather(%x, %i) {axis = 0}""",
        ["gather"],
    ),
    "a concatenation in another order": (
        "f32[4, 6]",
        """%a: f32[4, 2] = slice(%x) {starts = [0, 0], stops = [4, 2], steps = [1, 1]}
           %b: f32[4, 4] = slice(%x) {starts = [0, 2], stops = [4, 6], steps = [1, 1]}
           %y: f32[4, 6] = concat(%b, %a) {axis = 1}""",
        ["slice", "slice", "concat"],
    ),
    "a strided slice": (
        "f32[8]",
        "%y: f32[4] = slice(%x) {starts = [0], stops = [8], steps = [2]}",
        ["slice"],
    ),
}


@pytest.mark.parametrize("case", [*CHAINS, *STAYS])
def test_chain(case, transform, ops):
    """A chain of data movement becomes the cheapest one, and only if it is cheaper."""
    type_of_x, body, expected = (CHAINS | STAYS)[case]
    graph = transform(f'graph "g" (%x: {type_of_x}) -> (%y) {{ {body} }}', SimplifyMovement())
    assert ops(graph) == expected


@pytest.mark.parametrize("seed", range(40))
def test_planned_view_reads_what_was_asked(seed):
    """For random reshape/transpose/slice chains the plan, when there is one, is exact."""
    from edgecomp.ir import DType, Graph, TensorType, create, interpret

    generator = np.random.default_rng(seed)
    shape = tuple(int(n) for n in generator.integers(1, 5, size=4))
    index = np.arange(np.prod(shape)).reshape(shape)
    for _ in range(3):
        index = index.transpose(generator.permutation(index.ndim))
        low = [int(generator.integers(0, n)) for n in index.shape]
        index = index[tuple(slice(a, None) for a in low)]
    plan = plan_view(shape, index)
    assert plan is not None
    graph = Graph()
    x = graph.add_input("x", TensorType(shape, DType.F32))
    end = create(graph, "reshape", [x], {"shape": shape})
    graph.outputs = [emit_view(graph, x, plan, end)]
    graph.remove_dead()
    data = generator.standard_normal(shape).astype(np.float32)
    [actual] = interpret(graph, {"x": data})
    assert np.array_equal(actual, data.reshape(-1)[index])
