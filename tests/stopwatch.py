"""How long something took, without the time in which the machine kept it from running.

A limit of time is a promise of the code, and a busy machine must not break it. Two things are taken off: how long the
thread itself stood in the queue for a processor, as Linux counts it; and what a heartbeat missed, a thread of this
process that wants to run every few milliseconds (other threads had the interpreter, or the process had no processor).
What the thread has computed itself is never taken off: code that computes beyond its limit is late on any machine.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Final, Self

BEAT: Final = 0.005
"""Seconds between two beats."""
PUNCTUAL: Final = 0.001
"""Seconds that every machine may be late."""

_QUEUE: Final = Path("/proc/thread-self/schedstat")


class Heartbeat:
    """A thread that wants to run every `BEAT` seconds, and keeps in mind when it could not."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._missed: deque[tuple[float, float]] = deque(maxlen=100_000)
        self._due = now() + BEAT

    def start(self) -> Self:
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()
        return self

    def _run(self) -> None:
        never = threading.Event()
        while not never.wait(BEAT):
            self.beat()

    def beat(self) -> None:
        """The heart beats: it was due some time ago."""
        now = self._now()
        if now - self._due > PUNCTUAL:
            self._missed.append((self._due, now))
        self._due = now + BEAT

    def missed(self, start: float, end: float) -> float:
        """Seconds between two moments in which a beat was due."""
        overdue = [*self._missed, (self._due, end)]
        return sum(max(0.0, min(end, until) - max(start, since)) for since, until in overdue)


def heartbeat() -> Heartbeat:
    """That of this process, which beats from the first call on. A fork has no threads but its own."""
    return _heartbeat_of(os.getpid())


@cache
def _heartbeat_of(process: int) -> Heartbeat:
    return Heartbeat().start()


def _queued() -> float:
    """Seconds that this thread has stood in the queue for a processor; 0 where the system does not tell."""
    try:
        return int(_QUEUE.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class Stopwatch:
    """Measures what happens in its ``with`` block, in the thread that enters it.

    Attributes:
        seconds: how long it took, without what the machine took.
        stalled: what the machine took.
        others: what the other threads of this process computed meanwhile. Where many do the same at once, one of them
            has the interpreter and the others wait for it.
    """

    seconds: float
    stalled: float
    others: float

    def __enter__(self) -> Self:
        self._heartbeat = heartbeat()
        self._queued, self._computed, self._started = _queued(), time.thread_time(), time.monotonic()
        self._of_all = time.process_time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ended = time.monotonic()
        computed, queued = time.thread_time() - self._computed, _queued() - self._queued
        self.others = max(0.0, time.process_time() - self._of_all - computed)
        self.stalled = queued + self._heartbeat.missed(self._started, ended)
        self.seconds = judged(ended - self._started, computed, self.stalled)


def judged(elapsed: float, computed: float, stalled: float) -> float:
    """The seconds that count, of those on the clock."""
    return max(elapsed - stalled, computed)
