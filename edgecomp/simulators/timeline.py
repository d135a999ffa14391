"""A timeline in the Chrome trace format, which Perfetto opens: layers, cores, NE16, DMA and L3.

The events are those of runtime_c/hal/gvsoc/trace.h.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from edgecomp.errors import EdgecompError

_LAYER, _FORK, _DMA, _DMA_WAIT, _L3, _L3_WAIT, _NE16, _NE16_WAIT = range(8)
_CORE = 16
_ROWS = {0: "layers", 1: "orchestrator"}
_NE16_ROW = 2
_FIRST_CORE_ROW = 3
_TRANSFERS = {_DMA: "DMA", _L3: "L3"}
_WAITS = {_DMA_WAIT: "wait for DMA", _L3_WAIT: "wait for L3"}

Event = dict[str, Any]


def write_timeline(
    path: Path,
    data: bytes,
    hertz: float,
    layers: Sequence[str],
    function: Callable[[int], str],
) -> None:
    """Write the timeline of the events in ``data``; ``function`` names the task at an address.

    Transfers last from their start to the end of the wait for them: when they were complete in
    between is not seen. Jobs of NE16 are numbered from 0.
    """
    events = list(struct.iter_unpack("<4I", data))
    origin = min((begin for begin, *_ in events), default=0)
    text = {"traceEvents": list(_convert(events, origin, hertz, layers, function))}
    try:
        path.write_text(json.dumps(text), encoding="utf-8")
    except OSError as error:
        raise EdgecompError(f"cannot write {path}: {error.strerror}") from error


def _convert(
    events: Sequence[tuple[int, ...]],
    origin: int,
    hertz: float,
    layers: Sequence[str],
    function: Callable[[int], str],
) -> Iterator[Event]:
    rows = dict(_ROWS)
    started: dict[int, int] = {}
    jobs = _Jobs()

    def microseconds(cycles: int) -> float:
        return (cycles - origin) % 2**32 * 1e6 / hertz

    def span(name: str, row: int, begin: int, end: int) -> Event:
        duration = (end - begin) % 2**32
        return {
            "name": name,
            "ph": "X",
            "pid": 1,
            "tid": row,
            "ts": microseconds(begin),
            "dur": duration * 1e6 / hertz,
            "args": {"cycles": duration},
        }

    for begin, end, kind, value in events:
        if kind == _LAYER:
            yield span(layers[value], 0, begin, end)
        elif kind == _FORK:
            yield span(function(value).removeprefix("task_"), 1, begin, end)
        elif kind in _TRANSFERS:
            started[value] = begin
        elif kind in _WAITS:
            yield span(_WAITS[kind], 1, begin, end)
            name = _TRANSFERS[kind - 1]
            ends = (("b", started.pop(value, begin)), ("e", end))
            for phase, at in ends:
                common = {"name": name, "cat": name, "ph": phase, "pid": 1, "id": value}
                yield {**common, "ts": microseconds(at)}
        elif kind == _NE16:
            rows[_NE16_ROW] = "NE16"
            yield span(f"job {jobs.ended(value)}", _NE16_ROW, begin, end)
        elif kind == _NE16_WAIT:
            yield span(f"wait for NE16, job {jobs.number(value)}", 1, begin, end)
        elif kind >= _CORE:
            row = _FIRST_CORE_ROW + kind - _CORE
            rows[row] = f"core {kind - _CORE}"
            yield span(function(value).removeprefix("task_"), row, begin, end)
    for row, name in rows.items():
        common = {"ph": "M", "pid": 1, "tid": row}
        yield {**common, "name": "thread_name", "args": {"name": name}}
        yield {**common, "name": "thread_sort_index", "args": {"sort_index": row}}


class _Jobs:
    """The engine numbers jobs modulo 256 and from any number on; here they count from 0."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._ended = -1

    def ended(self, value: int) -> int:
        """The number of a job that has ended; jobs end in order."""
        self._ended = self.number(value)
        return self._ended

    def number(self, value: int) -> int:
        """The number of the job ``value``, which is not far from the one that ended last."""
        if self._first is None:
            self._first = value
        ahead = (value - self._first - self._ended + 128) % 256 - 128
        return self._ended + ahead
