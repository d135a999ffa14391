"""The textual form of the IR: prints and parses back.

::

    graph "mlp" (%x: f32[4, 8]) -> (%y) {
      %w: f32[8, 8] = constant #5f0c2a9b3d1e
      %b: f32[8] = constant [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
      %y: f32[4, 8] = linear(%x, %w, %b) {activation = "none"} @ "block.0.fc1"
    }

Large constants are printed as a digest and resolved from ``blobs`` when parsed. Tests may write
``constant splat 0.5`` and ``constant normal 7`` (standard normal, seed 7) instead.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import NoReturn

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.ir.graph import Attribute, Graph, Node, Value
from edgecomp.ir.types import DType, Quantization, TensorType

INLINE_LIMIT = 16


class ParseError(EdgecompError):
    """Text that is not IR; the message gives line and column."""


def digest(array: np.ndarray) -> str:
    """The 12 hex digits by which a constant's contents are named."""
    header = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.blake2b(header + array.tobytes(), digest_size=6).hexdigest()


def blobs(graph: Graph) -> dict[str, np.ndarray]:
    """The large constants of ``graph`` by digest: what :func:`parse` needs beside the text."""
    large = (v.array for v in graph.constants() if v.array.size > INLINE_LIMIT)
    return {digest(array): array for array in large}


# -- printing ---------------------------------------------------------------------------------


def print_graph(graph: Graph) -> str:
    """``graph`` as text. Constants stand before the first node that reads them."""
    heads = ", ".join(f"%{v.name}: {v.type}" for v in graph.inputs)
    results = ", ".join(f"%{v.name}" for v in graph.outputs)
    lines = [f"graph {json.dumps(graph.name)} ({heads}) -> ({results}) {{"]
    shown: set[Value] = set()
    for node in graph.nodes:
        lines += _new_constants(node.inputs, shown)
        lines.append("  " + print_node(node))
    lines += _new_constants(graph.outputs, shown)
    return "\n".join([*lines, "}", ""])


def print_node(node: Node) -> str:
    """One node on one line."""
    results = ", ".join(f"%{v.name}: {v.type}" for v in node.outputs)
    operands = ", ".join(f"%{v.name}" for v in node.inputs)
    line = f"{results} = {node.op}({operands})"
    if node.attributes:
        pairs = (f"{k} = {_attribute(v)}" for k, v in sorted(node.attributes.items()))
        line += f" {{{', '.join(pairs)}}}"
    return line + (f" @ {json.dumps(node.name)}" if node.name else "")


def _new_constants(values: tuple[Value, ...] | list[Value], shown: set[Value]) -> list[str]:
    lines = []
    for value in values:
        if value.is_constant and value not in shown:
            shown.add(value)
            lines.append(f"  %{value.name}: {value.type} = constant {_contents(value.array)}")
    return lines


def _contents(array: np.ndarray) -> str:
    if array.size > INLINE_LIMIT:
        return f"#{digest(array)}"
    return "[" + ", ".join(_number(x) for x in array.ravel().tolist()) + "]"


def _number(value: int | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(float(value)) if isinstance(value, float) else str(value)


def _attribute(value: Attribute) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_attribute(item) for item in value) + "]"
    return json.dumps(value) if isinstance(value, str) else _number(value)


# -- parsing ----------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<space>(?:\s|//[^\n]*)+)"
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<value>%[\w.\-]+)"
    r"|(?P<digest>#[0-9a-f]{12})"
    r"|(?P<number>-?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|inf|nan)\b)"
    r"|(?P<arrow>->)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<mark>[(){}\[\],:;=@])"
)


class _Tokens:
    """The text as a stream of (kind, text) with one token of look-ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.items: list[tuple[str, str, int]] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                self.position = position
                self.fail(f"unexpected character {text[position]!r}")
            if match.lastgroup != "space":
                self.items.append((str(match.lastgroup), match.group(), position))
            position = match.end()
        self.items.append(("end", "end of text", len(text)))
        self.index = 0
        self.position = 0

    def kind(self) -> str:
        return self.items[self.index][0]

    def take(self, kind: str) -> str:
        actual, text, self.position = self.items[self.index]
        if actual != kind:
            self.fail(f"expected a {kind}, got {text!r}")
        self.index += 1
        return text

    def expect(self, text: str) -> None:
        _, actual, self.position = self.items[self.index]
        if actual != text:
            self.fail(f"expected {text!r}, got {actual!r}")
        self.index += 1

    def accept(self, text: str) -> bool:
        kind, actual, position = self.items[self.index]
        if actual != text or kind == "string":
            return False
        self.position = position
        self.index += 1
        return True

    def fail(self, reason: str) -> NoReturn:
        line = self.text.count("\n", 0, self.position) + 1
        column = self.position - self.text.rfind("\n", 0, self.position)
        raise ParseError(f"line {line}, column {column}: {reason}")


class _Parser:
    def __init__(self, text: str, known_blobs: Mapping[str, np.ndarray]) -> None:
        self.tokens = _Tokens(text)
        self.blobs = known_blobs
        self.values: dict[str, Value] = {}
        self.graph = Graph()

    def parse(self) -> Graph:
        t = self.tokens
        t.expect("graph")
        self.graph.name = str(json.loads(t.take("string")))
        for name, tensor_type in self.declarations("(", ")"):
            value = Value(name, tensor_type)
            self.define(value)
            self.graph.inputs.append(value)
        t.expect("->")
        results = self.references("(", ")")
        t.expect("{")
        while not t.accept("}"):
            self.statement()
        t.take("end")
        self.graph.outputs = [self.value(*result) for result in results]
        return self.graph

    def statement(self) -> None:
        declared = self.declarations("", "=")
        if self.tokens.accept("constant"):
            [(name, tensor_type)] = declared
            self.define(Value(name, tensor_type, self.contents(tensor_type)))
            return
        op = self.tokens.take("word")
        operands = [self.value(*operand) for operand in self.references("(", ")")]
        attributes = self.attributes() if self.tokens.accept("{") else {}
        origin = json.loads(self.tokens.take("string")) if self.tokens.accept("@") else ""
        names = [name for name, _ in declared]
        types = [tensor_type for _, tensor_type in declared]
        node = Node(op, operands, types, attributes, origin, names)
        self.graph.nodes.append(node)
        for value in node.outputs:
            self.define(value)

    def define(self, value: Value) -> None:
        if value.name in self.values:
            self.tokens.fail(f"%{value.name} is defined twice")
        self.values[value.name] = value

    def value(self, name: str, position: int) -> Value:
        if name not in self.values:
            self.tokens.position = position
            self.tokens.fail(f"%{name} is not defined")
        return self.values[name]

    def declarations(self, opening: str, closing: str) -> list[tuple[str, TensorType]]:
        if opening:
            self.tokens.expect(opening)
        found: list[tuple[str, TensorType]] = []
        while not self.tokens.accept(closing):
            if found:
                self.tokens.expect(",")
            name = self.tokens.take("value")[1:]
            self.tokens.expect(":")
            found.append((name, self.type()))
        return found

    def references(self, opening: str, closing: str) -> list[tuple[str, int]]:
        """Names with where they stand."""
        self.tokens.expect(opening)
        found: list[tuple[str, int]] = []
        while not self.tokens.accept(closing):
            if found:
                self.tokens.expect(",")
            name = self.tokens.take("value")[1:]
            found.append((name, self.tokens.position))
        return found

    def type(self) -> TensorType:
        t = self.tokens
        dtype = DType(t.take("word"))
        t.expect("[")
        shape: list[int] = []
        quantization = None
        while not t.accept("]"):
            if t.accept(";"):
                quantization = self.quantization()
                t.expect("]")
                break
            if shape:
                t.expect(",")
            shape.append(int(t.take("number")))
        return TensorType(tuple(shape), dtype, quantization)

    def quantization(self) -> Quantization:
        t = self.tokens
        t.expect("scale")
        t.expect("=")
        scale = float(t.take("number"))
        t.expect(",")
        t.expect("zero")
        t.expect("=")
        return Quantization(scale, int(t.take("number")))

    def contents(self, tensor_type: TensorType) -> np.ndarray:
        t = self.tokens
        dtype = tensor_type.dtype.numpy
        if t.accept("splat"):
            return self.stored(np.full(tensor_type.shape, self.attribute()), tensor_type)
        if t.accept("normal"):
            generator = np.random.default_rng(int(t.take("number")))
            return generator.standard_normal(tensor_type.shape).astype(dtype)
        if t.kind() == "digest":
            name = t.take("digest")[1:]
            if name not in self.blobs:
                t.fail(f"no data for constant #{name}")
            data = self.blobs[name]
            if data.shape != tensor_type.shape or data.dtype != dtype:
                t.fail(f"the data of #{name} is {data.dtype} {data.shape}, not {tensor_type}")
            return data
        array = np.array(self.attribute())
        if array.size != tensor_type.size:
            t.fail(f"{array.size} elements given for {tensor_type}")
        return self.stored(array.reshape(tensor_type.shape), tensor_type)

    def stored(self, array: np.ndarray, tensor_type: TensorType) -> np.ndarray:
        result: np.ndarray = array.astype(tensor_type.dtype.numpy)
        if tensor_type.dtype is not DType.F32 and not np.array_equal(result, array):
            self.tokens.fail(f"a number that {tensor_type.dtype.value} does not hold")
        return result

    def attributes(self) -> dict[str, Attribute]:
        found: dict[str, Attribute] = {}
        while not self.tokens.accept("}"):
            if found:
                self.tokens.expect(",")
            key = self.tokens.take("word")
            if key in found:
                self.tokens.fail(f"attribute {key} is given twice")
            self.tokens.expect("=")
            found[key] = self.attribute()
        return found

    def attribute(self) -> Attribute:
        t = self.tokens
        if t.accept("["):
            items: list[Attribute] = []
            while not t.accept("]"):
                if items:
                    t.expect(",")
                items.append(self.attribute())
            return tuple(items)  # type: ignore[return-value]  # lists are of one type
        if t.kind() == "string":
            return str(json.loads(t.take("string")))
        if t.accept("true"):
            return True
        if t.accept("false"):
            return False
        text = t.take("number")
        return int(text) if re.fullmatch(r"-?\d+", text) else float(text)


def parse(text: str, blobs: Mapping[str, np.ndarray] | None = None) -> Graph:
    """The graph that ``text`` describes; ``ParseError`` with line and column otherwise."""
    parser = _Parser(text, blobs or {})
    try:
        return parser.parse()
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        parser.tokens.fail(str(error))
    except RecursionError:
        parser.tokens.fail("lists are nested too deeply")
