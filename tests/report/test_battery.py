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
    assert text.endswith("(estimate: the chip alone, asleep at 45 uW)")
    line = "one window every 200 ms: 5.76 mW, busy 10 %, asleep at 45 uW; cell of 150 mAh at 3.7 V"
    assert short(duty) == line


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
    for rest in ((), (40.0, 9_000)):
        assert again(duty_cycle(power, 0.02, 0.2, *rest), 0.05) == duty_cycle(
            power, 0.05, 0.2, *rest
        )


def test_a_larger_cell_lasts_longer() -> None:
    power = load_board("gap9_evk").power
    small, large = (duty_cycle(power, 0.02, 0.2, mah) for mah in (150.0, 300.0))
    assert large.hours == pytest.approx(2 * small.hours)
    assert "on a 300 mAh cell" in battery(large)


def test_weights_that_stay_in_l2_are_counted_where_the_board_states_it() -> None:
    """Else the figure says that it lacks the power that keeps them."""
    power = load_board("gap9_evk").power
    without = duty_cycle(power, 0.02, 0.2, resident_bytes=2048)
    assert without.sleep_watts == power.sleep_watts and without.uncounted_l2_bytes == 2048
    lacks = "asleep at 45 uW without the power that keeps 2.0 KiB of weights in L2"
    assert lacks in battery(without) and lacks in short(without)
    stated = power.model_copy(update={"retained_sleep_watts": 1e-3})
    counted = duty_cycle(stated, 0.02, 0.2, resident_bytes=2048)
    assert counted.hours < without.hours
    assert "asleep at 1 mW)" in battery(counted)
    assert duty_cycle(stated, 0.02, 0.2) == duty_cycle(power, 0.02, 0.2)
