"""The one place where tests look inside a client: at what it is made of, and at its clock, which they replace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from clinik_client import Clinik
from clinik_client._retry import Clock
from clinik_client._session import Options, Session


class VirtualClock(Clock):
    """Waiting takes no time, and is written down; chance is what the test says."""

    def __init__(self, share: float = 1.0, start: datetime = datetime(2025, 6, 1, tzinfo=UTC)) -> None:
        super().__init__()
        self.share = share
        """What ``jitter`` gives, as a share of the most that it may give."""
        self.waits: list[float] = []
        self.ranges: list[float] = []
        """The most that each jitter was allowed to be."""
        self.before_wait: Callable[[], object] = lambda: None
        self.passed = 0.0
        self._start = start

    def now(self) -> float:
        return super().now() + self.passed

    def utc(self) -> datetime:
        return self._start + timedelta(seconds=self.passed)

    def sleep(self, seconds: float) -> None:
        self.before_wait()
        self.waits.append(seconds)
        self.passed += seconds

    def jitter(self, most: float) -> float:
        self.ranges.append(most)
        return most * self.share


def session_of(client: Clinik) -> Session:
    """What sends the requests of a client."""
    return client._session


def options_of(client: Clinik) -> Options:
    """The limits of a client's calls."""
    return session_of(client).options


def parts_of(client: Clinik) -> list[object]:
    """A client and all that it is made of, for tests of what their reprs show."""
    session = session_of(client)
    parts = [session.transport, session.options, session.budget, session.clock]
    return [client, client.encounters, *vars(client).values(), session, *parts]


def on_virtual_time(client: Clinik, clock: VirtualClock | None = None) -> VirtualClock:
    """Give a client a clock on which waiting takes no time."""
    session = session_of(client)
    session.clock = clock = clock or VirtualClock()
    return clock
