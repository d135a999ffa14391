import pytest

from edgecomp.passes.recognize_resampling import RecognizeResampling
from edgecomp.passes.simplify_movement import SimplifyMovement

BODY = """%i: i64[4] = constant [0, 0, 1, 2]
  %j: i64[4] = constant [1, 1, 2, 2]
  %k: f32[4] = constant [0.0, 0.5, 0.25, 0.75]
  %a: f32[2, 4] = gather(%x, %i) {axis = 1}
  %b: f32[2, 4] = gather(%x, %j) {axis = 1}
  %d: f32[2, 4] = sub(%b, %a)
  %w: f32[2, 4] = mul(%d, %k)
  %y: f32[2, 4] = add(%a, %w)
"""
OTHER_AXIS = (
    BODY.replace("f32[2, 4]", "f32[4, 2]")
    .replace("axis = 1", "axis = 0")
    .replace("[4] = constant [0.0", "[4, 1] = constant [0.0")
)
CASES = {
    "along the last axis": ("f32[2, 3]", BODY, ["linear"]),
    "along the first axis": ("f32[3, 2]", OTHER_AXIS, ["transpose", "linear", "transpose"]),
    "weights that differ between rows stay": (
        "f32[2, 3]",
        BODY.replace("f32[4] = constant [0.0, 0.5, 0.25, 0.75]", "f32[2, 4] = constant normal 1"),
        ["gather", "gather", "sub", "mul", "add"],
    ),
    "an offset stays": (
        "f32[2, 3]",
        BODY.replace("mul(%d, %k)", "add(%d, %k)"),
        ["gather", "gather", "sub", "add", "add"],
    ),
    "a difference of neighbours of unchanged length stays": (
        "f32[2, 3]",
        """%i: i64[3] = constant [1, 2, 0]
           %a: f32[2, 3] = gather(%x, %i) {axis = 1}
           %y: f32[2, 3] = sub(%a, %x)""",
        ["gather", "sub"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_interpolation(case, transform, ops):
    """Linear interpolation by gathers is a product with a constant matrix."""
    type_of_x, body, expected = CASES[case]
    text = f'graph "g" (%x: {type_of_x}) -> (%y) {{ {body} }}'
    assert ops(transform(text, RecognizeResampling(), SimplifyMovement())) == expected
