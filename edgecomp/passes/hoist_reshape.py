"""Move reshapes up through row-wise layers, so that they meet the reshapes above."""

from __future__ import annotations

from edgecomp.ir import Attribute, Graph, Node, RewritePass, Value, create
from edgecomp.passes.patterns import used_once


class HoistReshape(RewritePass):
    """``reshape(f(..(reshape(x))))`` -> ``f(..(reshape(x)))`` where all ``f`` treat rows alike.

    Every rewrite removes a reshape.
    """

    name = "hoist_reshape"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Hoist the reshape ``node``."""
        if node.op != "reshape":
            return False
        chain = _chain(graph, node)
        if chain is None:
            return False
        value = chain[-1].inputs[0]
        for member in reversed(chain):
            value = _apply(graph, node, member, value)
        graph.replace(node.output, value)
        return True


def _chain(graph: Graph, node: Node) -> list[Node] | None:
    """Row-wise nodes from just above ``node`` up to a reshape or a constant, lowest first."""
    chain: list[Node] = []
    value = node.inputs[0]
    while used_once(graph, value) and (above := value.producer) is not None:
        if above.op == "reshape":
            return chain or None
        if not _row_wise(above) or not _keeps_rows(node, above):
            return None
        chain.append(above)
        value = above.inputs[0]
    return None


def _row_wise(node: Node) -> bool:
    rank = node.output.type.rank
    if node.op == "slice":
        return node.inputs[0].shape[:-1] == node.output.shape[:-1]
    if node.op in ("layer_norm", "softmax"):
        return node.integer("axis") == rank - 1
    return node.op in ("linear", "unary")


def _keeps_rows(node: Node, above: Node) -> bool:
    """Whether the reshape leaves the last axis of ``above`` alone."""
    rows, last = node.output.shape, above.output.shape
    return bool(rows and last) and rows[-1] == node.inputs[0].shape[-1]


def _apply(graph: Graph, node: Node, member: Node, value: Value) -> Value:
    rows = node.output.shape[:-1]
    wanted = (*rows, value.shape[-1])
    if value.shape != wanted:
        value = create(graph, "reshape", [value], {"shape": wanted}, before=node).output
    attributes: dict[str, Attribute] = dict(member.attributes)
    if member.op in ("layer_norm", "softmax"):
        attributes["axis"] = len(rows)
    if member.op == "slice":
        attributes = {
            "starts": (*[0] * len(rows), member.integers("starts")[-1]),
            "stops": (*rows, member.integers("stops")[-1]),
            "steps": (*[1] * len(rows), member.integers("steps")[-1]),
        }
    operands = [value, *member.inputs[1:]]
    return create(graph, member.op, operands, attributes, name=member.name, before=node).output
