"""Evaluate nodes whose operands are all known at compile time."""

from __future__ import annotations

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, lookup

LARGEST = 1 << 22
"""Elements of the largest constant made here: beyond, computing beats storing."""


class FoldConstants(RewritePass):
    """A node of constants becomes a constant, unless it is too large or not finite."""

    name = "fold_constants"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Fold ``node``."""
        if not node.inputs or not all(value.is_constant for value in node.inputs):
            return False
        if sum(value.type.size for value in node.outputs) > LARGEST:
            return False
        results = lookup(node.op).evaluate(node, [value.array for value in node.inputs])
        if any(r.dtype == np.float32 and not np.isfinite(r).all() for r in results):
            return False
        for value, result in zip(node.outputs, results, strict=True):
            graph.replace(value, graph.constant(result, value.name, value.type.quantization))
        return True
