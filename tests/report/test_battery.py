"""Duty cycle, average power and hours, against figures worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecomp.report.battery import battery
from edgecomp.report.schema import SimulationReport
from edgecomp.targets import load_board

SIMULATION = Path(__file__).parents[1] / "data" / "report" / "simulation.json"


def _report(seconds: float) -> SimulationReport:
    report = SimulationReport.read(SIMULATION)
    latency = report.latency.model_copy(update={"seconds": seconds})
    return report.model_copy(update={"latency": latency})


def test_a_tenth_of_the_time() -> None:
    """20 ms of 200: (57.18 mW * 20 + 45 uW * 180) / 200 = 5.7585 mW; 555 mWh last 96.4 h."""
    text = battery(_report(0.02), load_board("gap9_evk"))
    assert "one window every 200 ms: busy 10 %" in text
    assert "5.76 mW" in text
    assert "96 hours on a 150 mAh cell (3.7 V) (estimate" in text


def test_more_work_than_time() -> None:
    board = load_board("gap9_evk")
    assert "too often, a window takes 300" in battery(_report(0.3), board)
    with pytest.raises(ValueError, match="do not fit"):
        board.power.average_watts(0.3, 0.2)
    assert board.power.average_watts(0.2, 0.2) == pytest.approx(board.power.active_watts)


def test_asleep_all_the_time() -> None:
    board = load_board("gap9_evk")
    assert board.power.average_watts(0.0, 1.0) == board.power.sleep_watts
