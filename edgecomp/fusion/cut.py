"""What the passes share that cut layers to fit the memory."""

from __future__ import annotations

from edgecomp.fusion.stored import constant_bytes
from edgecomp.ir import Node, Pass


class Cut(Pass):
    """Cut what does not fit ``capacity`` bytes beside all that lives at the same time.

    ``accelerated``: weights may be stored as an accelerator reads them.
    """

    def __init__(self, capacity: int, accelerated: bool = False) -> None:
        self.capacity = capacity
        self.accelerated = accelerated

    def constants(self, node: Node) -> int:
        """Bytes of the constants that ``node`` reads, at most."""
        return constant_bytes(node, self.accelerated)
