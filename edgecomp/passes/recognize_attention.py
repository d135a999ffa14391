"""Find multi-head attention and prove which channels of which values its heads read.

The products and the softmax are found by following single operands; everything that exporters
put between a projection and a product (splits, permutations, head axes, scales, rotations) is
not matched but computed: see :mod:`edgecomp.passes.head_view`. Queries and keys may be mixed
by matrices ``R`` and ``R'`` within a head as long as ``R^T R' = c * identity`` in every head,
because ``(R q) . (R' k) = c * (q . k)``: a rotary embedding by head index cancels, and scales
collect in ``c``. Where that cannot be proven (a rotary embedding by token, say), the attention
reads what the mixing results in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgecomp.ir import Graph, Node, RewritePass, Value, create
from edgecomp.passes.head_view import HeadView, head_view, plain_views
from edgecomp.passes.linear_form import linear_form
from edgecomp.passes.patterns import orders, producer, uniform, used_once
from edgecomp.passes.views import Plan, Step, emit_view, plan_cost, plan_view

TOLERANCE = 1e-5
LOWEST = -1e3
"""What masks put in place of a score is below this."""


@dataclass(frozen=True)
class _Scores:
    """``softmax(scale * (q @ kt) + bias)``: product is the node of ``q @ kt``."""

    product: Node
    scale: float
    bias: Value | None
    bias_scale: float
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Layout:
    """How groups divide into batch and heads, and how q, k and v are read then."""

    batch: int
    heads: int
    operands: tuple[tuple[Value, Plan], ...]
    cost: int


class RecognizeAttention(RewritePass):
    """matmul, scale, bias, softmax, matmul -> ``attention`` on last-axis slices of its sources."""

    name = "recognize_attention"

    def rewrite(self, graph: Graph, node: Node) -> bool:
        """Rewrite the product with the values, ``node``."""
        scores = _match(graph, node)
        if scores is None or not _is_stored(scores.bias):
            return False
        if math.prod(scores.product.output.shape[:-2]) != math.prod(node.output.shape[:-2]):
            return False
        found = _unmixed(scores.product, node) or _as_computed(scores.product, node)
        if found is None:
            return False
        layout, common = found
        bias = _bias(graph, node, scores, layout)
        if scores.bias is not None and bias is None:
            return False
        _emit(graph, node, layout, scores.scale * common, bias)
        return True


# -- matching ---------------------------------------------------------------------------------


def _match(graph: Graph, node: Node) -> _Scores | None:
    if node.op != "matmul":
        return None
    weights = _through_reshape(graph, node.inputs[0])
    softmax = producer(weights, "softmax")
    if softmax is None or not used_once(graph, weights):
        return None
    if softmax.integer("axis") != softmax.output.type.rank - 1:
        return None
    return _scores(graph, softmax.inputs[0])


def _through_reshape(graph: Graph, value: Value) -> Value:
    """What ``value`` is a reshape of that only regroups the leading axes."""
    node = producer(value, "reshape")
    while node is not None and used_once(graph, value):
        if node.inputs[0].shape[-2:] != value.shape[-2:]:
            break
        value = node.inputs[0]
        node = producer(value, "reshape")
    return value


def _scores(graph: Graph, value: Value) -> _Scores | None:
    """Follow scales and biases, of which only a single one may be computed, up to the product."""
    scale, terms = 1.0, list[_Term]()
    while True:
        value = _through_reshape(graph, value)
        node = value.producer
        if node is None or not used_once(graph, value):
            return None
        if node.op == "matmul":
            return _joined(graph, node, scale, terms, value.shape)
        factor = _factor(node)
        if factor is not None:
            scale, value = scale * factor[1], factor[0]
            continue
        masked = _masked_term(node)
        found = masked or _bias_term(node)
        if found is None:
            return None
        terms.append(_Term(found[1], scale, node.output.shape, masked is not None))
        value, scale = found[0], scale * found[2]


@dataclass(frozen=True)
class _Term:
    """``bias`` times ``scale`` on scores of ``shape``; ``masks``: it replaces what it forbids."""

    bias: Value
    scale: float
    shape: tuple[int, ...]
    masks: bool


def _joined(
    graph: Graph, product: Node, scale: float, terms: list[_Term], shape: tuple[int, ...]
) -> _Scores | None:
    """One bias for all of ``terms``, outermost first; None where they cannot be added up."""
    if not terms:
        return _Scores(product, scale, None, 1.0, shape)
    first = terms[0]
    if len(terms) == 1:
        return _Scores(product, scale, first.bias, first.scale, first.shape)
    if not all(term.bias.is_constant for term in terms):
        return None
    total, forbidden = np.zeros(first.shape), np.zeros(first.shape, bool)
    for term in terms:
        values = np.broadcast_to(term.bias.array * np.float64(term.scale), term.shape)
        values = values.reshape(first.shape)
        total = np.where(forbidden, total, total + values)
        if term.masks:
            forbidden |= values <= LOWEST
    if forbidden.any() and not (total > LOWEST).any(axis=-1).all():
        return None  # a row without any key: its weights would come from its scores
    least = float(np.finfo(np.float32).min) / 2
    bias = graph.constant(np.maximum(total, least).astype(np.float32), first.bias.name)
    return _Scores(product, scale, bias, 1.0, first.shape)


def _factor(node: Node) -> tuple[Value, float] | None:
    """(x, c) where ``node`` is ``x * c`` or ``x / c``."""
    if node.op == "div":
        number = uniform(node.inputs[1])
        if not number or node.inputs[0].type != node.output.type:
            return None
        return node.inputs[0], 1.0 / number
    if node.op != "mul":
        return None
    for variable, constant in orders(node):
        number = uniform(constant)
        if number is not None and variable.type == node.output.type:
            return variable, number
    return None


def _bias_term(node: Node) -> tuple[Value, Value, float] | None:
    """(scores, bias, 1) where ``node`` is their sum."""
    if node.op != "add":
        return None
    for scores, bias in orders(node):
        if scores.type != node.output.type:
            continue
        if bias.is_constant or _is_scaled_product(scores):
            return scores, bias, 1.0
    return None


def _masked_term(node: Node) -> tuple[Value, Value, float] | None:
    """(scores, bias, c) where ``node`` is c times the scores, or a very low number by a mask.

    So low that the exponential of any score beside it is nothing, as with the bias given.
    """
    if node.op != "add":
        return None
    for masked, fill in orders(node):
        product = producer(masked, "mul")
        if product is None or not fill.is_constant or masked.type != node.output.type:
            continue
        for scores, mask in orders(product):
            factor = _mask_factor(mask, fill) if scores.type == node.output.type else None
            if factor is not None:
                return scores, fill, factor
    return None


def _mask_factor(mask: Value, fill: Value) -> float | None:
    """``c`` where ``mask`` is c and ``fill`` 0, or ``mask`` 0 and ``fill`` very low.

    None where that is not so, and where a row is masked as a whole: its weights are equal in one
    form and those of its scores in the other.
    """
    if not mask.is_constant:
        return None
    kept, low = np.broadcast_arrays(np.atleast_1d(mask.array), fill.array)
    factor = float(kept.max())
    allowed = (kept == factor) & (low == 0.0)
    forbidden = (kept == 0.0) & (low <= LOWEST)
    sound = (allowed | forbidden).all() and allowed.any(axis=-1).all()
    return factor if factor > 0.0 and sound else None


def _is_stored(bias: Value | None) -> bool:
    """Whether there is no bias that is computed: ``q_attention`` adds none, but sums do."""
    return bias is None or bias.is_constant


def _is_scaled_product(value: Value) -> bool:
    """Whether a product is found above scales and reshapes."""
    while (node := producer(value, "mul", "div", "reshape")) is not None:
        factor = _factor(node)
        if factor is None and node.op != "reshape":
            return False
        value = node.inputs[0] if factor is None else factor[0]
    return producer(value, "matmul") is not None


# -- proving ----------------------------------------------------------------------------------


def _unmixed(product: Node, node: Node) -> tuple[_Layout, float] | None:
    """The layout of what q, k and v are linear in, and the scale, where their mixing cancels."""
    groups = product.output.shape[:-2]
    q = _view(product.inputs[0], False, groups)
    k = _view(product.inputs[1], True, groups)
    v = _view(node.inputs[1], False, node.output.shape[:-2])
    if q is None or k is None or v is None or not v.is_plain:
        return None
    common = _cancel(q, k)
    layout = None if common is None else _layout(node, groups, [q], [k], [v])
    return None if layout is None or common is None else (layout, common)


def _as_computed(product: Node, node: Node) -> tuple[_Layout, float] | None:
    """The layout of q, k and v as they are, but for data movement and a scale of q and of k."""
    groups = product.output.shape[:-2]
    (queries, q_factor), (keys, k_factor) = map(_unscaled, product.inputs)
    q = plain_views(queries, False, groups)
    k = plain_views(keys, True, groups)
    v = plain_views(node.inputs[1], False, node.output.shape[:-2])
    layout = _layout(node, groups, q, k, v)
    return None if layout is None else (layout, q_factor * k_factor)


def _unscaled(value: Value) -> tuple[Value, float]:
    """(x, c) where ``value`` is ``c * x``, by as many factors as stand last."""
    scale = 1.0
    while value.producer is not None and (factor := _factor(value.producer)) is not None:
        value, scale = factor[0], scale * factor[1]
    return value, scale


def _view(value: Value, transposed: bool, groups: tuple[int, ...]) -> HeadView | None:
    form = linear_form(value, value if value.is_constant else None)
    return None if form is None else head_view(form, transposed, groups)


def _cancel(q: HeadView, k: HeadView) -> float | None:
    """``c`` with ``R_g^T R'_g = c * identity`` in every group g."""
    product = q.matrix.swapaxes(-1, -2) @ k.matrix
    size = product.shape[-1]
    factor = float(np.float32(np.trace(product, axis1=-2, axis2=-1).mean() / size))
    error = np.abs(product - factor * np.eye(size)).max()
    return factor if factor != 0.0 and error <= TOLERANCE * abs(factor) else None


def _layout(node: Node, groups: tuple[int, ...], *views: list[HeadView]) -> _Layout | None:
    """The division into batch and heads, with a view of each operand, that moves least data."""
    batches = {math.prod(groups[:count]) for count in range(len(groups) + 1)}
    if len(groups) == 1:
        batches |= {b for b in range(1, groups[0] + 1) if groups[0] % b == 0}
    found = []
    for batch in sorted(batches):
        operands = [_cheapest(choice, batch) for choice in views]
        kept = [operand for operand in operands if operand is not None]
        if len(kept) == len(views):
            cost = sum(price for _, _, price in kept) + _cost_behind(node, batch)
            reads = tuple((root, plan) for root, plan, _ in kept)
            found.append(_Layout(batch, math.prod(groups) // batch, reads, cost))
    return min(found, key=lambda layout: layout.cost, default=None)


def _cost_behind(node: Node, batch: int) -> int:
    """Price of bringing the result, [batch, tokens, heads * E], into the form that is read."""
    last = node.output
    while len(last.users) == 1 and last.users[0].op in ("reshape", "transpose"):
        last = last.users[0].output
    form = linear_form(last, node.output)
    tokens, width = node.output.shape[-2:]
    heads = node.output.type.size // (batch * tokens * width)
    if form is None or form.terms != 1:
        return 0
    rows = np.arange(node.output.type.size).reshape(batch, tokens, heads, width)
    index = rows.swapaxes(1, 2).reshape(-1)[form.index[0]]
    plan = plan_view((batch, tokens, heads * width), index)
    return 0 if plan is None else plan_cost(plan)


def _cheapest(views: list[HeadView], batch: int) -> tuple[Value, Plan, int] | None:
    """Root, plan and price of the view that moves least data."""
    found = []
    for view in views:
        plan = _plan(view, batch)
        if plan is not None:
            found.append((view.root, plan, view.price + plan_cost(plan)))
    return min(found, key=lambda choice: choice[2], default=None)


def _plan(view: HeadView, batch: int) -> Plan | None:
    """How to read [batch, tokens, heads * D].

    None where data would have to be transposed within a token.
    """
    groups, tokens, channels = view.index.shape
    split = view.index.reshape(batch, groups // batch, tokens, channels)
    rows = split.swapaxes(1, 2).reshape(batch, tokens, -1)
    plan = plan_view(view.root.shape, rows)
    if plan is None or any(step.op == "transpose" and not _keeps_tokens(step) for step in plan):
        return None
    return plan


def _keeps_tokens(step: Step) -> bool:
    permutation = step.attributes["permutation"]
    return isinstance(permutation, tuple) and permutation[-1] == len(permutation) - 1


# -- writing ----------------------------------------------------------------------------------


def _bias(graph: Graph, node: Node, scores: _Scores, layout: _Layout) -> Value | None:
    """The bias as ``[B or 1, H or 1, T or 1, S or 1]``."""
    if scores.bias is None:
        return None
    rank = len(scores.shape)
    shape = (1,) * (rank - scores.bias.type.rank) + scores.bias.shape
    leading = _leading(shape[:-2], scores.shape[:-2], layout)
    if leading is None:
        return None
    bias = scores.bias
    wanted = (*leading, *shape[-2:])
    if bias.shape != wanted:
        bias = create(graph, "reshape", [bias], {"shape": wanted}, before=node).output
    if scores.bias_scale != 1.0:
        factor = graph.constant(np.array(scores.bias_scale, np.float32), "scale")
        bias = create(graph, "mul", [bias, factor], before=node).output
    return bias


def _leading(
    shape: tuple[int, ...], groups: tuple[int, ...], layout: _Layout
) -> tuple[int, int] | None:
    """Leading axes of a bias, which broadcast to ``groups``, as (batch, heads)."""
    if math.prod(shape) == 1:
        return 1, 1
    for cut in range(len(groups) + 1):
        if math.prod(groups[:cut]) != layout.batch:
            continue
        parts = (shape[:cut], groups[:cut]), (shape[cut:], groups[cut:])
        if all(math.prod(have) == 1 or have == want for have, want in parts):
            return math.prod(shape[:cut]), math.prod(shape[cut:])
    return (layout.batch, layout.heads) if shape == groups else None


def _emit(
    graph: Graph,
    node: Node,
    layout: _Layout,
    scale: float,
    bias: Value | None,
) -> None:
    operands = [emit_view(graph, root, plan, node) for root, plan in layout.operands]
    operands += [] if bias is None else [bias]
    attributes = {"heads": layout.heads, "scale": scale}
    y = create(graph, "attention", operands, {**attributes}, name=node.name, before=node).output
    batch, tokens, width = y.shape
    split = {"shape": (batch, tokens, layout.heads, width // layout.heads)}
    y = create(graph, "reshape", [y], {**split}, before=node).output
    y = create(graph, "transpose", [y], {"permutation": (0, 2, 1, 3)}, before=node).output
    y = create(graph, "reshape", [y], {"shape": node.output.shape}, before=node).output
    graph.replace(node.output, y)
