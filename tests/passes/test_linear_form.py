import numpy as np
import pytest

from edgecomp.ir import interpret, parse
from edgecomp.passes.linear_form import MAX_TERMS, linear_form, root_of

BODIES = {
    "movement": """%a: f32[3, 4] = slice(%x) {starts = [1, 0], stops = [4, 4], steps = [1, 1]}
        %b: f32[4, 3] = transpose(%a) {permutation = [1, 0]}
        %i: i64[2] = constant [2, 0]
        %c: f32[2, 3] = gather(%b, %i) {axis = 0}
        %y: f32[5, 2, 3] = expand(%c) {shape = [5, 2, 3]}""",
    "a constant on either side": """%k: f32[4] = constant normal 1
        %a: f32[5, 4] = sub(%k, %x)
        %b: f32[5, 4] = mul(%k, %a)
        %c: f32[5, 4] = div(%b, %k)
        %y: f32[5, 4] = unary(%c) {function = "neg"}""",
    "a sum in which terms cancel": """%a: f32[5, 4] = add(%x, %x)
        %y: f32[5, 4] = sub(%a, %x)""",
    "a concatenation of unlike parts": """%k: f32[5, 1] = constant normal 1
        %a: f32[5, 2] = slice(%x) {starts = [0, 0], stops = [5, 2], steps = [1, 1]}
        %b: f32[5, 2] = slice(%x) {starts = [0, 2], stops = [5, 4], steps = [1, 1]}
        %c: f32[5, 2] = sub(%a, %b)
        %y: f32[5, 5] = concat(%a, %k, %c) {axis = 1}""",
}


@pytest.mark.parametrize("case", BODIES)
def test_form_reproduces_the_value(case):
    """Evaluating the form on the root's data gives what the interpreter gives."""
    graph = parse(f'graph "g" (%x: f32[5, 4]) -> (%y) {{ {BODIES[case]} }}')
    data = np.random.default_rng(3).standard_normal((5, 4)).astype(np.float32)
    form = linear_form(graph.outputs[0])
    assert form is not None and form.root is graph.inputs[0]
    actual = (form.coefficient * data.reshape(-1)[form.index]).sum(axis=0) + form.constant
    [expected] = interpret(graph, {"x": data})
    assert np.allclose(actual, expected, atol=1e-6)


def test_cancelled_terms_are_gone():
    """2x - x is one term with factor one."""
    graph = parse(
        f'graph "g" (%x: f32[5, 4]) -> (%y) {{ {BODIES["a sum in which terms cancel"]} }}'
    )
    form = linear_form(graph.outputs[0])
    assert form is not None and form.terms == 1 and (form.coefficient == 1.0).all()


def test_long_sums_are_given_up():
    """More terms than the bound give no form instead of a large one."""
    slices = "".join(
        f"%s{i}: f32[1] = slice(%x) {{starts = [{i}], stops = [{i + 1}], steps = [1]}}\n"
        for i in range(MAX_TERMS + 1)
    )
    sums = "%t0: f32[1] = add(%s0, %s0)\n" + "".join(
        f"%t{i}: f32[1] = add(%t{i - 1}, %s{i})\n" for i in range(1, MAX_TERMS + 1)
    )
    graph = parse(f'graph "g" (%x: f32[8]) -> (%t{MAX_TERMS}) {{ {slices}{sums} }}')
    assert linear_form(graph.outputs[0]) is None


def test_two_sources_have_no_root():
    """A sum of two inputs, or a product, is not linear in one root."""
    graph = parse("""graph "g" (%x: f32[4], %z: f32[4]) -> (%y, %p) {
      %y: f32[4] = add(%x, %z)
      %p: f32[4] = mul(%x, %x)
    }""")
    assert root_of(graph.outputs[0]) is None
    assert root_of(graph.outputs[1]) is graph.outputs[1]
