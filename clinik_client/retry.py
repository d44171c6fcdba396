"""What happened to a request, and whether to send it again.

The rule is proof, not the HTTP method's name: a write is sent again only when it provably never left or when the
service said that it did not do it. Everything else about a write is reported, with what is known, and not repeated.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic, TypeVar

from attrs import Factory, define, evolve, field, frozen

from .error_answer import ErrorReport, read_error
from .errors import (
    QUOTA_CODES,
    ClinikApiError,
    ClinikConfigError,
    ClinikConnectionError,
    ClinikRateLimitError,
    ClinikResponseError,
    ClinikTimeoutError,
    Outcome,
    error_class,
)
from .operation import Request
from .privacy import Redactor
from .response import read_seconds
from .transport import Attempt, AttemptFailed, Reply, Transport

T = TypeVar("T")

BACKOFF_CAP: Final = 10.0
"""The longest wait between two attempts, in seconds, where the service names none."""

_LONGEST_SLEEP: Final = 1_000_000.0
# Seconds: the system's timers take no more than some weeks.

logger = logging.getLogger("clinik_client")
logger.addHandler(logging.NullHandler())


class Misread(Exception):
    """An answer that arrived whole but is not what was asked for. Never leaves the SDK."""


class Clock:
    """Time and chance, in one place so that tests can turn them."""

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        return time.monotonic()

    def utc(self) -> datetime:
        """The time of day, for ``Retry-After`` dates."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def jitter(self, most: float) -> float:
        """Some number of seconds between nothing and ``most``."""
        return random.uniform(0, most)


@frozen
class Options:
    """The limits of a call; see `clinik_client.Clinik`."""

    timeout: float = 30.0
    retries: int = 2
    deadline: float | None = None
    max_retry_wait: float = 30.0

    def __attrs_post_init__(self) -> None:
        checks = {
            "timeout": _is_time(self.timeout),
            "retries": isinstance(self.retries, int) and not isinstance(self.retries, bool) and self.retries >= 0,
            "deadline": self.deadline is None or _is_time(self.deadline),
            "max_retry_wait": _is_time(self.max_retry_wait) or self.max_retry_wait == 0,
        }
        wrong = [name for name, right in checks.items() if not right]
        if wrong:
            raise ClinikConfigError(
                f"{' and '.join(wrong)}: give a number of seconds above 0 (retries: a whole number from 0)."
            )


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


class RetryBudget:
    """Keeps retries from multiplying the load of a service that is down.

    A retry takes a token. There are 10 to begin with, and only success brings them back: however long an outage lasts,
    it costs no more than 10 extra requests for each client.
    """

    SIZE: Final = 10
    PER_SUCCESS: Final = 2

    def __init__(self) -> None:
        # A deque is safe between threads without a lock, which a fork could leave locked for ever in the child.
        self._tokens: deque[None] = deque([None] * self.SIZE, maxlen=self.SIZE)

    def take(self) -> bool:
        """Take a token, if there is one."""
        try:
            self._tokens.pop()
        except IndexError:
            return False
        return True

    def succeeded(self) -> None:
        """The service works."""
        self._tokens.extend([None] * self.PER_SUCCESS)


@frozen
class Sent(Generic[T]):
    """A call that succeeded."""

    value: T
    reply: Reply
    attempts: int
    already_deleted: bool = False


@frozen
class _Setback:
    """One attempt that did not succeed."""

    error: ClinikApiError
    again: bool
    """Whether the same request may be sent again."""
    wait: float | None = None
    """The seconds that the service asks for."""


@define
class _Doubt:
    """Whether the service may have carried out what a call asks for, although no answer says so."""

    maybe_done: bool = False
    """An attempt that is over may have been carried out."""
    under_way: Attempt | None = None

    def settle(self, outcome: Outcome) -> None:
        """The attempt that was under way is over, with this outcome."""
        self.maybe_done = self.maybe_done or outcome in ("unknown", "applied")
        self.under_way = None

    @property
    def exists(self) -> bool:
        return self.maybe_done or (self.under_way is not None and self.under_way.sent)


@define(slots=False)
class Sender:
    """Sends requests for all resources. Safe to share between threads."""

    transport: Transport
    headers: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    options: Options = Factory(Options)
    budget: RetryBudget = field(factory=RetryBudget, repr=False)
    clock: Clock = field(factory=Clock, repr=False)

    def with_options(self, options: Options) -> Sender:
        """The same connections under other limits."""
        return evolve(self, options=options)

    def send(self, request: Request, read: Callable[[Request, Reply], T]) -> Sent[T]:
        """Send a request, as often as its limits and what is known about it allow.

        Args:
            request: what to send.
            read: makes the result out of a 2xx answer; raises `Misread`.

        Raises:
            ClinikApiError: the call failed; it says what is known.
        """
        doubt = _Doubt()
        try:
            return self._send(request, read, doubt)
        except KeyboardInterrupt as error:
            if request.method != "GET" and doubt.exists:
                error.add_note(
                    f"clinik_client: {request.name} was under way: whether it was carried out is unknown. "
                    "Look before sending it again."
                )
            raise

    def _send(self, request: Request, read: Callable[[Request, Reply], T], doubt: _Doubt) -> Sent[T]:
        clock, options = self.clock, self.options
        end = float("inf") if options.deadline is None else clock.now() + options.deadline
        number = 0
        while True:
            number += 1
            started = clock.now()
            attempt = Attempt(until=time.monotonic() + min(options.timeout, end - started))
            doubt.under_way = attempt
            result = self._attempt(request, attempt, read, doubt.maybe_done)
            self._log(request, attempt, result, number, clock.now() - started)
            if not isinstance(result, _Setback):
                self.budget.succeeded()
                return evolve(result, attempts=number)
            error = result.error
            error.attempts = number
            # What an earlier attempt may have done, a later rejection does not undo.
            doubt.settle(error.outcome)
            if doubt.maybe_done and request.method != "GET" and error.outcome in ("not_sent", "rejected"):
                error.outcome = "unknown"
            wait = result.wait
            if wait is None:
                wait = clock.jitter(min(BACKOFF_CAP, 2.0 ** min(number - 1, 10)))
            elif wait > min(options.max_retry_wait, _LONGEST_SLEEP):
                raise error
            if not result.again or number > options.retries or clock.now() + wait >= end or not self.budget.take():
                raise error
            clock.sleep(wait)

    def _attempt(
        self, request: Request, attempt: Attempt, read: Callable[[Request, Reply], T], maybe_done: bool
    ) -> Sent[T] | _Setback:
        headers = self.headers
        if request.body is not None:
            headers = (*headers, (b"Content-Type", b"application/json"))
        misread: str
        try:
            reply = self.transport.send(request.method, request.target, headers, request.content, attempt)
            if not 200 <= reply.status <= 299:
                return self._answered(request, reply, maybe_done, read)
            return Sent(read(request, reply), reply, 1)
        except AttemptFailed as failure:
            if attempt.status is not None and not 200 <= attempt.status <= 299:
                # The status says enough, even where the rest of the answer was lost.
                return self._answered(request, Reply(attempt.status, attempt.headers, b""), maybe_done, read)
            return self._failed(request, attempt, failure)
        except Misread as error:
            misread = str(error)
        return self._setback(request, attempt, ClinikResponseError, misread)

    def _failed(self, request: Request, attempt: Attempt, failure: AttemptFailed) -> _Setback:
        error: type[ClinikApiError] = ClinikConnectionError
        if failure.timed_out:
            error = ClinikTimeoutError
        elif failure.malformed:
            error = ClinikResponseError
        elif failure.final and not attempt.sent and self.transport.closed:
            error = ClinikConfigError
        return self._setback(request, attempt, error, failure.text, final=failure.final)

    def _setback(
        self, request: Request, attempt: Attempt, error: type[ClinikApiError], text: str, *, final: bool = False
    ) -> _Setback:
        outcome: Outcome = "not_sent"
        if attempt.sent:
            outcome = "applied" if attempt.promised else "unknown"
        return _Setback(
            error(
                text,
                status=attempt.status,
                request_id=self._request_id(request, attempt.headers),
                outcome=outcome,
                operation=request.name,
            ),
            again=not final and (outcome == "not_sent" or request.repeatable),
        )

    def _answered(
        self, request: Request, reply: Reply, maybe_done: bool, read: Callable[[Request, Reply], T]
    ) -> Sent[T] | _Setback:
        status = reply.status
        if status == 404 and request.deletes and maybe_done:
            return Sent(read(request, Reply(204, reply.headers, b"")), reply, 1, already_deleted=True)
        told = read_error(reply, self._redactor(request))
        error = error_class(status, told.code)
        facts: dict[str, Any] = {
            "code": told.code,
            "status": status,
            "request_id": told.request_id,
            "issues": told.issues,
            "outcome": "rejected" if 300 <= status <= 499 else "unknown",
            "operation": request.name,
        }
        wait = self._retry_after(reply, told) if status in (429, 503) else None
        if issubclass(error, ClinikRateLimitError):
            facts["retry_after"] = wait
        refused_for_now = status == 429 and told.code not in QUOTA_CODES
        again = refused_for_now or (request.repeatable and not 300 <= status <= 499)
        return _Setback(error(told.message, **facts), again, wait)

    def _retry_after(self, reply: Reply, told: ErrorReport) -> float | None:
        header = reply.headers.get("retry-after", "")
        if (seconds := read_seconds(header)) is not None:
            return seconds
        try:
            date = parsedate_to_datetime(header)
        except (TypeError, ValueError, OverflowError):
            date = None
        if date is not None:
            date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
            return max(0.0, (date - self.clock.utc()).total_seconds())
        if reply.status != 429 or told.code in QUOTA_CODES:
            # A used-up quota does not come back with the rate limit's window.
            return None
        reset = read_seconds(reply.headers.get("x-ratelimit-reset"))
        return told.rate_limit_reset if reset is None else reset

    def _redactor(self, request: Request) -> Redactor:
        return Redactor(request.texts(), dict(self.headers).get(b"x-api-key", b"").decode("latin-1"))

    def _request_id(self, request: Request, headers: Mapping[str, str]) -> str | None:
        return self._redactor(request).request_id(headers.get("x-request-id"))

    def _log(
        self, request: Request, attempt: Attempt, result: Sent[Any] | _Setback, number: int, seconds: float
    ) -> None:
        failed = isinstance(result, _Setback)
        level = logging.WARNING if failed else logging.DEBUG
        if logger.isEnabledFor(level):
            logger.log(
                level,
                "%s -> %s in %.0f ms, attempt %d, request %s%s",
                request.name,
                attempt.status if attempt.status is not None else "no answer",
                seconds * 1000,
                number,
                self._request_id(request, attempt.headers) or "-",
                f", outcome {result.error.outcome}" if isinstance(result, _Setback) else "",
            )
