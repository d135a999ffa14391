"""The graph: values, nodes and the rewrites that passes are made of.

A graph is a list of nodes in execution order. Every value is a graph input, a constant or the
output of one node. Uses are kept up to date by the methods here; nothing else may edit
``Node.inputs`` or ``Graph.nodes``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from edgecomp.ir.types import DType, Quantization, TensorType

Attribute = int | float | str | bool | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]


class Value:
    """One tensor: named, typed, and used by the nodes in ``uses``.

    ``data`` is set for constants only; ``producer`` is set for node outputs only.
    """

    def __init__(self, name: str, type: TensorType, data: np.ndarray | None = None) -> None:
        self.name = name
        self.type = type
        self.data = data
        self.producer: Node | None = None
        self.uses: list[tuple[Node, int]] = []

    @property
    def is_constant(self) -> bool:
        """Whether the value is known at compile time."""
        return self.data is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.type.shape

    @property
    def users(self) -> list[Node]:
        """The nodes that read this value, each once, in order of their first use."""
        return list(dict.fromkeys(node for node, _ in self.uses))

    @property
    def array(self) -> np.ndarray:
        """The constant's data; ``ValueError`` for a value that is not constant."""
        if self.data is None:
            raise ValueError(f"%{self.name} is not a constant")
        return self.data

    def __repr__(self) -> str:
        return f"%{self.name}: {self.type}"


class Node:
    """One operation: ``outputs = op(inputs) {attributes}``.

    ``name`` is where it came from in the user's model; it is carried into messages and reports.
    """

    def __init__(
        self,
        op: str,
        inputs: Sequence[Value],
        output_types: Sequence[TensorType],
        attributes: Mapping[str, Attribute] | None = None,
        name: str = "",
        output_names: Sequence[str] | None = None,
    ) -> None:
        self.op = op
        self.name = name
        self.attributes: dict[str, Attribute] = dict(attributes or {})
        self._inputs: list[Value] = []
        for value in inputs:
            self._append_input(value)
        names = output_names or [""] * len(output_types)
        self.outputs = [Value(n, t) for n, t in zip(names, output_types, strict=True)]
        for value in self.outputs:
            value.producer = self

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The operands, in order."""
        return tuple(self._inputs)

    @property
    def output(self) -> Value:
        """The only output; ``ValueError`` on a node with several."""
        if len(self.outputs) != 1:
            raise ValueError(f"{self.op} has {len(self.outputs)} outputs")
        return self.outputs[0]

    def set_input(self, index: int, value: Value) -> None:
        """Read ``value`` as operand ``index`` instead of what is read now."""
        self._inputs[index].uses.remove((self, index))
        self._inputs[index] = value
        value.uses.append((self, index))

    def _append_input(self, value: Value) -> None:
        value.uses.append((self, len(self._inputs)))
        self._inputs.append(value)

    def drop_inputs(self) -> None:
        """Forget all operands (before the node is removed)."""
        for index, value in enumerate(self._inputs):
            value.uses.remove((self, index))
        self._inputs.clear()

    def integer(self, key: str) -> int:
        """The integer attribute ``key``; ``TypeError`` where it is of another type."""
        value = self.attributes[key]
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"attribute {key} of {self.op} is {value!r}, not an integer")
        return value

    def integers(self, key: str) -> tuple[int, ...]:
        """The attribute ``key``, a tuple of integers."""
        value = self.attributes[key]
        if not isinstance(value, tuple) or not all(isinstance(v, int) for v in value):
            raise TypeError(f"attribute {key} of {self.op} is {value!r}, not a tuple of integers")
        return tuple(int(v) for v in value)

    def real(self, key: str) -> float:
        """The number attribute ``key`` as a float."""
        value = self.attributes[key]
        if isinstance(value, (str, tuple)):
            raise TypeError(f"attribute {key} of {self.op} is {value!r}, not a number")
        return float(value)

    def text(self, key: str) -> str:
        """The string attribute ``key``."""
        value = self.attributes[key]
        if not isinstance(value, str):
            raise TypeError(f"attribute {key} of {self.op} is {value!r}, not a string")
        return value

    def flag(self, key: str) -> bool:
        """The boolean attribute ``key``."""
        return bool(self.attributes[key])

    def __repr__(self) -> str:
        results = ", ".join(f"%{v.name}" for v in self.outputs)
        return f"{results} = {self.op}({', '.join('%' + v.name for v in self.inputs)})"


class Graph:
    """A network: inputs, nodes in execution order, outputs."""

    def __init__(self, name: str = "network") -> None:
        self.name = name
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.nodes: list[Node] = []
        self._serial = 0
        self._names: set[str] | None = None

    # -- building -----------------------------------------------------------------------------

    def add_input(self, name: str, type: TensorType) -> Value:
        """Append a network input."""
        value = Value(self.fresh_name(name), type)
        self.inputs.append(value)
        return value

    def constant(
        self,
        data: np.ndarray,
        name: str = "constant",
        quantization: Quantization | None = None,
    ) -> Value:
        """A constant holding ``data`` (copied to a read-only row-major array)."""
        array = np.array(data, order="C")
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        array.setflags(write=False)
        tensor_type = TensorType(array.shape, DType.of(array), quantization)
        return Value(self.fresh_name(name), tensor_type, array)

    def append(self, node: Node) -> Node:
        """Add ``node`` at the end."""
        return self.insert(len(self.nodes), node)

    def insert_before(self, anchor: Node, node: Node) -> Node:
        """Add ``node`` just before ``anchor``."""
        return self.insert(self.nodes.index(anchor), node)

    def insert_after(self, anchor: Node, node: Node) -> Node:
        """Add ``node`` just after ``anchor``."""
        return self.insert(self.nodes.index(anchor) + 1, node)

    def insert(self, index: int, node: Node) -> Node:
        """Add ``node`` at position ``index``; unnamed outputs get fresh names."""
        for value in node.outputs:
            value.name = self.fresh_name(value.name or node.op)
        self.nodes.insert(index, node)
        return node

    def fresh_name(self, wish: str) -> str:
        """A value name not yet used in this graph, as close to ``wish`` as possible."""
        taken = self._taken
        cleaned = "".join(c if c.isalnum() or c in "_.-" else "_" for c in wish) or "value"
        if cleaned not in taken:
            taken.add(cleaned)
            return cleaned
        while (name := f"{cleaned}_{self._serial}") in taken:
            self._serial += 1
        taken.add(name)
        return name

    def rename(self, value: Value, wish: str) -> None:
        """Call ``value`` ``wish``, or close to it where another value has that name."""
        self._names = None  # names of values that are gone are free again
        self._taken.discard(value.name)
        value.name = self.fresh_name(wish)

    @property
    def _taken(self) -> set[str]:
        if self._names is None:
            self._names = {v.name for v in self.values()}
        return self._names

    # -- reading ------------------------------------------------------------------------------

    def constants(self) -> list[Value]:
        """Constants that are in use, each once, in order of first use."""
        found: dict[Value, None] = {}
        for node in self.nodes:
            found.update(dict.fromkeys(v for v in node.inputs if v.is_constant))
        found.update(dict.fromkeys(v for v in self.outputs if v.is_constant))
        return list(found)

    def values(self) -> list[Value]:
        """Every value: inputs, constants in use, node outputs."""
        produced = [v for node in self.nodes for v in node.outputs]
        return [*self.inputs, *self.constants(), *produced]

    def copy(self) -> Graph:
        """The same network of new nodes and values; constants share their data."""
        twin = Graph(self.name)
        outside = [*self.inputs, *self.constants()]
        twins = {value: Value(value.name, value.type, value.data) for value in outside}
        for node in self.nodes:
            types, names = [v.type for v in node.outputs], [v.name for v in node.outputs]
            inputs = [twins[value] for value in node.inputs]
            made = Node(node.op, inputs, types, node.attributes, node.name, names)
            twins.update(zip(node.outputs, made.outputs, strict=True))
            twin.nodes.append(made)
        twin.inputs = [twins[value] for value in self.inputs]
        twin.outputs = [twins[value] for value in self.outputs]
        return twin

    # -- rewriting ----------------------------------------------------------------------------

    def replace(self, old: Value, new: Value) -> None:
        """Let everything that reads ``old``, network outputs included, read ``new``."""
        for node, index in list(old.uses):
            node.set_input(index, new)
        self.outputs = [new if v is old else v for v in self.outputs]

    def remove(self, nodes: Iterable[Node]) -> None:
        """Delete nodes; ``ValueError`` if a result is still in use outside of them."""
        doomed = set(nodes)
        for node in doomed:
            for value in node.outputs:
                if value in self.outputs or any(user not in doomed for user in value.users):
                    raise ValueError(f"cannot remove {node}: {value} is in use")
        for node in doomed:
            node.drop_inputs()
        self.nodes = [node for node in self.nodes if node not in doomed]

    def remove_dead(self) -> int:
        """Delete nodes that no output depends on; returns how many."""
        needed: set[Node] = set()
        pending = [v.producer for v in self.outputs if v.producer is not None]
        while pending:
            node = pending.pop()
            if node not in needed:
                needed.add(node)
                pending += [v.producer for v in node.inputs if v.producer is not None]
        dead = [node for node in self.nodes if node not in needed]
        self.remove(dead)
        return len(dead)

    def sort(self) -> None:
        """Restore execution order, keeping the present order where it is free.

        ``ValueError`` where a node depends on itself; the order is then as it was.
        """
        order: dict[Node, None] = {}
        begun: set[Node] = set()
        stack = self.nodes[::-1]
        while stack:
            node = stack[-1]
            producers = [v.producer for v in node.inputs if v.producer is not None]
            waiting = [p for p in producers if p not in order]
            if node in order:
                stack.pop()
            elif not waiting:
                order[stack.pop()] = None
            elif node in begun:
                raise ValueError(f"the graph has a cycle through {node}")
            else:
                begun.add(node)
                stack.extend(reversed(waiting))
        self.nodes = list(order)
