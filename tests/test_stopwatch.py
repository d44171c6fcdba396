"""The tests' measure of time takes off what the machine did, and nothing else."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stopwatch import BEAT, PUNCTUAL, Heartbeat, Stopwatch, judged


class Hand:
    """A clock that is moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_punctual_heart_misses_nothing() -> None:
    clock = Hand()
    heart = Heartbeat(clock)
    for _ in range(100):
        clock.now += BEAT
        heart.beat()
    assert heart.missed(100.0, clock.now) == 0.0


def test_what_a_heart_missed_is_told_for_the_time_asked_for() -> None:
    clock = Hand()
    heart = Heartbeat(clock)
    clock.now += BEAT + 2.0
    heart.beat()
    clock.now += BEAT
    heart.beat()
    assert heart.missed(0.0, clock.now) == pytest.approx(2.0)
    assert heart.missed(101.0, clock.now) == pytest.approx(2.0 + BEAT - 1.0)
    assert heart.missed(100.0, 100.5) == pytest.approx(0.5 - BEAT)
    assert heart.missed(103.0, 104.0) == pytest.approx(1.0)


def test_a_beat_that_is_still_overdue_counts() -> None:
    clock = Hand()
    heart = Heartbeat(clock)
    assert heart.missed(100.0, 101.0) == pytest.approx(1.0 - BEAT)


def test_a_heart_may_be_a_little_late() -> None:
    clock = Hand()
    heart = Heartbeat(clock)
    clock.now += BEAT + PUNCTUAL / 2
    heart.beat()
    assert heart.missed(0.0, clock.now) == 0.0


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0, 10))
def test_what_is_computed_counts_however_busy_the_machine_is(elapsed: float, computed: float, stalled: float) -> None:
    assert judged(elapsed, computed, stalled) >= computed
    assert judged(elapsed, 0.0, 0.0) == elapsed
    assert judged(elapsed, 0.0, stalled) <= elapsed or elapsed < stalled


def test_waiting_counts() -> None:
    with Stopwatch() as watch:
        threading.Event().wait(0.2)
    assert watch.seconds > 0.1


def test_computing_counts() -> None:
    with Stopwatch() as watch:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass
    assert watch.seconds >= 0.1


def test_what_keeps_the_interpreter_busy_in_another_thread_does_not_count() -> None:
    started, over = threading.Event(), threading.Event()

    def hold() -> None:
        started.set()
        while not over.is_set():
            sum(range(100_000))  # holds the interpreter for some milliseconds at a time

    threads = [threading.Thread(target=hold) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        started.wait(5)
        begun = time.monotonic()
        with Stopwatch() as watch:
            for _ in range(20):
                threading.Event().wait(0.001)
        elapsed = time.monotonic() - begun
    finally:
        over.set()
        for thread in threads:
            thread.join(10)
    assert watch.seconds < elapsed / 2
