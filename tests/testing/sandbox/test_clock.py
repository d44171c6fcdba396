"""A clock that a test moves: it stands still or runs, and goes where it is sent, never by itself and never too far."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing._sandbox.clock import SandboxClock, clock_of

START = datetime(2025, 6, 1, 9, tzinfo=UTC)
MOMENTS = st.datetimes(
    datetime(2, 1, 2), datetime(9998, 12, 30), timezones=st.sampled_from([UTC, timezone(timedelta(hours=14))])
)


def still(start: datetime = START) -> SandboxClock:
    return SandboxClock(start, running=False)


def test_a_clock_that_stands_still_shows_what_it_was_given() -> None:
    clock = still()
    assert not clock.running
    assert [clock.now(), clock.now()] == [START, START]


def test_without_a_start_it_shows_the_present() -> None:
    before = datetime.now(UTC)
    assert before <= SandboxClock(running=False).now() <= datetime.now(UTC)


def test_a_running_clock_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 100.0
    monkeypatch.setattr("clinik_client.testing._sandbox.clock.monotonic", lambda: seconds)
    clock = SandboxClock(START)
    assert clock.running
    seconds = 107.5
    assert clock.now() == START + timedelta(seconds=7.5)
    clock.advance(10)
    seconds = 108.5
    assert clock.now() == START + timedelta(seconds=18.5)
    clock.stop()
    seconds = 200.0
    assert clock.now() == START + timedelta(seconds=18.5)
    clock.run()
    seconds = 201.0
    assert clock.now() == START + timedelta(seconds=19.5)


def test_setting_it_does_not_start_or_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 0.0
    monkeypatch.setattr("clinik_client.testing._sandbox.clock.monotonic", lambda: seconds)
    running, standing = SandboxClock(START), still()
    for clock in (running, standing):
        clock.set(START - timedelta(days=400))
    seconds = 5.0
    assert running.now() == START - timedelta(days=400, seconds=-5)
    assert standing.now() == START - timedelta(days=400)


@given(MOMENTS)
def test_it_is_set_to_the_moment_whatever_its_offset_and_tells_it_in_utc(moment: datetime) -> None:
    clock = still()
    clock.set(moment)
    assert clock.now() == moment
    assert clock.now().tzinfo is UTC


@given(MOMENTS, st.lists(st.timedeltas(timedelta(0), timedelta(hours=1)), max_size=5))
def test_it_moves_forward_by_the_sum_of_its_steps(start: datetime, steps: list[timedelta]) -> None:
    clock = still(start)
    for step in steps:
        clock.advance(step)
    assert clock.now() == start + sum(steps, timedelta(0))


def test_seconds_are_the_unit_of_a_step() -> None:
    clock = still()
    clock.advance(0)
    clock.advance(0.25)
    clock.advance(10)
    assert clock.now() == START + timedelta(seconds=10.25)


@pytest.mark.parametrize("step", [-1, -0.001, timedelta(microseconds=-1)])
def test_it_is_not_advanced_backwards(step: float | timedelta) -> None:
    clock = still()
    with pytest.raises(ValueError, match=r"^a clock is advanced by 0 seconds or more"):
        clock.advance(step)
    assert clock.now() == START


@pytest.mark.parametrize("step", [float("inf"), 1e300, timedelta.max, datetime(9999, 1, 1, tzinfo=UTC) - START])
def test_it_is_not_advanced_out_of_the_years_that_can_be_reckoned_with(step: float | timedelta) -> None:
    clock = still()
    with pytest.raises(ValueError, match=r"so far|years 2 to 9998"):
        clock.advance(step)
    assert clock.now() == START


@pytest.mark.parametrize(
    "moment", [datetime(2025, 6, 1), datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]
)
def test_a_moment_without_an_offset_or_at_an_end_of_time_is_refused(moment: datetime) -> None:
    clock = still()
    with pytest.raises(ValueError, match=r"offset from UTC|years 2 to 9998"):
        clock.set(moment)
    with pytest.raises(ValueError, match=r"offset from UTC|years 2 to 9998"):
        SandboxClock(moment)
    assert clock.now() == START


def test_the_first_and_the_last_of_those_years_can_be_set() -> None:
    clock = still()
    for moment in (datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, 23, 59, tzinfo=UTC)):
        clock.set(moment)
        assert clock.now() == moment


def test_it_goes_back_to_how_it_was_made() -> None:
    clock = still()
    clock.advance(3600)
    clock.run()
    clock.reset()
    assert clock.now() == START
    assert not clock.running


def test_one_that_was_made_without_a_start_goes_back_to_the_present() -> None:
    clock = SandboxClock(running=False)
    clock.set(START)
    before = datetime.now(UTC)
    clock.reset()
    assert before <= clock.now() <= datetime.now(UTC)


def test_a_moment_is_a_clock_that_stands_there() -> None:
    clock = clock_of(START)
    assert (clock.now(), clock.running) == (START, False)
    assert clock_of(clock) is clock
    assert clock_of(None).running


@pytest.mark.parametrize("wrong", ["2025-06-01", START.date(), 5, False])
def test_what_is_no_clock_is_told(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"^clock is a moment with an offset from UTC, or a SandboxClock$"):
        clock_of(wrong)
    with pytest.raises(ValueError, match="offset"):
        clock_of(START.replace(tzinfo=None))


@pytest.mark.parametrize("moment", ["2025-06-01T09:00:00Z", date(2025, 6, 1), 0, None])
def test_what_is_no_moment_is_refused(moment: Any) -> None:
    clock = still()
    with pytest.raises(ValueError, match=r"^a moment is a datetime with an offset from UTC, as in datetime"):
        clock.set(moment)
    assert clock.now() == START


@pytest.mark.parametrize("by", ["10", float("nan"), None])
def test_what_is_no_number_of_seconds_is_refused(by: Any) -> None:
    clock = still()
    with pytest.raises(ValueError, match=r"^a clock is advanced by seconds, or by a timedelta$"):
        clock.advance(by)
    assert clock.now() == START
