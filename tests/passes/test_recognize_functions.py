import pytest

from edgecomp.passes.recognize_functions import RecognizeFunctions

ERF = """%r: f32[] = constant [{root}]
         %one: f32[] = constant [1.0]
         %half: f32[] = constant [0.5]
         %s: f32[2, 9] = {scale}(%x, %r)
         %e: f32[2, 9] = unary(%s) {{function = "erf"}}
         %p: f32[2, 9] = add(%e, %one)
"""
DIVIDED = ERF.format(root=1.4142135381698608, scale="div")
MULTIPLIED = ERF.format(root=0.7071067690849304, scale="mul")
TANH = """%k: f32[] = constant [0.044715]
          %r: f32[] = constant [0.7978845608]
          %three: f32[] = constant [3.0]
          %one: f32[] = constant [1.0]
          %half: f32[] = constant [0.5]
          %c: f32[2, 9] = pow(%x, %three)
          %kc: f32[2, 9] = mul(%k, %c)
          %i: f32[2, 9] = add(%x, %kc)
          %ri: f32[2, 9] = mul(%i, %r)
          %t: f32[2, 9] = unary(%ri) {function = "tanh"}
          %p: f32[2, 9] = add(%one, %t)
"""
CASES = {
    "softplus, x itself above 20": (
        """%one: f32[] = constant [1.0]
           %far: f32[] = constant [20.0]
           %d: f32[2, 9] = sub(%x, %far)
           %c: f32[2, 9] = unary(%d) {function = "step"}
           %s: f32[2, 9] = unary(%x) {function = "softplus"}
           %n: f32[2, 9] = sub(%one, %c)
           %a: f32[2, 9] = mul(%x, %c)
           %b: f32[2, 9] = mul(%s, %n)
           %y: f32[2, 9] = add(%a, %b)""",
        ["softplus"],
    ),
    "x * (1 + erf(x / sqrt 2)) * 0.5": (
        DIVIDED + "%a: f32[2, 9] = mul(%x, %p)\n%y: f32[2, 9] = mul(%a, %half)",
        ["gelu"],
    ),
    "(x * 0.5) * (1 + erf(x / sqrt 2))": (
        DIVIDED + "%a: f32[2, 9] = mul(%x, %half)\n%y: f32[2, 9] = mul(%a, %p)",
        ["gelu"],
    ),
    "0.5 * (1 + erf(x * sqrt 0.5)) * x": (
        MULTIPLIED + "%a: f32[2, 9] = mul(%half, %p)\n%y: f32[2, 9] = mul(%a, %x)",
        ["gelu"],
    ),
    "half of x * tanh form": (
        TANH + "%a: f32[2, 9] = mul(%x, %p)\n%y: f32[2, 9] = mul(%a, %half)",
        ["gelu_tanh"],
    ),
    "x times half of the tanh form": (
        TANH + "%a: f32[2, 9] = mul(%half, %p)\n%y: f32[2, 9] = mul(%a, %x)",
        ["gelu_tanh"],
    ),
    "x * sigmoid(x)": (
        """%s: f32[2, 9] = unary(%x) {function = "sigmoid"}
           %y: f32[2, 9] = mul(%s, %x)""",
        ["silu"],
    ),
    "x / (1 + exp(-x))": (
        """%one: f32[] = constant [1.0]
           %n: f32[2, 9] = unary(%x) {function = "neg"}
           %e: f32[2, 9] = unary(%n) {function = "exp"}
           %d: f32[2, 9] = add(%e, %one)
           %y: f32[2, 9] = div(%x, %d)""",
        ["silu"],
    ),
}
OTHERS = {
    "the quick approximation x * sigmoid(1.702 x) is not GELU": (
        """%k: f32[] = constant [1.702]
           %a: f32[2, 9] = mul(%x, %k)
           %s: f32[2, 9] = unary(%a) {function = "sigmoid"}
           %y: f32[2, 9] = mul(%x, %s)""",
        ["mul", "sigmoid", "mul"],
    ),
    "a constant that differs per element is no function": (
        """%k: f32[9] = constant [1, 1, 1, 1, 1, 1, 1, 1, 2]
           %a: f32[2, 9] = mul(%x, %k)
           %s: f32[2, 9] = unary(%a) {function = "sigmoid"}
           %y: f32[2, 9] = mul(%a, %s)""",
        ["mul", "silu"],
    ),
    "erf without the half": (
        DIVIDED + "%y: f32[2, 9] = mul(%x, %p)",
        ["div", "erf", "add", "mul"],
    ),
}


@pytest.mark.parametrize("case", [*CASES, *OTHERS])
def test_function(case, transform, ops):
    """A function is found by its values, and nothing that merely looks like it."""
    body, expected = (CASES | OTHERS)[case]
    graph = transform(f'graph "g" (%x: f32[2, 9]) -> (%y) {{ {body} }}', RecognizeFunctions())
    assert ops(graph) == expected


def test_function_of_two_variables(transform, ops):
    """x * sigmoid(z) is a gate, not SiLU."""
    text = """graph "g" (%x: f32[4], %z: f32[4]) -> (%y) {
      %s: f32[4] = unary(%z) {function = "sigmoid"}
      %y: f32[4] = mul(%x, %s)
    }"""
    assert ops(transform(text, RecognizeFunctions())) == ["sigmoid", "mul"]
