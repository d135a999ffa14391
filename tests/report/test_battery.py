"""Duty cycle, average power and hours, against figures worked out by hand."""

from __future__ import annotations

import pytest

from edgecomp.pipeline.duty import again, duty_cycle
from edgecomp.report.battery import battery, short
from edgecomp.targets import load_board


def test_a_tenth_of_the_time() -> None:
    """20 ms of 200: (57.18 mW * 20 + 45 uW * 180) / 200 = 5.7585 mW; 555 mWh last 96.4 h."""
    duty = duty_cycle(load_board("gap9_evk").power, 0.02, 0.2)
    assert duty.busy == pytest.approx(0.1)
    assert duty.average_watts == pytest.approx(5.7585e-3)
    assert duty.hours == pytest.approx(96.38, abs=0.01)
    text = battery(duty)
    assert "one window every 200 ms: busy 10 %" in text
    assert "5.76 mW" in text
    assert "96 hours on a 150 mAh cell (3.7 V) (estimate" in text
    assert short(duty) == "one window every 200 ms: 5.76 mW, busy 10 %; cell of 150 mAh at 3.7 V"


def test_more_work_than_time() -> None:
    board = load_board("gap9_evk")
    duty = duty_cycle(board.power, 0.3, 0.2)
    assert duty.average_watts is None and duty.hours is None
    assert "too often, a window takes 300" in battery(duty)
    assert "each takes 300" in short(duty)
    with pytest.raises(ValueError, match="do not fit"):
        board.power.average_watts(0.3, 0.2)
    assert board.power.average_watts(0.2, 0.2) == pytest.approx(board.power.active_watts)


def test_asleep_all_the_time() -> None:
    board = load_board("gap9_evk")
    assert board.power.average_watts(0.0, 1.0) == board.power.sleep_watts


def test_a_measured_window_replaces_the_estimated_one() -> None:
    power = load_board("gap9_evk").power
    assert again(duty_cycle(power, 0.02, 0.2), 0.05) == duty_cycle(power, 0.05, 0.2)
