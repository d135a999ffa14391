import pytest

from edgecomp.passes.fold_borders import FoldBorders

WEIGHTS = """%w: f32[6, 3, 3] = constant normal 1
             %b: f32[6] = constant normal 2
"""


def conv(x: str, y: str, pads: str, stride: int = 1) -> str:
    return (
        f"{y} = conv({x}, %w, %b) "
        f"{{strides = [{stride}], dilations = [2], pads = [{pads}], groups = 1}}\n"
    )


def pad(pads: str, value: float = 0.0) -> str:
    return f"%p: f32[1, 3, 14] = pad(%x) {{pads = [{pads}], value = {value}}}\n"


def cut(shape: str, starts: str, stops: str) -> str:
    attributes = f"starts = [{starts}], stops = [{stops}], steps = [1, 1, 1]"
    return f"%y: f32[{shape}] = slice(%c) {{{attributes}}}"


FOLDED = {
    "a causal border": pad("0, 0, 4, 0, 0, 0") + conv("%p", "%y: f32[1, 6, 10]", "0, 0"),
    "a border beside padding": pad("0, 0, 1, 0, 0, 3") + conv("%p", "%y: f32[1, 6, 12]", "1, 1"),
    "what a causal convolution cuts off": conv("%x", "%c: f32[1, 6, 14]", "4, 4")
    + cut("1, 6, 10", "0, 0, 0", "1, 6, 10"),
    "both ends of a strided convolution": conv("%x", "%c: f32[1, 6, 7]", "4, 4", 2)
    + cut("1, 6, 4", "0, 0, 1", "1, 6, 5"),
}
KEPT = {
    "a border of ones": pad("0, 0, 4, 0, 0, 0", 1.0) + conv("%p", "%y: f32[1, 6, 10]", "0, 0"),
    "channels cut off": conv("%x", "%c: f32[1, 6, 14]", "4, 4")
    + cut("1, 5, 14", "0, 1, 0", "1, 6, 14"),
    "more cut off than was padded": conv("%x", "%c: f32[1, 6, 6]", "0, 0")
    + cut("1, 6, 5", "0, 0, 1", "1, 6, 6"),
}


@pytest.mark.parametrize("case", FOLDED)
def test_borders_become_padding(case, transform, ops):
    """One convolution is left."""
    text = f'graph "g" (%x: f32[1, 3, 10]) -> (%y) {{ {WEIGHTS}{FOLDED[case]} }}'
    assert ops(transform(text, FoldBorders())) == ["conv"]


@pytest.mark.parametrize("case", KEPT)
def test_other_borders_stay(case, transform, ops):
    """What no padding can do."""
    text = f'graph "g" (%x: f32[1, 3, 10]) -> (%y) {{ {WEIGHTS}{KEPT[case]} }}'
    assert len(ops(transform(text, FoldBorders()))) == 2
