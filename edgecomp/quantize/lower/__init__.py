"""From the float graph to the integer graph: one rule per operator, one family a file."""

from __future__ import annotations

import importlib
import pkgutil

from edgecomp.errors import EdgecompError
from edgecomp.ir import DType, Graph, Node
from edgecomp.ir.operator import OperandError
from edgecomp.quantize.assign import Assignment
from edgecomp.quantize.lower.context import RULES, Lowering, UnsupportedError
from edgecomp.quantize.lower.function import is_chain_end, lower_chain


def lower(
    graph: Graph, assignment: Assignment, compensate: bool = True
) -> tuple[Graph, dict[str, str]]:
    """The integer graph of ``graph``, and for its values the names of the float ones they mean.

    ``compensate`` rounds weights with regard to the second moments of their inputs.
    ``EdgecompError`` lists every node that has no integer form.
    """
    _load_rules()
    ctx = Lowering(graph, assignment, compensate)
    ctx.plan_fusion()
    for value in graph.inputs:
        spec = assignment.spec(value)
        ctx.add_input(value, spec)
    failures = []
    deferred = ctx.deferred
    for node in graph.nodes:
        if node in deferred:
            continue
        try:
            _lower_node(ctx, node)
        except UnsupportedError as error:
            failures.append(f"{node.op} {_origin(node)}: {error}")
            ctx.substitute(node)
        except (OperandError, OverflowError) as error:
            failures.append(f"{node.op} {_origin(node)}: {_out_of_range(ctx, node, error)}")
            ctx.substitute(node)
    if failures:
        raise EdgecompError(
            "these operations have no integer form:\n  " + "\n  ".join(failures),
            "change the model there, or leave that part out of the exported network",
        )
    ctx.graph.outputs = [ctx.value(value) for value in graph.outputs]
    ctx.graph.remove_dead()
    return ctx.graph, ctx.mapping


def _lower_node(ctx: Lowering, node: Node) -> None:
    if is_chain_end(ctx, node):
        lower_chain(ctx, ctx.assignment.chains[node.output])
    elif node.op in RULES:
        RULES[node.op](ctx, node)
    else:
        raise UnsupportedError(
            f"there is no rule for {node.op}; it must be rewritten by a pass or in the model"
        )


def _out_of_range(ctx: Lowering, node: Node, error: Exception) -> str:
    """Why the parameters of ``node`` do not exist: its values are too large or too small."""
    values = [v for v in (*node.inputs, *node.outputs) if v.type.dtype is DType.F32]
    largest = ", ".join(f"{ctx.assignment.histogram(value).largest:.3g}" for value in values)
    return (
        f"values of up to {largest} (operands, result) are out of proportion for integers "
        f"({error}); check the weights, and the units of the calibration windows"
    )


def _origin(node: Node) -> str:
    return f"from {node.name}" if node.name else f"that gives %{node.outputs[0].name}"


def _load_rules() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
