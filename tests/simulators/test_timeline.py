"""The timeline: which rows there are, and how cycles become microseconds."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from edgecomp.errors import EdgecompError
from edgecomp.simulators.timeline import write_timeline


def written(path: Path, *events: tuple[int, int, int, int]) -> list[dict]:
    data = b"".join(struct.pack("<4I", *event) for event in events)
    write_timeline(path, data, 2e6, ["first"], lambda _address: "task_linear")
    return json.loads(path.read_text())["traceEvents"]


def test_layers_forks_and_cores_have_rows(tmp_path: Path) -> None:
    events = written(
        tmp_path / "t.json", (100, 110, 1, 64), (102, 108, 16, 64), (103, 107, 23, 64),
        (100, 140, 0, 0),
    )  # fmt: skip
    spans = [(e["name"], e["tid"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"]
    assert spans == [
        ("linear", 1, 0.0, 5.0),
        ("linear", 2, 1.0, 3.0),
        ("linear", 9, 1.5, 2.0),
        ("first", 0, 0.0, 20.0),
    ]
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert names == {0: "layers", 1: "orchestrator", 2: "core 0", 9: "core 7"}


def test_a_transfer_lasts_from_its_start_to_the_end_of_the_wait(tmp_path: Path) -> None:
    events = written(tmp_path / "t.json", (10, 0, 4, 7), (50, 60, 5, 7))
    transfer = [(e["ph"], e["name"], e["ts"]) for e in events if e["ph"] in "be"]
    assert transfer == [("b", "L3", 0.0), ("e", "L3", 25.0)]
    assert [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"] == [
        ("wait for L3", 20.0, 5.0)
    ]


def test_the_cycle_counter_may_wrap(tmp_path: Path) -> None:
    [span, *_] = written(tmp_path / "t.json", (2**32 - 4, 4, 0, 0))
    assert span["dur"] == 4.0


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(EdgecompError, match="cannot write"):
        written(tmp_path / "absent" / "t.json")
