"""How rate and side follow the progress of a run."""

from dataclasses import replace

import pytest

from ml.train.config import Config
from ml.train.schedule import Budget, counts_alike, frame_at, is_falling, multiply_adds, rate_at, work_left

CONFIG = replace(Config(), rate=0.1, warmup_steps=10, decay_share=0.25, small_share=0.4, small_side=36, crop_side=44)


def test_rate_rises_stays_and_falls_to_zero() -> None:
    assert rate_at(0, 0, CONFIG) == pytest.approx(0.01)
    assert rate_at(0.1, 9, CONFIG) == rate_at(0.75, 500, CONFIG) == pytest.approx(0.1)
    assert rate_at(0.875, 500, CONFIG) == pytest.approx(0.05)
    assert rate_at(1, 500, CONFIG) == 0


def test_rate_that_never_rests_keeps_its_share() -> None:
    restless = replace(CONFIG, rest=0.2)
    assert rate_at(0.5, 500, restless) == pytest.approx(0.1)
    assert rate_at(0.875, 500, restless) == pytest.approx(0.06)
    assert rate_at(1, 500, restless) == pytest.approx(0.02)


def test_last_steps_count_alike_in_the_average() -> None:
    patient = replace(CONFIG, average_share=0.6)
    assert [counts_alike(progress, patient) for progress in (0, 0.4, 0.41, 1)] == [False, False, True, True]
    assert not counts_alike(1, CONFIG)


def test_run_from_a_stable_checkpoint_is_warm_and_large_at_once() -> None:
    assert rate_at(0, 0, CONFIG, warm=True) == pytest.approx(0.1)
    assert frame_at(0, CONFIG, warm=True) == (44, 44)


def test_side_grows_once() -> None:
    assert [frame_at(progress, CONFIG) for progress in (0, 0.39, 0.41, 1)] == [(36, 48), (36, 48), (44, 44), (44, 44)]


def test_stable_phase_ends_where_the_rate_begins_to_fall() -> None:
    assert not is_falling(0.75, CONFIG)
    assert is_falling(0.76, CONFIG)


def test_budget_in_epochs_counts_steps_and_in_minutes_the_clock() -> None:
    now = [100.0]
    assert Budget(4, 10).progress(20) == 0.5
    timed = Budget(4, 10, minutes=2, seconds_before=30, clock=lambda: now[0])
    assert timed.progress(0) == 0.25
    now[0] = 400
    assert timed.progress(0) == 1


def test_remaining_time_follows_the_pace_of_this_process() -> None:
    now = [100.0]
    counted = Budget(4, 10, seconds_before=1000, clock=lambda: now[0])
    timed = Budget(4, 10, minutes=2, seconds_before=30, clock=lambda: now[0])
    now[0] = 150
    assert counted.seconds_left(5, 20) == 200  # ten seconds a step, whatever the steps before the stop took
    assert timed.seconds_left(5, 20) == 40
    now[0] = 400
    assert timed.seconds_left(5, 20) == counted.seconds_left(5, 41) == 0


def test_work_is_what_the_convolutions_multiply() -> None:
    one = replace(Config(), widths=(2, 3), pairs=(0, 1), small_side=12, crop_side=24, small_share=0.25)
    # 24 px: 1 to 2 and 2 to 2 channels; 12 px: 2 to 3, and twice 3 to 3.
    assert multiply_adds(one, 24) == 9 * (24 * 24 * (2 + 4) + 12 * 12 * (6 + 9 + 9))
    assert multiply_adds(Config(), 48) == pytest.approx(189e6, rel=0.01)
    large, small = multiply_adds(one, 24), multiply_adds(one, 12)
    assert work_left(one, 8, 0) == pytest.approx(2 * small + 6 * large)
    assert work_left(one, 8, 0, warm=True) == pytest.approx(8 * large)
    assert work_left(one, 8, 0.5) == pytest.approx(4 * large)
    assert work_left(one, 8, 1) == 0
