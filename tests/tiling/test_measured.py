"""Measured programs: which they are, when they count, and what the tiler makes of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgecomp import resources
from edgecomp.ir import parse
from edgecomp.targets import board_names, load_board, with_engines
from edgecomp.tiling import Measurements, Search, choose, load_measurements, measured, ranked
from edgecomp.tiling.measured import chip_fingerprint, fingerprint, measurements_file

from .test_search import TEXT

BOARD = load_board("gap9_evk")


def test_equal_layers_have_equal_fingerprints_and_candidates_have_different_ones() -> None:
    """The two layers of the text differ in numbers only."""
    first, second = (ranked(node, BOARD) for node in parse(TEXT).nodes)
    keys = [fingerprint(tiling.program, BOARD) for tiling in first]
    assert keys == [fingerprint(tiling.program, BOARD) for tiling in second]
    assert len(set(keys)) == len(keys)


def test_a_tensor_of_another_type_makes_another_program() -> None:
    wide = TEXT.replace("%z: i8[100, 96; scale=0.2, zero=4]", "%z: i16[100, 96; scale=0.2, zero=0]")
    wide = wide.replace(
        'dtype = "i8", scale = 0.2, zero = 4', 'dtype = "i16", scale = 0.2, zero = 0'
    )
    first, second = (choose(node, BOARD) for node in parse(wide).nodes)
    assert fingerprint(first.program, BOARD) != fingerprint(second.program, BOARD)


def test_a_candidate_that_was_measured_to_be_slower_is_not_chosen() -> None:
    node = parse(TEXT).nodes[0]
    first, second, third, *_ = (fingerprint(each.program, BOARD) for each in ranked(node, BOARD))
    known = Measurements(BOARD, {first: 1000.0, second: 990.0, third: 980.0})
    for tiling in (choose(node, BOARD, known), Search(BOARD, known).choose(node)):
        assert fingerprint(tiling.program, BOARD) == third


def test_the_choice_of_the_model_stays_where_it_was_not_measured_or_is_the_fastest() -> None:
    node = parse(TEXT).nodes[0]
    first, second, *_ = (fingerprint(each.program, BOARD) for each in ranked(node, BOARD))
    for known in ({second: 1.0}, {first: 10.0, second: 11.0}, {}):
        assert fingerprint(choose(node, BOARD, Measurements(BOARD, known)).program, BOARD) == first


@pytest.mark.parametrize("own", [True, False])
def test_measurements_of_another_chip_do_not_count(tmp_path: Path, own: bool) -> None:
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


def test_another_kernel_is_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel's own source and the headers beside it; not those of other kernels."""
    node = parse(TEXT).nodes[0]
    program = choose(node, with_engines(BOARD, "cores")).program
    assert {call.kernel for call in program.calls} == {"linear"}
    runtime = tmp_path / "runtime_c"
    shutil.copytree(resources.folder("runtime_c") / "kernels", runtime / "kernels")
    monkeypatch.setattr(measured, "resources", SimpleNamespace(folder=lambda _: runtime))
    keys = []
    for changed in ("xpulp/conv.c", "xpulp/linear.c", "xpulp/product.h"):
        with (runtime / "kernels" / changed).open("a") as file:
            file.write("/* changed */\n")
        measured._kernel.cache_clear()
        keys.append(fingerprint(program, BOARD))
    measured._kernel.cache_clear()
    monkeypatch.undo()
    before = fingerprint(program, BOARD)
    assert keys[0] == before
    assert len({before, *keys[1:]}) == 3


@pytest.mark.parametrize("name", board_names())
def test_what_is_shipped_was_measured_on_the_board_and_sources_as_they_are(name: str) -> None:
    """Else the tiler uses none of it: `python benchmarks/tiling.py BUILD... --write` repeats it.

    Where a change leaves cycles alone, as a run of the builds shows, its chip may be renewed.
    """
    board = load_board(name)
    path = measurements_file(board)
    if path.is_file():
        assert json.loads(path.read_text())["chip"] == chip_fingerprint(board)
