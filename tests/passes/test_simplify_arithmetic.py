import pytest

from edgecomp.passes.simplify_arithmetic import SimplifyArithmetic

CASES = {
    "adding zero does nothing": ("%c: f32[] = constant [0.0]\n%y: f32[2, 3] = add(%x, %c)", []),
    "dividing by one does nothing": (
        "%c: f32[1] = constant [1.0]\n%y: f32[2, 3] = div(%x, %c)",
        [],
    ),
    "a quotient by a constant is a product": (
        "%c: f32[3] = constant [2.0, 4.0, 5.0]\n%y: f32[2, 3] = div(%x, %c)",
        ["mul"],
    ),
    "a difference with a constant is a sum": (
        "%c: f32[3] = constant [2.0, 4.0, 5.0]\n%y: f32[2, 3] = sub(%x, %c)",
        ["add"],
    ),
    "a constant minus x stays a difference": (
        "%c: f32[] = constant [2.0]\n%y: f32[2, 3] = sub(%c, %x)",
        ["sub"],
    ),
    "two factors are one": (
        """%c: f32[] = constant [2.0]
           %d: f32[3] = constant [1.0, 3.0, 4.0]
           %a: f32[2, 3] = mul(%c, %x)
           %y: f32[2, 3] = mul(%d, %a)""",
        ["mul"],
    ),
    "x * x is a square": ("%y: f32[2, 3] = mul(%x, %x)", ["square"]),
    "x ** 2 is a square": (
        "%c: f32[] = constant [2.0]\n%y: f32[2, 3] = pow(%x, %c)",
        ["square"],
    ),
    "x ** 3 stays a power": (
        "%c: f32[] = constant [3.0]\n%y: f32[2, 3] = pow(%x, %c)",
        ["pow"],
    ),
    "one over x is the reciprocal": (
        "%c: f32[] = constant [1.0]\n%y: f32[2, 3] = div(%c, %x)",
        ["reciprocal"],
    ),
    "adding zeros that enlarge the shape stays": (
        "%c: f32[4, 2, 3] = constant splat 0.0\n%y: f32[4, 2, 3] = add(%x, %c)",
        ["add"],
    ),
    "negation is a product": ('%y: f32[2, 3] = unary(%x) {function = "neg"}', ["mul"]),
}


@pytest.mark.parametrize("case", CASES)
def test_normal_form(case, transform, ops):
    """Arithmetic with constants has one spelling."""
    body, expected = CASES[case]
    graph = transform(f'graph "g" (%x: f32[2, 3]) -> (%y) {{ {body} }}', SimplifyArithmetic())
    assert ops(graph) == expected


def test_factors_around_a_shared_value_stay_apart(transform, ops):
    """What is read elsewhere is not computed a second time with another factor."""
    text = """graph "g" (%x: f32[2, 3]) -> (%a, %y) {
      %c: f32[] = constant [2.0]
      %d: f32[] = constant [3.0]
      %a: f32[2, 3] = mul(%x, %c)
      %y: f32[2, 3] = mul(%a, %d)
    }"""
    assert ops(transform(text, SimplifyArithmetic())) == ["mul", "mul"]


def test_integers_stay_integers(transform, ops):
    """There are no functions on integers: their products stay."""
    text = """graph "g" (%x: f32[3]) -> (%y) {
      %i: i64[3] = constant [1, 2, 3]
      %y: i64[3] = mul(%i, %i)
    }"""
    assert ops(transform(text, SimplifyArithmetic())) == ["mul"]
