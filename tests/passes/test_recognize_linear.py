import pytest

from edgecomp.passes.fold_affine import FoldAffine
from edgecomp.passes.recognize_linear import RecognizeLinear

CASES = {
    "tokens times a constant matrix": (
        "%x: f32[2, 5, 4]",
        "%w: f32[4, 3] = constant normal 1\n%y: f32[2, 5, 3] = matmul(%x, %w)",
        ["linear"],
    ),
    "tokens times a constant matrix with a leading one": (
        "%x: f32[2, 5, 4]",
        "%w: f32[1, 4, 3] = constant normal 1\n%y: f32[2, 5, 3] = matmul(%x, %w)",
        ["linear"],
    ),
    "a matrix times a constant of higher rank": (
        "%x: f32[5, 4]",
        "%w: f32[1, 4, 3] = constant normal 1\n%y: f32[1, 5, 3] = matmul(%x, %w)",
        ["linear", "reshape"],
    ),
    "a constant matrix on the left": (
        "%x: f32[2, 4, 5]",
        "%w: f32[3, 4] = constant normal 1\n%y: f32[2, 3, 5] = matmul(%w, %x)",
        ["transpose", "linear", "transpose"],
    ),
    "a stack of different constant matrices stays": (
        "%x: f32[2, 5, 4]",
        "%w: f32[2, 4, 3] = constant normal 1\n%y: f32[2, 5, 3] = matmul(%x, %w)",
        ["matmul"],
    ),
    "the product of two variables stays": (
        "%x: f32[2, 5, 4], %w: f32[4, 3]",
        "%y: f32[2, 5, 3] = matmul(%x, %w)",
        ["matmul"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_product(case, transform, ops):
    """A product with one constant matrix is a linear layer."""
    inputs, body, expected = CASES[case]
    graph = transform(f'graph "g" ({inputs}) -> (%y) {{ {body} }}', RecognizeLinear())
    assert ops(graph) == expected


def test_bias_behind_the_product(transform, ops):
    """The sum behind it becomes the bias, whatever the order of its operands."""
    text = """graph "g" (%x: f32[2, 5, 4]) -> (%y) {
      %w: f32[4, 3] = constant normal 1
      %b: f32[1, 3] = constant normal 2
      %a: f32[2, 5, 3] = matmul(%x, %w)
      %y: f32[2, 5, 3] = add(%b, %a)
    }"""
    assert ops(transform(text, RecognizeLinear(), FoldAffine())) == ["linear"]
