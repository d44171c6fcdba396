"""Whether to send a request again, and how much may be sent again.

The rule is proof, not the HTTP method's name: a write is sent again only when it provably never left or when the
service said that it did not do it. Everything else about a write is reported, with what is known, and not repeated.
"""

from __future__ import annotations

import random
import time
from collections import deque
from datetime import UTC, datetime
from typing import Final

from ._errors import QUOTA_CODES, Outcome
from ._interruption import is_interruption
from ._operation import Request
from ._reading import ErrorReport
from ._response import read_seconds
from ._transport import Attempt, HttpResponse, Register, Wait

MAYBE_DONE: Final = ("unknown", "applied")
"""The outcomes after which a write may have been carried out."""

BACKOFF_CAP: Final = 10.0
"""The longest wait between two attempts, in seconds, where the service names none."""


def may_be_sent_again(request: Request, outcome: Outcome, *, limited: bool = False, final: bool = False) -> bool:
    """Whether another attempt may follow one that did not succeed. This is the rule, and there is no other.

    Args:
        request: what was sent.
        outcome: what is known about the fate of that attempt.
        limited: the service turned it away for being too fast.
        final: another attempt cannot fare better.
    """
    if final:
        return False
    if limited or outcome == "not_sent":
        return True
    return outcome != "rejected" and request.repeatable


def wait_asked_for(response: HttpResponse, told: ErrorReport, now: datetime) -> float | None:
    """The seconds that the service asks to wait (RFC 9110, section 10.2.3); ``None`` if it does not.

    Args:
        response: the response of an error.
        told: what it says.
        now: the time of day.
    """
    if response.status not in (429, 503):
        return None
    header = response.headers.get("retry-after", "")
    if (seconds := read_seconds(header)) is not None:
        return seconds
    from email.utils import parsedate_to_datetime  # few responses have one, and it takes its time to load

    try:
        date = parsedate_to_datetime(header)
    except (TypeError, ValueError, OverflowError) as error:
        if is_interruption(error):
            raise
        date = None
    if date is not None:
        date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        return max(0.0, (date - now).total_seconds())
    if response.status != 429 or told.code in QUOTA_CODES:
        # A used-up quota does not come back with the rate limit's window.
        return None
    reset = read_seconds(response.headers.get("x-ratelimit-reset"))
    return told.rate_limit_reset if reset is None else reset


class WriteState:
    """What one call knows about its write, kept where it can be read when a signal handler ends the call."""

    def __init__(self) -> None:
        self.request: Request | None = None
        """What is being sent, once something is."""
        self.maybe_done = False
        """The service may have carried out an attempt that has failed."""
        self.under_way: Attempt | None = None

    def settle(self, outcome: Outcome) -> None:
        """The attempt that was under way is over, with this outcome."""
        self.maybe_done = self.maybe_done or outcome in MAYBE_DONE
        self.under_way = None

    @property
    def note(self) -> str | None:
        """What to say of a write that was interrupted; ``None`` if nothing can have been done."""
        request, attempt = self.request, self.under_way
        maybe_done = self.maybe_done or (attempt is not None and attempt.outcome in MAYBE_DONE)
        if request is None or request.method == "GET" or not maybe_done:
            return None
        return (
            f"clinik_client: {request.name} was under way: whether it was carried out is unknown. "
            "Look before sending it again."
        )


class RetryBudget:
    """Limits a client's retries, so that they do not add to the load of a service that is down.

    While no call succeeds, the client may send 10 retries in all, or one for every 10 failed calls if that is more.
    Calls that begin after 10 seconds without a success get no share of the 10. The first success ends these limits, and
    so does a minute in which no call fails.

    A retry counts when it is sent, not when its wait begins. So when a short outage ends, few have been counted, and
    the first one that succeeds lets all waiting threads go on.
    """

    SIZE: Final = 10
    SHARE: Final = 0.1
    GRACE: Final = 10.0
    FORGOTTEN: Final = 60.0

    def __init__(self) -> None:
        self._outage: _Outage | None = None

    def failed(self, now: float) -> None:
        """The first attempt of a call has failed."""
        outage = self._outage
        if outage is None or now - outage.latest > self.FORGOTTEN:
            outage = self._outage = _Outage(now)
        outage.latest = now
        outage.calls.append(None)

    def take(self, started: float) -> bool:
        """Whether a retry of a call that began at this time may be sent."""
        outage = self._outage
        if outage is None:
            return True
        allowed = len(outage.calls) * self.SHARE
        if started - outage.since <= self.GRACE:
            allowed = max(allowed, self.SIZE)
        if len(outage.retries) >= allowed:
            return False
        outage.retries.append(None)
        return True

    def succeeded(self) -> None:
        """The service works."""
        self._outage = None


class _Outage:
    """A time in which no call succeeds."""

    def __init__(self, since: float) -> None:
        self.since = self.latest = since
        # Threads count by appending, since `count += 1` is not atomic. A lock would stay locked in a forked child.
        self.calls: deque[None] = deque(maxlen=1_000_000)
        self.retries: deque[None] = deque(maxlen=1_000_000)


class Clock:
    """The time, waiting, and random numbers: all that tests replace to be fast and exact."""

    def __init__(self) -> None:
        self._waits: Register[Wait] = Register()
        self._stopped = False

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        return time.monotonic()

    def utc(self) -> datetime:
        """The time of day, for ``Retry-After`` dates."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait; `stop` ends it."""
        wait = Wait()
        self._waits.add(wait)
        if not self._stopped:
            wait.sleep(seconds)

    def stop(self) -> None:
        """End all waits, now and from now on. A signal handler may do this."""
        self._stopped = True
        for wait in self._waits.things():
            wait.end()

    def jitter(self, most: float) -> float:
        """Some number of seconds between nothing and ``most``."""
        return random.uniform(0, most)
