"""``q_attention`` on slices of packed columns -> ``q_attention`` on the packed tensor."""

from __future__ import annotations

from edgecomp.ir import Graph, Node, RewritePass, Value


class FuseQkvSlices(RewritePass):
    """Read q, k and v where they lie: offsets instead of copies."""

    name = "fuse_qkv_slices"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Drop the slices before the attention ``node``."""
        if node.op != "q_attention":
            return False
        changed = False
        for index, letter in enumerate("qkv"):
            found = _columns(node.inputs[index])
            if found is not None:
                packed, start = found
                key = f"{letter}_offset"
                present = node.integer(key) if key in node.attributes else 0
                node.attributes[key] = present + start
                node.set_input(index, packed)
                changed = True
        return changed


def _columns(value: Value) -> tuple[Value, int] | None:
    """The tensor of which ``value`` is a range of columns, and where the range starts."""
    node = value.producer
    if node is None or node.op != "slice":
        return None
    packed = node.inputs[0]
    whole = all(
        (start, stop) == (0, size)
        for start, stop, size in zip(
            node.integers("starts")[:-1],
            node.integers("stops")[:-1],
            packed.shape[:-1],
            strict=True,
        )
    )
    if not whole or set(node.integers("steps")) != {1}:
        return None
    return packed, node.integers("starts")[-1]
