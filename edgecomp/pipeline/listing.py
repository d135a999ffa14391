"""``graph.txt``: the integer graph with the plan beside it, and back.

The text is IR that :func:`edgecomp.ir.parse` reads; what the plan adds stands in comments.
"""

from __future__ import annotations

from edgecomp.ir import Node, print_graph
from edgecomp.pipeline.compile import Layer, Plan
from edgecomp.tiling.cost import Cost
from edgecomp.tiling.program import TileProgram
from edgecomp.tiling.views import resolve


def listing(plan: Plan) -> str:
    """The annotated graph."""
    layers = {layer.node: layer for layer in plan.layers}
    lines = print_graph(plan.graph).splitlines()
    nodes = iter(plan.graph.nodes)
    annotated = [lines[0], *_inputs(plan)]
    for line in lines[1:]:
        annotated.append(line)
        if line == "}" or line.partition(" = ")[2].startswith("constant "):
            continue
        node = next(nodes)
        note = _layer(plan, layers[node]) if node in layers else [_view(node)]
        annotated += [f"    // {text}" for text in note]
    return "\n".join([*annotated, ""])


def _inputs(plan: Plan) -> list[str]:
    return [
        f"    // %{value.name}: L2 {plan.placement.address(value, 0)}"
        for value in plan.graph.inputs
    ]


def _view(node: Node) -> str:
    view = resolve(node.output)
    apart = f", rows {view.pitch} apart" if view.pitch else ""
    return f"view of %{view.base.name} at byte {view.offset}{apart}"


def _layer(plan: Plan, layer: Layer) -> list[str]:
    placement, index = plan.placement, layer.index
    program, cost = layer.tiling.program, layer.tiling.cost
    block = placement.blocks[index]
    engines = "+".join(program.engines)
    memory = f"layer {index}, engine {engines}, L2 {placement.address(layer.node.output, index)}"
    if block.bytes:
        start = placement.weights_from[index]
        when = f"read from layer {start} on" if start < index else "read before the layer"
        if index in placement.resident:
            when = "resident, read once"
        memory += (
            f", weights {block.bytes} bytes: {placement.image.place(index)} -> "
            f"L2 {placement.block_l2[index]}, {when}"
        )
    estimate = (
        f"estimate {layer.cycles:.0f} cycles: compute {cost.compute:.0f}, "
        f"exposed DMA {cost.exposed_dma:.0f}, exposed L3 {layer.exposed_l3:.0f}, "
        f"{_exposed_ne16(program, cost)}overhead {cost.overhead:.0f}"
    )
    reason = layer.tiling.on_cores
    return [
        memory,
        *([f"not NE16: {reason}"] if reason else []),
        f"tiles {_loops(program)}, L1 {_l1(program)}",
        f"calls {_calls(program)}",
        estimate,
    ]


def _exposed_ne16(program: TileProgram, cost: Cost) -> str:
    if "ne16" not in program.engines:
        return ""
    return f"exposed NE16 {cost.exposed_ne16:.0f} of {cost.ne16:.0f} busy, "


def _calls(program: TileProgram) -> str:
    """The calls of a slot in the order in which each engine runs them, with their lags."""
    calls = program.schedule.calls
    return ", ".join(
        f"{call.kernel} on {engine} lag {call.lag}"
        for engine in reversed(program.engines)
        for call in calls
        if call.engine == engine
    )


def _loops(program: TileProgram) -> str:
    loops = [f"{loop.name} {loop.extent}/{loop.step}" for loop in program.loops]
    return " x ".join(loops) or "whole"


def _l1(program: TileProgram) -> str:
    places = program.l1_layout.items()
    return ", ".join(
        f"{name} {each.offset}+{each.bytes}" + (f" x {each.copies}" if each.copies > 1 else "")
        for name, each in places
    )
