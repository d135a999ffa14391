"""How much of the memory a layer's constants take, before it is known which engine runs it."""

from __future__ import annotations

from edgecomp.ir import Node
from edgecomp.tiling import ne16


def constant_bytes(node: Node, accelerated: bool) -> int:
    """Bytes of the constants that ``node`` reads.

    With an accelerator (``accelerated``) weights have the layout that takes most.
    """
    total = sum(value.type.bytes for value in node.inputs if value.is_constant)
    packed = node.op == "q_linear" or (node.op == "q_conv" and ne16.convolves(node))
    if accelerated and packed:
        total += max(0, ne16.weights_bytes(node) - node.inputs[1].type.bytes)
    return total
