"""The tiler's choice measured in GVSoC: what is recorded decides the next choice."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks import tiling
from edgecomp.pipeline import build
from edgecomp.pipeline.reference import load_reference
from edgecomp.targets import load_board
from edgecomp.tiling import choose, load_measurements
from edgecomp.tiling.views import layers as layers_of

OPTIONS = {"layers": "1", "channels": "2", "samples": "100"}


@pytest.mark.gvsoc
@pytest.mark.usefixtures("gvsoc")
def test_after_a_record_no_choice_is_slower_than_another_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = build("tinyissimomyo", options=OPTIONS, windows=1, out=tmp_path / "small").directory
    record = tmp_path / "measured" / "record.json"
    monkeypatch.setattr(tiling, "measurements_file", lambda _board: record)
    page = tiling.run(Namespace(builds=[small], candidates=2, write=True))
    assert "The choice is the fastest measured in" in page
    board = load_board("gap9_evk")
    measured = load_measurements(board, record)
    graph, _ = load_reference(small)
    found = tiling.candidates(layers_of(graph), board, 2)
    for node, group in zip(layers_of(graph), found, strict=True):
        cycles = [measured.cycles(each.tiling.program) for each in group]
        assert None not in cycles
        assert measured.cycles(choose(node, board, measured).program) == min(cycles)
