"""Boxes, grids and tile sizes against numpy: which bytes a transfer touches, and in what order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecomp.tiling.boxes import box_region, dense_strides, grids
from edgecomp.tiling.candidates import tile_sizes
from edgecomp.tiling.expr import Const, Expr, Number, Var
from edgecomp.tiling.program import Loop, Region

SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=5)


def number(expr: Expr, indices: dict[str, Number] | None = None) -> int:
    return int(expr.evaluate(indices or {}))


def touched(region: Region, indices: dict[str, Number] | None = None) -> list[int]:
    """Byte addresses in the order in which the transfer packs them."""
    start, length = number(region.offset, indices), number(region.length, indices)
    return [
        start + plane * region.plane_stride + row * region.row_stride + byte
        for plane in range(number(region.planes, indices))
        for row in range(number(region.rows, indices))
        for byte in range(length)
    ]


def expected(shape: list[int], box: tuple[slice, ...], element_bytes: int) -> list[int]:
    elements = np.arange(math.prod(shape)).reshape(shape)[box].ravel()
    return (elements[:, None] * element_bytes + np.arange(element_bytes)).ravel().tolist()


@st.composite
def boxes(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    shape = draw(SHAPES)
    sizes = [draw(st.integers(1, full)) for full in shape]
    starts = [draw(st.integers(0, f - s)) for f, s in zip(shape, sizes, strict=True)]
    return shape, starts, sizes


@given(boxes(), st.sampled_from([1, 2, 4]), st.booleans())
@settings(max_examples=500, deadline=None)
def test_a_region_packs_the_bytes_of_the_box_in_order(
    box: tuple[list[int], list[int], list[int]], element_bytes: int, symbolic: bool
) -> None:
    """``symbolic``: starts and sizes are variables, as they are in loops."""
    shape, starts, sizes = box
    indices: dict[str, Number] = {}
    if symbolic:
        indices = {f"a{i}": v for i, v in enumerate(starts)}
        indices |= {f"s{i}": v for i, v in enumerate(sizes)}
        region = box_region(
            shape,
            [Var(f"a{i}") for i in range(len(shape))],
            [Const(f) if sizes[i] == f else Var(f"s{i}") for i, f in enumerate(shape)],
            element_bytes,
        )
    else:
        region = box_region(shape, starts, sizes, element_bytes)
    slices = tuple(slice(a, a + s) for a, s in zip(starts, sizes, strict=True))
    if region is None:
        cut = [s < f for s, f in zip(sizes, shape, strict=True)]
        assert sum(cut[1:]) >= 3
    else:
        assert touched(region, indices) == expected(shape, slices, element_bytes)


@given(SHAPES)
def test_dense_strides_are_those_of_numpy(shape: list[int]) -> None:
    strides = [number(s) for s in dense_strides(shape)]
    assert strides == list(np.zeros(shape, np.int8).strides)


@given(st.lists(st.integers(1, 40), max_size=4), st.integers(1, 4))
@settings(deadline=None)
def test_every_grid_covers_every_element_once(shape: list[int], inner_axes: int) -> None:
    for grid in grids(shape, inner_axes):
        assert sum(loop.extent > 1 and loop.step > 1 for loop in grid.loops[:-1]) == 0
        assert len(grid.shape) - grid.split <= inner_axes
        count = np.zeros(grid.shape, np.int64)
        keys = []
        trips = [loop.trips for loop in grid.loops]
        if math.prod(trips) > 2000:
            continue
        for position in np.ndindex(*trips):
            indices: dict[str, Number] = dict(
                zip([loop.name for loop in grid.loops], position, strict=True)
            )
            starts = [number(e, indices) for e in grid.starts]
            sizes = [number(e, indices) for e in grid.sizes]
            count[tuple(slice(a, a + s) for a, s in zip(starts, sizes, strict=True))] += 1
            keys.append(number(grid.key(), indices))
        assert (count == 1).all()
        assert len(set(keys)) == len(keys)
        assert grid.buffers() == (2 if len(keys) > 1 else 1)


@given(st.integers(1, 5000), st.integers(1, 300), st.integers(1, 20))
def test_tile_sizes_fall_from_whole_to_smallest(extent: int, multiple: int, most: int) -> None:
    sizes = tile_sizes(extent, multiple, most)
    assert sizes[0] == extent
    assert sizes == sorted(set(sizes), reverse=True)
    assert sizes[-1] == min(extent, multiple)
    assert all(size == extent or size % multiple == 0 for size in sizes)
    assert len(sizes) <= most + 1


@given(st.integers(1, 100), st.data())
def test_loops_cover_their_extent(extent: int, data: st.DataObject) -> None:
    loop = Loop("i", extent, data.draw(st.integers(1, extent)))
    end = 0
    for index in range(loop.trips):
        assert number(loop.start, {"i": index}) == end
        end += number(loop.size, {"i": index})
    assert end == extent


@pytest.mark.parametrize("step", [0, -1, 6])
def test_impossible_loops_are_refused(step: int) -> None:
    with pytest.raises(ValueError, match="loop i"):
        Loop("i", 5, step)


def test_blocks_whose_rows_touch_are_one_run() -> None:
    region = Region.block(4, 3, 8, 8)
    assert (number(region.length), number(region.rows)) == (24, 1)
    assert touched(region) == touched(Region(Const(4), Const(8), Const(3), 8))
