"""Convolutions with channels innermost: how kernels read memory in order."""

from __future__ import annotations

from edgecomp.ir import Attribute, Graph, Node, RewritePass, Value, create


class ConvToNhwc(RewritePass):
    """``conv`` -> ``conv_nhwc`` between transposes; a 1-D convolution has a height of one."""

    name = "conv_to_nhwc"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite one convolution with constant weights."""
        if node.op != "conv" or not node.inputs[1].is_constant:
            return False
        flat = node.inputs[0].type.rank == 3
        x = _channels_last(graph, node, flat)
        y = create(
            graph,
            "conv_nhwc",
            [x, _weights(graph, node, flat), node.inputs[2]],
            _attributes(node, flat),
            name=node.name,
            before=node,
        ).output
        if flat:
            y = _put(graph, node, "reshape", y, shape=(y.shape[0], *y.shape[2:]))
        permutation = (0, 2, 1) if flat else (0, 3, 1, 2)
        graph.replace(node.output, _put(graph, node, "transpose", y, permutation=permutation))
        return True


def _channels_last(graph: Graph, node: Node, flat: bool) -> Value:
    permutation = (0, 2, 1) if flat else (0, 2, 3, 1)
    x = _put(graph, node, "transpose", node.inputs[0], permutation=permutation)
    return _put(graph, node, "reshape", x, shape=(x.shape[0], 1, *x.shape[1:])) if flat else x


def _weights(graph: Graph, node: Node, flat: bool) -> Value:
    weight = node.inputs[1].array
    weight = weight[:, :, None] if flat else weight
    return graph.constant(weight.transpose(0, 2, 3, 1), node.inputs[1].name)


def _attributes(node: Node, flat: bool) -> dict[str, Attribute]:
    strides, dilations = node.integers("strides"), node.integers("dilations")
    pads = node.integers("pads")
    if flat:
        strides, dilations, pads = (1, *strides), (1, *dilations), (0, pads[0], 0, pads[1])
    groups = node.integer("groups")
    return {"strides": strides, "dilations": dilations, "pads": pads, "groups": groups}


def _put(graph: Graph, node: Node, op: str, x: Value, **attributes: Attribute) -> Value:
    return create(graph, op, [x], attributes, before=node).output
