"""From ONNX to float IR.

Constants propagate eagerly: a node whose operands are all known is evaluated, and a shape is
always known, so that the shape arithmetic of exporters leaves no trace. What remains is
expressed in the canonical operators of the IR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import Call, Operand, Unsupported, clean, identifier
from edgecomp.frontend.folding import fold, foldable
from edgecomp.frontend.functions import inline_functions
from edgecomp.frontend.inputs import input_shapes
from edgecomp.frontend.limits import MAX_NODES
from edgecomp.frontend.loading import load_model, opset_of, to_array
from edgecomp.frontend.names import name_after_modules
from edgecomp.frontend.registry import converter_of
from edgecomp.frontend.structure import execution_order, title
from edgecomp.ir import DType, Graph, TensorType, TooShort, Value, verify

_QUANTIZED = ("QLinear", "DequantizeLinear", "QuantizeLinear", "DynamicQuantize", "QAttention")
_QUANTIZED_SUFFIXES = ("Integer", "IntegerToFloat")
_OTHERWISE = {
    "ConvTranspose": "use an upsampling (nearest or linear) and a convolution",
    **dict.fromkeys(("LSTM", "GRU", "RNN"), "use convolutions over time, or attention"),
}
"""What does the work of operators that networks often have and edgecomp does not."""

_LISTED = 40


def import_onnx(source: str | Path | bytes, dims: Mapping[str, int] | None = None) -> Graph:
    """The float IR of an ONNX model, given as a path or as the bytes of a file.

    ``dims`` fixes open axes by name. Raises EdgecompError for every model that is damaged,
    inconsistent, of an unsupported opset, or not expressible.
    """
    model = load_model(source)
    opset = opset_of(model)
    name_after_modules(model)
    try:
        graph = _Importer(inline_functions(model, opset), opset, dims or {}).run()
        verify(graph)
    except (MemoryError, RecursionError) as error:
        raise EdgecompError("the model is too large or too deeply nested to be read") from error
    return graph


@dataclass(frozen=True)
class _Problem:
    """One node that is not supported."""

    node: onnx.NodeProto
    reason: str
    advice: str


class _Importer:
    """Walks over the nodes with what is known of every name."""

    def __init__(self, model: onnx.ModelProto, opset: int, dims: Mapping[str, int]) -> None:
        self.source = model.graph
        self.opset = opset
        self.dims = dims
        self.versions = {entry.domain: entry.version for entry in model.opset_import}
        self.graph = Graph(clean(model.graph.name) or "network")
        self.known: dict[str, Operand] = {}
        self.unavailable: set[str] = set()
        self.names: dict[int, str] = {}
        self.constants: dict[int, tuple[np.ndarray, Value]] = {}
        self.problems: list[_Problem] = []
        self.checker = onnx.checker.C.CheckerContext()
        self.checker.ir_version = onnx.IR_VERSION
        self.checker.opset_imports = {"": opset}

    def run(self) -> Graph:
        """The whole graph."""
        shapes = input_shapes(self.source, self.dims)
        for name, shape in shapes.items():
            self._define(name, self.graph.add_input(identifier(name), TensorType(shape, DType.F32)))
        self._initializers(self.source)
        self._nodes(self.source)
        if self.problems:
            raise self._unsupported()
        self.graph.outputs = [self._output(value) for value in self.source.output]
        if not self.graph.outputs:
            raise EdgecompError("the model has no output", "export it again")
        self.graph.remove_dead()
        return self.graph

    # -- names --------------------------------------------------------------------------------

    def _define(self, name: str, operand: Operand) -> None:
        if name in self.known:
            raise EdgecompError(
                f"{clean(name)!r} is defined twice",
                "every name of an ONNX graph is defined once: export the model again",
            )
        self.known[name] = operand
        if isinstance(operand, np.ndarray):
            self.names.setdefault(id(operand), name)

    def _initializers(self, graph: onnx.GraphProto) -> None:
        if graph.sparse_initializer:
            raise EdgecompError("the model has sparse weights", "store them densely")
        for tensor in graph.initializer:
            self._define(tensor.name, to_array(tensor))

    def _output(self, declared: onnx.ValueInfoProto) -> Value:
        if declared.name not in self.known:
            raise EdgecompError(f"nothing computes the model's output {clean(declared.name)!r}")
        found = self.known[declared.name]
        if isinstance(found, np.ndarray) and found.size == 0:
            raise EdgecompError(
                f"the model's output {clean(declared.name)!r} is empty, of shape {found.shape}",
                self._longer(),
            )
        if isinstance(found, np.ndarray):
            raise EdgecompError(
                f"the model's output {clean(declared.name)!r} does not depend on its input",
                "export the network that computes something from the signal",
            )
        dims = declared.type.tensor_type.shape.dim
        fits = len(dims) == len(found.shape) and all(
            not dim.HasField("dim_value") or dim.dim_value == size
            for dim, size in zip(dims, found.shape, strict=True)
        )
        if declared.type.tensor_type.HasField("shape") and not fits:
            raise EdgecompError(
                f"the model declares another shape for its output {clean(declared.name)!r} than "
                f"its nodes give, which is {list(found.shape)}",
                "the model is inconsistent: export it again",
            )
        return found

    # -- nodes --------------------------------------------------------------------------------

    def _nodes(self, graph: onnx.GraphProto) -> None:
        if len(graph.node) > MAX_NODES:
            raise EdgecompError(f"the model has more than {MAX_NODES} nodes")
        for node in execution_order(graph, self.known.keys() | self.unavailable):
            try:
                results = self._results(node)
            except Unsupported as refusal:
                self.problems.append(_Problem(node, refusal.reason, refusal.advice))
                results = None
            except EdgecompError as error:
                raise EdgecompError(f"{title(node)}: {error.message}", error.hint) from error
            except TooShort as error:
                raise EdgecompError(f"{title(node)}: {error}", self._longer()) from error
            except Exception as error:
                raise EdgecompError(
                    f"{title(node)} is not valid: {_summary(error)}",
                    "the model is inconsistent: check it with onnx.checker and export it again",
                ) from error
            self._bind(node, results)

    def _longer(self) -> str:
        if not self.dims:
            return "the model's input is too short for its layers: export it for a longer one"
        given = " ".join(f"--dim {clean(axis)}={size}" for axis, size in self.dims.items())
        return f"what was given is too short for the model, {given}: give a larger size"

    def _results(self, node: onnx.NodeProto) -> Sequence[Operand] | None:
        """The results of a node; None where an operand is not available."""
        converter = converter_of(node.domain, node.op_type)
        standard = node.domain in ("", "ai.onnx")
        operands = [self.known.get(name) if name else None for name in node.input]
        waiting = any(name in self.unavailable for name in node.input)
        constant = not waiting and not any(isinstance(o, Value) for o in operands)
        if standard and node.op_type == "If":
            return None if waiting else self._branch(node, operands)
        if standard:
            self._validate(node)
        if constant and foldable(node):
            return fold(node, [o for o in operands if not isinstance(o, Value)], self.opset)
        if waiting and (converter is not None or node.op_type in ("Shape", "Size")):
            return None
        if standard and node.op_type in ("Shape", "Size"):
            return [self._shape(node, operands)]
        if converter is None:
            raise Unsupported(*_advice(node))
        call = Call(self.graph, node, operands, self.opset, self._name_of, self.constants)
        results = converter(call)
        return [results] if isinstance(results, (np.ndarray, Value)) else results

    def _validate(self, node: onnx.NodeProto) -> None:
        """Hold ``node`` against the definition of its operator.

        A deprecated operator has none that the checker accepts, but its converter may.
        """
        known = onnx.defs.has(node.op_type, self.opset, "")
        if known and not onnx.defs.get_schema(node.op_type, self.opset, "").deprecated:
            onnx.checker.check_node(node, self.checker)

    def _shape(self, node: onnx.NodeProto, operands: Sequence[Operand | None]) -> np.ndarray:
        shape = operands[0].shape if operands[0] is not None else ()
        if node.op_type == "Size":
            return np.array(np.prod(shape, dtype=np.int64))
        bounds = {a.name: a.i for a in node.attribute}
        return np.array(shape[bounds.get("start", 0) : bounds.get("end")], np.int64)

    def _branch(
        self, node: onnx.NodeProto, operands: Sequence[Operand | None]
    ) -> Sequence[Operand] | None:
        """The taken branch of an If whose condition is known, imported in place."""
        condition = operands[0] if operands else None
        if not isinstance(condition, np.ndarray) or condition.size != 1:
            raise Unsupported(
                "its condition depends on the network's input",
                "a compiled network takes one path: remove the condition",
            )
        wanted = "then_branch" if condition.reshape(-1)[0] else "else_branch"
        [branch] = [a.g for a in node.attribute if a.name == wanted]
        self._initializers(branch)
        self._nodes(branch)
        names = [value.name for value in branch.output]
        if any(name in self.unavailable for name in names):
            return None
        return [self.known[name] for name in names]

    def _bind(self, node: onnx.NodeProto, results: Sequence[Operand] | None) -> None:
        if results is None:
            self.unavailable.update(filter(None, node.output))
            return
        for name, result in zip(node.output, results, strict=False):
            if name:
                self._define(name, result)
                self._rename(name, result, node)
        missing = [name for name in node.output[len(results) :] if name]
        if missing:
            raise EdgecompError(f"{title(node)} has no result for {clean(missing[0])!r}")

    def _rename(self, name: str, result: Operand, node: onnx.NodeProto) -> None:
        """Give the value that carries a node's result the name that the model uses."""
        if isinstance(result, Value) and result.name.startswith(f"{identifier(node.output[0])}."):
            result.name = self.graph.fresh_name(identifier(name))

    def _name_of(self, array: np.ndarray) -> str:
        return self.names.get(id(array), "")

    def _unsupported(self) -> EdgecompError:
        lines = [self._describe(problem) for problem in self.problems[:_LISTED]]
        if len(self.problems) > _LISTED:
            lines.append(f"  ... and {len(self.problems) - _LISTED} more")
        advice = dict.fromkeys(p.advice for p in self.problems if p.advice)
        count = len(self.problems)
        head = f"{count} node{'s' if count > 1 else ''} of the model cannot be compiled:"
        return EdgecompError("\n".join([head, *lines]), "\n".join(advice))

    def _describe(self, problem: _Problem) -> str:
        domain = clean(problem.node.domain) or "ai.onnx"
        version = self.versions.get(problem.node.domain, self.opset)
        return f"  {title(problem.node)} [{domain} opset {version}]: {problem.reason}"


def _advice(node: onnx.NodeProto) -> tuple[str, str]:
    """Why an operator is not supported, and the way out."""
    name = node.op_type
    if name.startswith(_QUANTIZED) or name.endswith(_QUANTIZED_SUFFIXES):
        return (
            "the model is quantized already",
            "give edgecomp the float model: it quantizes with its own calibration",
        )
    if node.domain not in ("", "ai.onnx"):
        return (
            "the operator is not part of ONNX",
            "export with standard operators only, without optimisation for one runtime",
        )
    if name in _OTHERWISE:
        return f"edgecomp does not support {name}", f"instead of {name}, {_OTHERWISE[name]}"
    return (
        f"edgecomp has no converter for {clean(name)}",
        "replace the operator by supported ones (edgecomp ops lists them), or add a converter",
    )


def _summary(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return clean_text(lines[0]) if lines else type(error).__name__


def clean_text(text: str) -> str:
    """One printable line of bounded length."""
    return "".join(c if c.isprintable() else "?" for c in text)[:300]
