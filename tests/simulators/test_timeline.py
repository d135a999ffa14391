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
        ("linear", 3, 1.0, 3.0),
        ("linear", 10, 1.5, 2.0),
        ("first", 0, 0.0, 20.0),
    ]
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert names == {0: "layers", 1: "orchestrator", 3: "core 0", 10: "core 7"}


def test_a_transfer_lasts_from_its_start_to_the_end_of_the_wait(tmp_path: Path) -> None:
    events = written(tmp_path / "t.json", (10, 0, 4, 7), (50, 60, 5, 7))
    transfer = [(e["ph"], e["name"], e["ts"]) for e in events if e["ph"] in "be"]
    assert transfer == [("b", "L3", 0.0), ("e", "L3", 25.0)]
    assert [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"] == [
        ("wait for L3", 20.0, 5.0)
    ]


def test_jobs_of_the_engine_are_numbered_in_one_row(tmp_path: Path) -> None:
    """The engine's numbers have 8 bits, and have begun before what is recorded."""
    jobs = [(100 * i, 100 * i + 90, 6, (254 + i) % 256) for i in range(300)]
    events = written(tmp_path / "t.json", *jobs)
    spans = [(e["name"], e["tid"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"]
    assert spans[:3] == [("job 0", 2, 0, 45), ("job 1", 2, 50, 45), ("job 2", 2, 100, 45)]
    assert spans[-1] == ("job 299", 2, 14950, 45)
    assert [e["args"]["name"] for e in events if e["name"] == "thread_name"][-1] == "NE16"


def test_a_wait_for_the_engine_names_the_job_and_is_the_orchestrators(tmp_path: Path) -> None:
    events = written(
        tmp_path / "t.json", (0, 8, 7, 255), (0, 10, 6, 255), (10, 22, 6, 0), (20, 24, 7, 0),
    )  # fmt: skip
    waits = [(e["name"], e["ts"], e["dur"]) for e in events if e["tid"] == 1 and e["ph"] == "X"]
    assert waits == [("wait for NE16, job 0", 0, 4), ("wait for NE16, job 1", 10, 2)]


def test_the_cycle_counter_may_wrap(tmp_path: Path) -> None:
    [span, *_] = written(tmp_path / "t.json", (2**32 - 4, 4, 0, 0))
    assert span["dur"] == 4.0


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(EdgecompError, match="cannot write"):
        written(tmp_path / "absent" / "t.json")
