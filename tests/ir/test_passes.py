"""The pass contract: sweeps until nothing changes, verified before and after."""

from __future__ import annotations

import pytest

from edgecomp.ir import Graph, Node, Pass, RewritePass, VerificationError, create, parse, run_passes
from edgecomp.ir.types import DType, TensorType

TEXT = """
graph "g" (%x: f32[2]) -> (%d) {
  %a: f32[2] = unary(%x) {function = "relu"}
  %b: f32[2] = unary(%a) {function = "relu"}
  %c: f32[2] = unary(%b) {function = "relu"}
  %d: f32[2] = unary(%c) {function = "relu"}
}
"""


class MergeTwins(RewritePass):
    name = "merge_twins"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        before = node.inputs[0].producer
        if before is None or before.op != node.op:
            return False
        graph.replace(node.output, before.output)
        return True


class Restless(RewritePass):
    name = "restless"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        copy = create(graph, node.op, node.inputs, node.attributes, before=node)
        graph.replace(node.output, copy.output)
        return True


class Damage(Pass):
    name = "damage"

    def run(self, graph: Graph) -> bool:
        graph.nodes[0].output.type = TensorType((9,), DType.F32)
        return True


def test_a_rewrite_is_repeated_until_nothing_changes() -> None:
    graph = parse(TEXT)
    [result] = run_passes(graph, [MergeTwins()])
    assert result.modified and (result.nodes_before, result.nodes_after) == (4, 1)


def test_a_pass_that_finds_nothing_says_so() -> None:
    graph = parse(TEXT)
    seen = []
    results = run_passes(graph, [MergeTwins(), MergeTwins()], lambda p, _: seen.append(p.name))
    assert [r.modified for r in results] == [True, False]
    assert seen == ["merge_twins"]


def test_a_pass_that_never_settles_is_stopped_and_named() -> None:
    with pytest.raises(VerificationError, match="restless"):
        run_passes(parse(TEXT), [Restless()])


def test_damage_is_found_behind_the_pass_that_did_it() -> None:
    with pytest.raises(VerificationError, match="invalid IR"):
        run_passes(parse(TEXT), [Damage()])
