import pytest

from edgecomp.passes.expand_group_norm import ExpandGroupNorm


@pytest.mark.parametrize("groups", [1, 3, 6])
@pytest.mark.parametrize("shape", ["2, 6, 5", "1, 6, 4, 5"])
def test_groups_become_rows(groups, shape, transform, ops):
    """From layer to instance normalisation, with one and two spatial axes."""
    text = f"""graph "g" (%x: f32[{shape}]) -> (%y) {{
      %w: f32[6] = constant normal 1
      %b: f32[6] = constant normal 2
      %y: f32[{shape}] = group_norm(%x, %w, %b) {{groups = {groups}, epsilon = 1e-5}} }}"""
    graph = transform(text, ExpandGroupNorm())
    assert ops(graph) == ["reshape", "layer_norm", "reshape", "mul", "add"]
