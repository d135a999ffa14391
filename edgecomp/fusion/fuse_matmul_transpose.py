"""``q_matmul`` on a transposed second operand -> ``q_matmul`` on the operand as it lies."""

from __future__ import annotations

from edgecomp.ir import Graph, Node, RewritePass
from edgecomp.ir.stated import flag


class FuseMatmulTranspose(RewritePass):
    """Read rows instead of columns, or columns instead of rows, instead of moving every element."""

    name = "fuse_matmul_transpose"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Skip the exchange of the last two axes before the product ``node``."""
        mover = node.inputs[1].producer if node.op == "q_matmul" else None
        if mover is None or mover.op != "transpose":
            return False
        *outer, rows, columns = mover.integers("permutation")
        rank = len(outer) + 2
        if outer != list(range(rank - 2)) or (rows, columns) != (rank - 1, rank - 2):
            return False
        node.attributes["transpose_b"] = not flag(node, "transpose_b")
        node.set_input(1, mover.inputs[0])
        return True
