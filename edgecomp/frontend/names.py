"""Names of nodes that a reader of the report knows."""

from __future__ import annotations

from collections import Counter

import onnx

_SCOPES = "pkg.torch.onnx.name_scopes"
"""Where PyTorch's dynamo exporter notes the modules around an operation, outermost first."""


def name_after_modules(model: onnx.ModelProto) -> None:
    """Name nodes ``/block/0/attention/MatMul`` after their module, where the exporter noted it."""
    pairs = [(node, _scope(node)) for node in model.graph.node]
    taken = {node.name for node, scope in pairs if not scope}
    serials: Counter[str] = Counter()
    for node, scope in pairs:
        name = scope
        while name in taken:
            serials[scope] += 1
            name = f"{scope}_{serials[scope]}"
        if scope:
            node.name = name
            taken.add(name)


def _scope(node: onnx.NodeProto) -> str:
    """The module path in the exporter's notes; empty where there is none."""
    notes = {entry.key: entry.value for entry in node.metadata_props}
    parts = [part.strip(" '\"") for part in notes.get(_SCOPES, "").strip("[]").split(",")]
    modules = [part for part in parts[:-1] if part]
    path = modules[-1].replace(".", "/") if modules else ""
    return f"/{path}/{node.op_type}" if path else ""
