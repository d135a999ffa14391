import numpy as np

from edgecomp.ir import parse
from edgecomp.passes.eliminate_common_subexpressions import EliminateCommonSubexpressions
from edgecomp.passes.fold_constants import FoldConstants
from edgecomp.passes.remove_dead_code import RemoveDeadCode


def test_constant_arithmetic_is_done_now(transform, ops):
    """A product of constants is a constant; what depends on an input is not."""
    text = """graph "g" (%x: f32[3]) -> (%y) {
      %a: f32[3] = constant [1.0, 2.0, 3.0]
      %b: f32[] = constant [2.0]
      %c: f32[3] = mul(%a, %b)
      %y: f32[3] = add(%x, %c)
    }"""
    graph = transform(text, FoldConstants())
    assert ops(graph) == ["add"]
    assert np.array_equal(graph.nodes[0].inputs[1].array, [2.0, 4.0, 6.0])


def test_constant_network_output(transform, ops):
    """An output that depends on nothing becomes a constant."""
    text = """graph "g" (%x: f32[3]) -> (%y) {
      %a: f32[3] = constant [1.0, 4.0, 9.0]
      %y: f32[3] = unary(%a) {function = "sqrt"}
    }"""
    assert ops(transform(text, FoldConstants())) == []


def test_infinite_results_are_not_folded():
    """A constant that would be infinite stays a computation: constants are finite."""
    graph = parse("""graph "g" () -> (%y) {
      %a: f32[1] = constant [0.0]
      %y: f32[1] = unary(%a) {function = "reciprocal"}
    }""")
    assert not FoldConstants().run(graph)


def test_duplicates_are_computed_once(transform, ops):
    """Equal constants, then equal nodes on them, then what reads those."""
    text = """graph "g" (%x: f32[3]) -> (%y) {
      %a: f32[] = constant [2.0]
      %b: f32[] = constant [2.0]
      %c: f32[3] = mul(%x, %a)
      %d: f32[3] = mul(%b, %x)
      %e: f32[3] = unary(%c) {function = "exp"}
      %f: f32[3] = unary(%d) {function = "exp"}
      %y: f32[3] = add(%e, %f)
    }"""
    assert ops(transform(text, EliminateCommonSubexpressions())) == ["mul", "exp", "add"]


def test_order_of_operands_matters(transform, ops):
    """x - z and z - x are two values; attributes distinguish too."""
    text = """graph "g" (%x: f32[3], %z: f32[3]) -> (%y) {
      %a: f32[3] = sub(%x, %z)
      %b: f32[3] = sub(%z, %x)
      %c: f32[3] = unary(%a) {function = "exp"}
      %d: f32[3] = unary(%a) {function = "relu"}
      %e: f32[3] = mul(%c, %d)
      %y: f32[3] = mul(%e, %b)
    }"""
    assert len(ops(transform(text, EliminateCommonSubexpressions()))) == 6


def test_dead_nodes_go(transform, ops):
    """What no output needs is deleted."""
    text = """graph "g" (%x: f32[3]) -> (%y) {
      %a: f32[3] = unary(%x) {function = "exp"}
      %y: f32[3] = unary(%x) {function = "relu"}
    }"""
    assert ops(transform(text, RemoveDeadCode())) == ["relu"]
