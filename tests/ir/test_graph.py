"""Graphs: uses, names, rewrites and order."""

from __future__ import annotations

import time

import numpy as np
import pytest

from edgecomp.ir import DType, Graph, Node, TensorType, Value, create, print_graph, verify

VECTOR = TensorType((4,), DType.F32)


def add(graph: Graph, a: Value, b: Value) -> Value:
    return create(graph, "add", [a, b]).output


def chain(length: int) -> Graph:
    graph = Graph()
    value = graph.add_input("x", VECTOR)
    one = graph.constant(np.ones(4, np.float32))
    for _ in range(length):
        value = add(graph, value, one)
    graph.outputs = [value]
    return graph


def test_wishes_for_names_are_cleaned_and_made_unique() -> None:
    graph = Graph()
    names = [graph.add_input(wish, VECTOR).name for wish in ("a b", "a/b", "a b", "", "é")]
    assert names[0] == "a_b" and len(set(names)) == 5 and all(names)
    assert names[4] == "é"


def test_renaming_a_value_to_its_own_name_changes_nothing() -> None:
    graph = chain(1)
    graph.rename(graph.outputs[0], "y")
    graph.rename(graph.outputs[0], "y")
    assert graph.outputs[0].name == "y"


def test_renaming_does_not_take_the_name_of_another_value() -> None:
    graph = chain(1)
    graph.rename(graph.outputs[0], "x")
    assert graph.outputs[0].name != "x"
    verify(graph)


def test_replace_moves_every_use_and_the_outputs() -> None:
    graph = Graph()
    x, y = graph.add_input("x", VECTOR), graph.add_input("y", VECTOR)
    total = add(graph, x, x)
    graph.outputs = [x, total]
    graph.replace(x, y)
    assert not x.uses and len(y.uses) == 2
    assert graph.outputs == [y, total]
    verify(graph)


def test_a_node_in_use_is_not_removed() -> None:
    graph = chain(2)
    with pytest.raises(ValueError, match="in use"):
        graph.remove([graph.nodes[0]])
    with pytest.raises(ValueError, match="in use"):
        graph.remove([graph.nodes[1]])
    verify(graph)


def test_removed_nodes_leave_no_uses() -> None:
    graph = chain(3)
    x = graph.inputs[0]
    graph.outputs = [x]
    assert graph.remove_dead() == 3
    assert not graph.nodes and not x.uses
    verify(graph)


def test_sorting_keeps_an_order_that_is_right() -> None:
    graph = chain(5)
    before = list(graph.nodes)
    graph.sort()
    assert graph.nodes == before


def test_sorting_restores_the_order_of_a_reversed_graph() -> None:
    graph = chain(50)
    before = list(graph.nodes)
    graph.nodes.reverse()
    graph.sort()
    assert graph.nodes == before


def test_values_that_are_read_often_are_no_cycle() -> None:
    """Every node reads all nodes before it, three times each."""
    graph = Graph()
    values = [graph.add_input("x", VECTOR)]
    for _ in range(30):
        reads = [v for v in reversed(values) for _ in range(3)]
        values += graph.append(Node("concat", reads, [VECTOR])).outputs
    before = list(graph.nodes)
    graph.nodes.reverse()
    graph.sort()
    assert graph.nodes == before


def test_a_cycle_is_named_and_the_order_kept() -> None:
    graph = chain(3)
    graph.nodes[0].set_input(0, graph.outputs[0])
    before = list(graph.nodes)
    with pytest.raises(ValueError, match="cycle"):
        graph.sort()
    assert graph.nodes == before


def test_a_node_that_reads_its_own_result_is_a_cycle() -> None:
    graph = chain(1)
    graph.nodes[0].set_input(0, graph.outputs[0])
    with pytest.raises(ValueError, match="cycle"):
        graph.sort()


def test_deep_graphs_take_linear_time() -> None:
    """10,000 nodes, one constant with 10,000 uses."""
    start = time.process_time()
    graph = chain(10_000)
    graph.nodes.reverse()
    graph.sort()
    verify(graph)
    graph.outputs = [graph.inputs[0]]
    assert graph.remove_dead() == 10_000
    assert time.process_time() - start < 20


def test_constants_are_copied_and_cannot_be_written() -> None:
    graph = Graph()
    data = np.zeros(3)
    value = graph.constant(data)
    data[0] = 1
    assert value.array.dtype == np.float32 and not value.array.any()
    with pytest.raises(ValueError, match="read-only"):
        value.array[0] = 1


def test_attributes_of_another_type_are_refused() -> None:
    node = Node("f", [], [], {"flag": True, "number": 1.5, "text": "a", "list": (1, 2)})
    for read, key in [
        (node.integer, "flag"),
        (node.integer, "number"),
        (node.integers, "text"),
        (node.real, "text"),
        (node.text, "number"),
    ]:
        with pytest.raises(TypeError, match=key):
            read(key)
    assert node.integers("list") == (1, 2)


def test_a_copy_has_the_same_text_and_changes_alone() -> None:
    graph = chain(3)
    twin = graph.copy()
    verify(twin)
    assert print_graph(twin) == print_graph(graph)
    assert twin.nodes[0].inputs[1].array is graph.nodes[0].inputs[1].array
    twin.replace(twin.outputs[0], twin.inputs[0])
    twin.remove_dead()
    assert not twin.nodes and len(graph.nodes) == 3
    verify(graph)
