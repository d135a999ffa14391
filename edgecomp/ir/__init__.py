"""The intermediate representation: graphs of typed tensors and operators."""

from edgecomp.ir.graph import Attribute, Graph, Node, Value
from edgecomp.ir.interpret import interpret
from edgecomp.ir.operator import (
    OperandError,
    Operator,
    TooShort,
    create,
    lookup,
    operators,
    register,
)
from edgecomp.ir.passes import Pass, PassResult, RewritePass, run_passes
from edgecomp.ir.text import ParseError, blobs, digest, parse, print_graph, print_node
from edgecomp.ir.types import DType, Quantization, TensorType
from edgecomp.ir.verify import VerificationError, verify

__all__ = [
    "Attribute",
    "DType",
    "Graph",
    "Node",
    "OperandError",
    "Operator",
    "ParseError",
    "Pass",
    "PassResult",
    "Quantization",
    "RewritePass",
    "TensorType",
    "TooShort",
    "Value",
    "VerificationError",
    "blobs",
    "create",
    "digest",
    "interpret",
    "lookup",
    "operators",
    "parse",
    "print_graph",
    "print_node",
    "register",
    "run_passes",
    "verify",
]
