"""Packing: valid always, tight where it matters, and clear when it cannot be done."""

import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.errors import EdgecompError
from edgecomp.memory import (
    Buffer,
    DoesNotFit,
    InvalidPlan,
    Plan,
    check,
    exact,
    local_search,
    lower_bound,
    pack,
)
from edgecomp.memory.greedy import FITS, Instance
from edgecomp.memory.repair import repair

LARGE = 1 << 40

LIVES = st.builds(
    lambda size, first, length, alignment: (size, first, first + length, alignment),
    st.integers(1, 5000),
    st.integers(0, 25),
    st.integers(0, 9),
    st.sampled_from([1, 4, 8, 16]),
)


def _buffers(lives):
    return [Buffer(f"b{index}", *life) for index, life in enumerate(lives)]


def _overlaps(plan: Plan) -> list[tuple[str, str]]:
    """Every overlapping pair, the obvious way."""
    at = plan.addresses
    return [
        (one.name, other.name)
        for index, one in enumerate(plan.buffers)
        for other in plan.buffers[:index]
        if one.meets(other)
        and at[one.name] < at[other.name] + other.size
        and at[other.name] < at[one.name] + one.size
    ]


def _transformer(layers: int, tokens: int, width: int, hidden: int) -> list[Buffer]:
    """An encoder's activations (int8, residuals int16) and prefetched weights, 7 steps a block."""
    buffers = [Buffer("x0", 2 * tokens * width, 0, 4)]
    for layer in range(layers):
        step = 1 + 7 * layer
        for name, size, first, last in (
            ("norm1", tokens * width, step, step + 1),
            ("qkv", 3 * tokens * width, step + 1, step + 2),
            ("context", tokens * width, step + 2, step + 3),
            ("sum", 2 * tokens * width, step + 3, step + 6),
            ("norm2", tokens * width, step + 4, step + 5),
            ("hidden", tokens * hidden, step + 5, step + 6),
            ("output", 2 * tokens * width, step + 6, step + 10),
            ("w_qkv", 3 * width * (width + 8), step, step + 1),
            ("w_proj", width * (width + 8), step + 2, step + 3),
            ("w_fc1", hidden * (width + 8), step + 4, step + 5),
            ("w_fc2", width * (hidden + 8), step + 5, step + 6),
        ):
            buffers.append(Buffer(f"{name}{layer}", size, first, last, alignment=8))
    return buffers


@settings(max_examples=60, deadline=None)
@given(st.lists(LIVES, max_size=18))
def test_random_lifetimes_are_packed_without_overlap(lives):
    plan = pack(_buffers(lives), LARGE)
    check(plan)
    assert not _overlaps(plan)
    assert plan.size >= plan.lower_bound == lower_bound(plan.buffers)
    assert all(plan.addresses[each.name] % each.alignment == 0 for each in plan.buffers)


@settings(max_examples=15, deadline=None)
@given(st.lists(LIVES, min_size=1, max_size=18))
def test_the_order_of_methods_never_loses(lives):
    instance = Instance(_buffers(lives))
    bound = lower_bound(instance.buffers)
    for order in instance.orders():
        greedy = instance.place(order, "best")
        searched = local_search.improve(instance, greedy, bound)
        solved = exact.solve(instance, searched, bound)
        sizes = [instance.size(each) for each in (greedy, searched, solved)]
        assert sizes == sorted(sizes, reverse=True)
        break


def test_packing_is_deterministic():
    choices = random.Random(3)
    lives = []
    for _ in range(60):
        first = choices.randrange(40)
        lives.append((choices.randrange(1, 9000), first, first + choices.randrange(12), 4))
    assert pack(_buffers(lives), LARGE) == pack(_buffers(lives), LARGE)


@pytest.mark.parametrize(
    ("layers", "tokens", "width", "hidden"),
    [(4, 400, 192, 768), (8, 400, 192, 768), (4, 80, 192, 768), (12, 191, 200, 512), (2, 7, 12, 8)],
)
def test_transformers_are_packed_within_two_percent(layers, tokens, width, hidden):
    plan = pack(_transformer(layers, tokens, width, hidden), LARGE)
    assert plan.size <= 1.02 * plan.lower_bound


@pytest.mark.parametrize("count", [1, 2, 7])
def test_buffers_that_all_meet_take_their_sum(count):
    plan = pack([Buffer(f"b{index}", 4 * index + 4, 0, 9) for index in range(count)], LARGE)
    assert plan.size == sum(each.size for each in plan.buffers)


def test_buffers_that_never_meet_share_one_address():
    plan = pack([Buffer(f"b{step}", 100, step, step) for step in range(5)], LARGE)
    assert plan.size == 100
    assert set(plan.addresses.values()) == {0}


def test_an_instance_that_defeats_every_greedy_order_is_solved():
    """Three blocks whose bound can be reached, but by none of the greedy orders."""
    buffers = _transformer(3, 191, 200, 512)
    instance = Instance(buffers)
    greedy = min(
        instance.size(instance.place(order, fit)) for fit in FITS for order in instance.orders()
    )
    plan = pack(buffers, LARGE)
    assert greedy > 1.02 * plan.lower_bound
    assert plan.size <= 1.005 * plan.lower_bound


@pytest.mark.parametrize("seed", range(4))
def test_a_cut_up_rectangle_is_put_together_again(seed):
    """Guillotine cuts of a rectangle of 40 steps by 4,000 bytes: the optimum is the rectangle."""
    choices = random.Random(seed)
    pieces = [(0, 40, 0, 4000)]
    while len(pieces) < 16:
        piece = pieces.pop(choices.randrange(len(pieces)))
        begin, end, low, high = piece
        if choices.random() < 0.5 and end - begin > 1:
            cut = choices.randrange(begin + 1, end)
            pieces += [(begin, cut, low, high), (cut, end, low, high)]
        elif high - low > 8:
            cut = choices.randrange(low + 4, high, 4)
            pieces += [(begin, end, low, cut), (begin, end, cut, high)]
        else:
            pieces.append(piece)
    buffers = [
        Buffer(f"b{index}", high - low, begin, end - 1)
        for index, (begin, end, low, high) in enumerate(pieces)
    ]
    assert pack(buffers, LARGE).size <= 1.02 * 4000


def test_odd_sizes_keep_their_neighbours_aligned():
    plan = pack([Buffer("a", 5, 0, 1, 1), Buffer("b", 8, 0, 1, 8), Buffer("c", 3, 1, 1, 4)], LARGE)
    check(plan)
    assert plan.size <= 20


def test_no_buffers_make_an_empty_arena():
    assert pack([], 0).size == 0


def test_too_little_memory_names_need_capacity_and_culprits():
    buffers = [Buffer("scores", 90_000, 2, 3), Buffer("qkv", 50_000, 1, 2), Buffer("x", 8, 9, 9)]
    with pytest.raises(DoesNotFit) as caught:
        pack(buffers, 128_000, "L2")
    message = str(caught.value)
    assert isinstance(caught.value, EdgecompError)
    assert "L2 is too small: 140,000 bytes are needed at once, 128,000 are available" in message
    assert "step 2, in bytes: scores 90,000, qkv 50,000;" in message


def test_fragmentation_beyond_the_capacity_is_an_error_too():
    """Eleven bytes live together, but two of the buffers must start at multiples of 8."""
    buffers = [Buffer("a", 3, 0, 0, 1), Buffer("b", 4, 0, 0, 8), Buffer("c", 4, 0, 0, 8)]
    assert lower_bound(buffers) == 11
    with pytest.raises(DoesNotFit, match="12 bytes are needed"):
        pack(buffers, 11)


def test_a_name_may_be_used_once():
    with pytest.raises(ValueError, match="called twin"):
        pack([Buffer("twin", 1, 0, 0), Buffer("twin", 2, 0, 0)], LARGE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"addresses": {"a": 0, "b": 96}}, "a and b overlap at step 1"),
        ({"addresses": {"a": 0, "b": 102}}, "not aligned"),
        ({"addresses": {"a": 0, "b": 104}}, "leaves the arena"),
        ({"addresses": {"a": 0}}, "no address"),
        ({"capacity": 199}, "takes 200 of 199"),
    ],
)
def test_the_check_finds_a_broken_plan(change, message):
    good = pack([Buffer("a", 100, 0, 1), Buffer("b", 100, 1, 2)], LARGE)
    placed = dataclasses.replace(good, addresses={"a": 0, "b": 100})
    check(placed)
    with pytest.raises(InvalidPlan, match=message):
        check(dataclasses.replace(placed, **change))


def test_a_network_too_large_for_the_solver_is_repaired_where_it_is_too_high() -> None:
    buffers = _transformer(layers=60, tokens=190, width=128, hidden=512)
    assert len(buffers) > exact.MOST_BUFFERS
    instance, bound = Instance(buffers), lower_bound(buffers)
    capacity = bound + bound // 100
    greedy = max((instance.place(order) for order in instance.orders()), key=instance.size)
    assert instance.size(greedy) > capacity
    assert instance.size(repair(instance, greedy, capacity)) <= capacity


@settings(max_examples=40, deadline=None)
@given(st.lists(LIVES, min_size=2, max_size=30), st.floats(0, 1))
def test_repairs_move_nothing_onto_something_else(lives, share):
    instance = Instance(_buffers(lives))
    bound = lower_bound(instance.buffers)
    greedy = instance.place(next(instance.orders()), "first")
    capacity = bound + int(share * (instance.size(greedy) - bound))
    repaired = repair(instance, greedy, capacity)
    names = [each.name for each in instance.buffers]
    size = instance.size(repaired)
    plan = Plan(instance.buffers, dict(zip(names, repaired, strict=True)), size, bound, size)
    check(plan)
    assert not _overlaps(plan)
    assert size <= instance.size(greedy)
