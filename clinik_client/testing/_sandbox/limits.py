"""What an organization may ask: so many requests within a minute, and so many in a month (contract: rate limits)."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta

from attrs import define, field, frozen, setters

from .._answers import Headers, Refused, text_of_moment
from .checks import check_truth, check_whole_number
from .keys import SandboxKey

__all__ = ["Limiter", "Plan", "Usage"]


@frozen
class Plan:
    """How much an organization may ask.

    Args:
        rate: requests within 60 seconds, of all of its keys together.
        monthly: requests with live keys in a month.
        sandbox: requests with test keys in a month.
        overage: whether requests beyond ``monthly`` are served and billed.
        bulk: exports and imports within an hour.

    Raises:
        ValueError: something is no whole number, or negative, or ``rate`` or ``bulk`` is 0; or ``overage`` is no truth
            value.
    """

    rate: int = field(default=500, validator=check_whole_number(1))
    monthly: int = field(default=600_000, validator=check_whole_number(0))
    sandbox: int = field(default=600_000, validator=check_whole_number(0))
    overage: bool = field(default=False, validator=check_truth)
    bulk: int = field(default=5, validator=check_whole_number(1))


@define
class _Window:
    """The moments of what was counted within a span of time that ends now."""

    span: timedelta
    moments: deque[datetime] = field(factory=deque)

    def __len__(self) -> int:
        return len(self.moments)

    def move_on(self, now: datetime) -> None:
        while self.moments and self.moments[0] <= now - self.span:
            self.moments.popleft()
        # A clock that was set back leaves requests of the future behind: they are forgotten, too.
        while self.moments and self.moments[-1] > now:
            self.moments.pop()

    def seconds_left(self, now: datetime, number: int = 0) -> int:
        """In how many whole seconds the oldest ones up to this number no longer count."""
        return math.ceil((self.moments[number] + self.span - now).total_seconds())

    def retry_after(self, most: int, now: datetime) -> tuple[str, str] | None:
        """The header that says when there are fewer again, if there are too many for one more."""
        excess = len(self.moments) - most
        # The plan may have become smaller: then more than one request has to leave the window first.
        return ("Retry-After", str(self.seconds_left(now, excess))) if excess >= 0 else None


@define(on_setattr=setters.validate, kw_only=True)
class Usage:
    """How many requests one organization has made this month: with live keys, and with test keys.

    A test may set both, to come near a limit.

    Args:
        used: requests with live keys.
        sandbox_used: requests with test keys.

    Raises:
        ValueError: one is no whole number, or negative.

    Example:
        >>> from clinik_client.testing import Sandbox
        >>> sandbox = Sandbox()
        >>> sandbox.usage.sandbox_used = 599_999
        >>> sandbox.usage
        Usage(used=0, sandbox_used=599999)
    """

    used: int = field(default=0, validator=check_whole_number(0))
    sandbox_used: int = field(default=0, validator=check_whole_number(0))


@define
class Limiter:
    """Counts what one organization asks. The two volumes are counted apart, and refused requests not at all."""

    plan: Plan
    usage: Usage = field(factory=Usage)
    _recent: _Window = field(factory=lambda: _Window(timedelta(seconds=60)), init=False)
    _bulk: _Window = field(factory=lambda: _Window(timedelta(hours=1)), init=False)
    _month: tuple[int, int] | None = field(default=None, init=False)

    def take(self, key: SandboxKey, now: datetime) -> Headers:
        """Count a request, and say what is left.

        Raises:
            Refused: it is one too many; it does not count.
        """
        self.move_on(now)
        if after := self._recent.retry_after(self.plan.rate, now):
            headers = [*self.headers(key, now, counted=False), after]
            raise Refused(429, "RATE_LIMITED", "Too many requests within 60 seconds.", headers=headers)
        if used_up := self._used_up(key, 1):
            raise Refused(429, *used_up, headers=self.headers(key, now, counted=False))
        self._recent.moments.append(now)
        self.count(key, 1)
        return self.headers(key, now, counted=key.environment == "live")

    def take_bulk(self, key: SandboxKey, now: datetime, records: int = 0) -> Headers:
        """Count an export, or an import with its records, beyond the request itself; and say what is left.

        An import of more records than the volume has left is refused as a whole: what became of half of one would be
        hard to find out.

        Raises:
            Refused: it is too much; then nothing of it counts.
        """
        self._bulk.move_on(now)
        if after := self._bulk.retry_after(self.plan.bulk, now):
            raise Refused(429, "RATE_LIMITED", "Too many bulk operations within an hour.", headers=[after])
        if used_up := self._used_up(key, records):
            raise Refused(429, *used_up)
        self._bulk.moments.append(now)
        self.count(key, records)
        return self.headers(key, now, counted=key.environment == "live")

    def count(self, key: SandboxKey, requests: int) -> None:
        """Add to the volume that a key draws on."""
        if key.environment == "live":
            self.usage.used += requests
        else:
            self.usage.sandbox_used += requests

    def headers(self, key: SandboxKey, now: datetime, *, counted: bool) -> Headers:
        """The headers about the limits."""
        plan = self.plan
        found = [
            ("X-RateLimit-Limit", str(plan.rate)),
            ("X-RateLimit-Remaining", str(max(0, plan.rate - len(self._recent)))),
            ("X-RateLimit-Reset", str(self._recent.seconds_left(now) if self._recent else 0)),
            ("X-Quota-Limit", str(plan.monthly)),
            ("X-Quota-Used", str(self.usage.used)),
            ("X-Quota-Remaining", str(max(0, plan.monthly - self.usage.used))),
            ("X-Quota-Billable", "true" if counted else "false"),
            ("X-Quota-Reset", text_of_moment(_next_month(now))),
        ]
        if self.usage.used > plan.monthly:
            found.append(("X-Quota-Overage", str(self.usage.used - plan.monthly)))
        if key.environment == "test":
            found += [
                ("X-Sandbox-Limit", str(plan.sandbox)),
                ("X-Sandbox-Used", str(self.usage.sandbox_used)),
                ("X-Sandbox-Remaining", str(max(0, plan.sandbox - self.usage.sandbox_used))),
            ]
        return found

    def _used_up(self, key: SandboxKey, requests: int) -> tuple[str, str] | None:
        """Code and message, if the volume that a key draws on does not suffice for more requests."""
        if key.environment == "live":
            if self.usage.used + requests > self.plan.monthly and not self.plan.overage:
                return "MONTHLY_QUOTA_EXCEEDED", "The monthly volume of requests is used up."
        elif self.usage.sandbox_used + requests > self.plan.sandbox:
            return "SANDBOX_QUOTA_EXCEEDED", "The volume of requests with test keys is used up."
        return None

    def move_on(self, now: datetime) -> None:
        """Forget what no longer counts: with a new month, both volumes."""
        self._recent.move_on(now)
        month = (now.year, now.month)
        if self._month not in (None, month):
            self.usage.used = self.usage.sandbox_used = 0
        self._month = month


def _next_month(now: datetime) -> datetime:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
