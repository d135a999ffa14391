"""The two operators that passes create: linear and attention."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from edgecomp.ir import OperandError, create, interpret, lookup, parse

ATTENTION = """graph "g" (%q: f32[2, 5, 12], %k: f32[2, 7, 12], %v: f32[2, 7, 6], %m: f32[3, 1, 7])
  -> (%y) {
  %y: f32[2, 5, 6] = attention(%q, %k, %v, %m) {heads = 3, scale = 0.4}
}"""


def test_attention_agrees_with_torch():
    """Several heads, unequal token counts, values narrower than keys, a bias per head."""
    generator = np.random.default_rng(0)
    graph = parse(ATTENTION)
    data = {v.name: generator.standard_normal(v.shape).astype(np.float32) for v in graph.inputs}
    [actual] = interpret(graph, data)
    q, k, v, m = (torch.from_numpy(data[name]) for name in "qkvm")
    heads = [x.unflatten(2, (3, -1)).transpose(1, 2) for x in (q, k, v)]
    expected = functional.scaled_dot_product_attention(*heads, attn_mask=m, scale=0.4)
    assert np.allclose(actual, expected.transpose(1, 2).flatten(2).numpy(), atol=1e-6)


def test_multiply_accumulates_are_counted_once():
    """Both products of attention, and rows times weights of linear."""
    node = parse(ATTENTION).nodes[0]
    assert lookup("attention").macs(node) == 2 * 5 * 7 * (12 + 6)
    graph = parse("""graph "g" (%x: f32[2, 5, 4]) -> (%y) {
      %w: f32[3, 4] = constant normal 1
      %b: f32[3] = constant normal 2
      %y: f32[2, 5, 3] = linear(%x, %w, %b)
    }""")
    assert lookup("linear").macs(graph.nodes[0]) == 10 * 3 * 4


@pytest.mark.parametrize(
    "wrong",
    [
        ("heads = 3", "heads = 5"),
        ("%k: f32[2, 7, 12]", "%k: f32[2, 7, 9]"),
        ("%v: f32[2, 7, 6]", "%v: f32[2, 6, 6]"),
        ("%m: f32[3, 1, 7]", "%m: f32[2, 1, 7]"),
        ("%m: f32[3, 1, 7]", "%m: f32[4, 2, 3, 5, 7]"),
    ],
)
def test_operands_that_do_not_fit(wrong):
    """Each is refused with a reason."""
    graph = parse(ATTENTION.replace(*wrong))
    node = graph.nodes[0]
    with pytest.raises(OperandError, match="attention"):
        create(graph, "attention", node.inputs, node.attributes)
