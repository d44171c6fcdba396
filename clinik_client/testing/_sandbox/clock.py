"""A clock that a test moves."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from math import isnan
from time import monotonic
from typing import Final

__all__ = ["SandboxClock", "clock_of", "moment_after"]

# Years that leave room for what is reckoned from the time: the window of a minute, the end of the month.
_YEARS: Final = range(2, 9999)


class SandboxClock:
    """Tells the time of a sandbox: it runs like any clock until it is stopped, and goes where it is sent.

    Args:
        start: what it shows first, an aware moment; the present if not given.
        running: whether it runs; one that stands still shows the same until it is moved.

    Raises:
        ValueError: see `set`.

    Example:
        >>> clock = SandboxClock(datetime(2025, 6, 1, tzinfo=UTC), running=False)
        >>> clock.advance(10)
        >>> clock.now().isoformat()
        '2025-06-01T00:00:10+00:00'
    """

    def __init__(self, start: datetime | None = None, *, running: bool = True) -> None:
        self._lock = threading.Lock()
        self._start = None if start is None else _checked(start)
        self._starts_running = running
        self.reset()

    def reset(self) -> None:
        """Go back to how it was made."""
        with self._lock:
            self._move(self._start or datetime.now(UTC))
            self._running = self._starts_running

    def now(self) -> datetime:
        """The moment that it shows, in UTC."""
        with self._lock:
            return self._now()

    def _now(self) -> datetime:
        return self._shown + timedelta(seconds=monotonic() - self._since) if self._running else self._shown

    def advance(self, by: float | timedelta) -> None:
        """Move it forward.

        Args:
            by: seconds, or a `timedelta`.

        Raises:
            ValueError: this would move it back, or beyond the year 9998, or is no time at all.
        """
        if not isinstance(by, timedelta | int | float) or (isinstance(by, float) and isnan(by)):
            raise ValueError("a clock is advanced by seconds, or by a timedelta")
        try:
            step = by if isinstance(by, timedelta) else timedelta(seconds=by)
            if step < timedelta(0):
                raise ValueError("a clock is advanced by 0 seconds or more; set moves it anywhere")
            with self._lock:
                self._move(_checked(self._now() + step))
        except OverflowError:
            raise ValueError("the clock cannot go so far") from None

    def set(self, moment: datetime) -> None:
        """Move it to a moment. It stands still or runs on as before.

        Args:
            moment: an aware `datetime`, earlier or later.

        Raises:
            ValueError: it is none, has no offset from UTC, or is not in the years 2 to 9998.
        """
        moment = _checked(moment)
        with self._lock:
            self._move(moment)

    def stop(self) -> None:
        """Let it stand still from now on."""
        with self._lock:
            self._move(self._now())
            self._running = False

    def run(self) -> None:
        """Let it run on from what it shows."""
        with self._lock:
            self._move(self._now())
            self._running = True

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._running

    def _move(self, moment: datetime) -> None:
        # Not the time of day: the machine may set that right at any moment.
        self._shown, self._since = moment, monotonic()


def _checked(moment: datetime) -> datetime:
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError("a moment is a datetime with an offset from UTC, as in datetime(2025, 6, 1, tzinfo=UTC)")
    if moment.year not in _YEARS:
        raise ValueError("a sandbox's time is in the years 2 to 9998")
    return moment.astimezone(UTC)


def clock_of(clock: SandboxClock | datetime | None) -> SandboxClock:
    """The clock that is meant: a moment stands for one that stands still there, ``None`` for one that runs.

    Raises:
        ValueError: it is neither; see also `SandboxClock.set`.
    """
    if clock is None:
        return SandboxClock()
    if isinstance(clock, datetime):
        return SandboxClock(clock, running=False)
    if not isinstance(clock, SandboxClock):
        raise ValueError("clock is a moment with an offset from UTC, or a SandboxClock")
    return clock


def moment_after(moment: datetime, seconds: float) -> datetime:
    """The moment so many seconds later; what is beyond all times never comes.

    >>> moment_after(datetime(2025, 6, 1, tzinfo=UTC), float("inf")).year
    9999
    """
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
