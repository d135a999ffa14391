"""Measured programs: which they are, when they count, and what the tiler makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgecomp.ir import parse
from edgecomp.targets import load_board
from edgecomp.tiling import Measurements, Search, choose, load_measurements, ranked
from edgecomp.tiling.measured import chip_fingerprint, fingerprint

from .test_search import TEXT

BOARD = load_board("gap9_evk")


def test_equal_layers_have_equal_fingerprints_and_candidates_have_different_ones() -> None:
    """The two layers of the text differ in numbers only."""
    first, second = (ranked(node, BOARD) for node in parse(TEXT).nodes)
    keys = [fingerprint(tiling.program) for tiling in first]
    assert keys == [fingerprint(tiling.program) for tiling in second]
    assert len(set(keys)) == len(keys)


def test_a_tensor_of_another_type_makes_another_program() -> None:
    wide = TEXT.replace("%z: i8[100, 96; scale=0.2, zero=4]", "%z: i16[100, 96; scale=0.2, zero=0]")
    wide = wide.replace(
        'dtype = "i8", scale = 0.2, zero = 4', 'dtype = "i16", scale = 0.2, zero = 0'
    )
    first, second = (choose(node, BOARD) for node in parse(wide).nodes)
    assert fingerprint(first.program) != fingerprint(second.program)


def test_a_candidate_that_was_measured_to_be_slower_is_not_chosen() -> None:
    node = parse(TEXT).nodes[0]
    first, second, third, *_ = (fingerprint(each.program) for each in ranked(node, BOARD))
    measured = Measurements({first: 1000.0, second: 990.0, third: 980.0})
    for tiling in (choose(node, BOARD, measured), Search(BOARD, measured).choose(node)):
        assert fingerprint(tiling.program) == third


def test_the_choice_of_the_model_stays_where_it_was_not_measured_or_is_the_fastest() -> None:
    node = parse(TEXT).nodes[0]
    first, second, *_ = (fingerprint(each.program) for each in ranked(node, BOARD))
    for known in ({second: 1.0}, {first: 10.0, second: 11.0}, {}):
        assert fingerprint(choose(node, BOARD, Measurements(known)).program) == first


@pytest.mark.parametrize("own", [True, False])
def test_measurements_of_another_chip_or_other_kernels_do_not_count(
    tmp_path: Path, own: bool
) -> None:
    path = tmp_path / "measured.json"
    chip = chip_fingerprint(BOARD) if own else "0" * 16
    path.write_text(json.dumps({"chip": chip, "programs": [{"program": "p", "cycles": 7}]}))
    assert load_measurements(BOARD, path).cycles_of == ({"p": 7} if own else {})


def test_no_file_is_no_measurement(tmp_path: Path) -> None:
    assert load_measurements(BOARD, tmp_path / "absent").cycles_of == {}


def test_another_l1_is_another_chip() -> None:
    memories = BOARD.memories.model_copy(update={"l1_bytes": 65_536})
    smaller = BOARD.model_copy(update={"memories": memories})
    assert chip_fingerprint(smaller) != chip_fingerprint(BOARD)
