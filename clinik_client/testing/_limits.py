"""What an organization may ask: so many requests within a minute, and so many in a month (contract: rate limits)."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field, frozen, validators

from ._answers import Headers, Refused, text_of_moment
from ._keys import SandboxKey

__all__ = ["Plan", "Usage"]

_WINDOW: Final = timedelta(seconds=60)


@frozen
class Plan:
    """How much an organization may ask.

    Args:
        rate: requests within 60 seconds, of all of its keys together.
        monthly: requests with live keys in a month.
        sandbox: requests with test keys in a month.
        overage: whether requests beyond ``monthly`` are served and billed.

    Raises:
        TypeError: a number is none.
        ValueError: a number is negative, or ``rate`` is 0.
    """

    rate: int = field(default=500, validator=[validators.instance_of(int), validators.ge(1)])
    monthly: int = field(default=600_000, validator=[validators.instance_of(int), validators.ge(0)])
    sandbox: int = field(default=600_000, validator=[validators.instance_of(int), validators.ge(0)])
    overage: bool = field(default=False, validator=validators.instance_of(bool))


@define
class Usage:
    """What one organization has asked. The two volumes are counted apart, and refused requests not at all."""

    plan: Plan
    used: int = 0
    """Of the monthly volume."""
    sandbox_used: int = 0
    _recent: deque[datetime] = field(factory=deque)
    _month: tuple[int, int] | None = None

    def take(self, key: SandboxKey, now: datetime) -> Headers:
        """Count a request, and say what is left.

        Raises:
            Refused: it is one too many; it does not count.
        """
        self._move_on(now)
        excess = len(self._recent) - self.plan.rate
        if excess >= 0:
            # The plan may have become smaller: then more than one request has to leave the window first.
            after = ("Retry-After", str(_seconds_left(self._recent[excess], now)))
            headers = [*self.headers(key, now, counted=False), after]
            raise Refused(429, "RATE_LIMITED", "Too many requests within 60 seconds.", headers=headers)
        live = key.environment == "live"
        if live and self.used >= self.plan.monthly and not self.plan.overage:
            raise self._used_up("MONTHLY_QUOTA_EXCEEDED", "The monthly volume of requests is used up.", key, now)
        if not live and self.sandbox_used >= self.plan.sandbox:
            raise self._used_up("SANDBOX_QUOTA_EXCEEDED", "The volume of sandbox requests is used up.", key, now)
        self._recent.append(now)
        self.count(key, 1)
        return self.headers(key, now, counted=live)

    def count(self, key: SandboxKey, requests: int) -> None:
        """Add to the volume that a key draws on."""
        if key.environment == "live":
            self.used += requests
        else:
            self.sandbox_used += requests

    def headers(self, key: SandboxKey, now: datetime, *, counted: bool) -> Headers:
        """The headers about the limits."""
        plan = self.plan
        found = [
            ("X-RateLimit-Limit", str(plan.rate)),
            ("X-RateLimit-Remaining", str(max(0, plan.rate - len(self._recent)))),
            ("X-RateLimit-Reset", str(_seconds_left(self._recent[0], now) if self._recent else 0)),
            ("X-Quota-Limit", str(plan.monthly)),
            ("X-Quota-Used", str(self.used)),
            ("X-Quota-Remaining", str(max(0, plan.monthly - self.used))),
            ("X-Quota-Billable", "true" if counted else "false"),
            ("X-Quota-Reset", text_of_moment(_next_month(now))),
        ]
        if self.used > plan.monthly:
            found.append(("X-Quota-Overage", str(self.used - plan.monthly)))
        if key.environment == "test":
            found += [
                ("X-Sandbox-Limit", str(plan.sandbox)),
                ("X-Sandbox-Used", str(self.sandbox_used)),
                ("X-Sandbox-Remaining", str(max(0, plan.sandbox - self.sandbox_used))),
            ]
        return found

    def _used_up(self, code: str, message: str, key: SandboxKey, now: datetime) -> Refused:
        return Refused(429, code, message, headers=self.headers(key, now, counted=False))

    def _move_on(self, now: datetime) -> None:
        while self._recent and self._recent[0] <= now - _WINDOW:
            self._recent.popleft()
        # A clock that was set back leaves requests of the future behind: they are forgotten, too.
        while self._recent and self._recent[-1] > now:
            self._recent.pop()
        month = (now.year, now.month)
        if self._month not in (None, month):
            self.used = self.sandbox_used = 0
        self._month = month


def _seconds_left(taken: datetime, now: datetime) -> int:
    """In how many whole seconds a request of the window no longer counts."""
    return math.ceil((taken + _WINDOW - now).total_seconds())


def _next_month(now: datetime) -> datetime:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
