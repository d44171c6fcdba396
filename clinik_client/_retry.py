"""What happened to a request, and whether to send it again.

The rule is proof, not the HTTP method's name: a write is sent again only when it provably never left or when the
service said that it did not do it. Everything else about a write is reported, with what is known, and not repeated.
"""

from __future__ import annotations

import logging
import random
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NoReturn, Protocol, Self, TypeVar

from attrs import Factory, define, evolve, field, frozen

from ._errors import (
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
from ._interruption import is_interruption
from ._operation import Request
from ._privacy import Redactor
from ._reading import ErrorReport, InvalidResponse, read_error
from ._response import read_seconds
from ._transport import Attempt, AttemptFailed, Register, Reply, Transport, Wait

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAYBE_DONE: Final = ("unknown", "applied")
"""The outcomes after which a write may have been carried out."""

BACKOFF_CAP: Final = 10.0
"""The longest wait between two attempts, in seconds, where the service names none."""

_LONGEST_SLEEP: Final = 1_000_000.0
# Seconds: the system's timers take no more than some weeks.

logger = logging.getLogger("clinik_client")
logger.addHandler(logging.NullHandler())
_logging: ContextVar[bool] = ContextVar("_logging", default=False)


class Clock:
    """Time and chance, in one place so that tests can turn them."""

    _waits: Register[Wait]
    _stopped: bool

    def __new__(cls, *_: Any) -> Self:
        # Not in __init__, which the clocks of tests replace.
        clock = super().__new__(cls)
        clock._waits, clock._stopped = Register(), False
        return clock

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
            "max_retry_wait": _is_time(self.max_retry_wait, or_zero=True),
        }
        wrong = [name for name, right in checks.items() if not right]
        if wrong:
            raise ClinikConfigError(
                f"{' and '.join(wrong)}: give a number of seconds above 0, float('inf') for no limit "
                "(retries: a whole number from 0)."
            )


def _is_time(value: Any, *, or_zero: bool = False) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    # An int can be too large to be added to the clock's float.
    return value == float("inf") or 0 < value <= sys.float_info.max or (or_zero and value == 0)


class RetryBudget:
    """Keeps retries from multiplying the load of a service that is down.

    As long as nothing succeeds, there are 10 retries, or a tenth of the calls that failed if these are more. Calls that
    begin after 10 seconds without a success have the tenth only. Any success starts this anew, and so does a minute
    without any call that failed.

    A retry is counted when it is sent, not when its wait begins. So a short outage costs the many threads of a client
    no more retries than the few that come back too early: the first that succeeds frees the others.
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
            outage = self._outage = _Outage(now, now)
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


@define
class _Outage:
    """A time in which nothing succeeds."""

    since: float
    latest: float
    # Appending is one step, which a counter is not: threads count together without a lock, which a fork could leave
    # locked for ever in the child.
    calls: deque[None] = field(factory=lambda: deque(maxlen=1_000_000))
    retries: deque[None] = field(factory=lambda: deque(maxlen=1_000_000))


class Read(Protocol[T_co]):
    """Makes the result of a call out of a 2xx answer; raises `InvalidResponse`."""

    def __call__(self, request: Request, reply: Reply, attempts: int, already_deleted: bool) -> T_co: ...


@frozen
class FailedAttempt:
    """One attempt that did not succeed."""

    error: ClinikApiError
    again: bool
    """Whether the same request may be sent again."""
    wait: float | None = None
    """The seconds that the service asks for."""


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


@define
class WriteState:
    """Whether the service may have carried out what a call asks for, although no answer says so."""

    request: Request | None = field(default=None, repr=False)
    """The write."""
    maybe_done: bool = False
    """An attempt that is over may have been carried out."""
    under_way: Attempt | None = field(default=None, repr=False)

    def begin(self, request: Request) -> None:
        """This is what is going to be sent."""
        self.request = None if request.method == "GET" else request

    def settle(self, outcome: Outcome) -> None:
        """The attempt that was under way is over, with this outcome."""
        self.maybe_done = self.maybe_done or outcome in MAYBE_DONE
        self.under_way = None

    @property
    def note(self) -> str | None:
        """What to say of a write that was interrupted; ``None`` if nothing can have been done."""
        attempt, request = self.under_way, self.request
        if request is None or not (self.maybe_done or (attempt is not None and attempt.outcome in MAYBE_DONE)):
            return None
        return (
            f"clinik_client: {request.name} was under way: whether it was carried out is unknown. "
            "Look before sending it again."
        )


@define(slots=False)
class Session:
    """Sends requests for all resources. Safe to share between threads."""

    transport: Transport
    headers: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    options: Options = Factory(Options)
    budget: RetryBudget = field(factory=RetryBudget, repr=False)
    clock: Clock = field(factory=Clock, repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("What sends requests holds a key and connections: it cannot be pickled or copied.")

    def with_options(self, options: Options) -> Session:
        """The same connections under other limits."""
        return evolve(self, options=options)

    def close(self) -> None:
        """End all calls that are under way, and their waits."""
        self.transport.close()
        self.clock.stop()

    def send(self, request: Request, read: Read[T], state: WriteState | None = None) -> T:
        """Send a request, as often as its limits and what is known about it allow.

        Args:
            request: what to send.
            read: makes the result out of a 2xx answer.
            state: receives what becomes known, for the case that a signal handler ends the call.

        Raises:
            ClinikApiError: the call failed; it says what is known.
        """
        state = state or WriteState()
        state.begin(request)
        clock, options = self.clock, self.options
        begun = clock.now()
        end = float("inf") if options.deadline is None else begun + options.deadline
        number = 0
        while True:
            number += 1
            started = clock.now()
            attempt = Attempt(until=time.monotonic() + min(options.timeout, end - started))
            state.under_way = attempt
            result = self._attempt(request, attempt, read, number, state.maybe_done)
            self._log(request, attempt, result, number, clock.now() - started)
            if not isinstance(result, FailedAttempt):
                self.budget.succeeded()
                return result
            error = result.error
            error.attempts = number
            # What an earlier attempt may have done, a later rejection does not undo.
            state.settle(error.outcome)
            if state.maybe_done and request.method != "GET" and error.outcome in ("not_sent", "rejected"):
                error.outcome = "unknown"
            if not self._waits_for_retry(result, number, begun, end):
                raise error

    def _waits_for_retry(self, failed: FailedAttempt, number: int, begun: float, end: float) -> bool:
        """Wait until the request may be sent again; false if it may not."""
        clock, options, wait = self.clock, self.options, failed.wait
        if wait is None and number == 1:
            self.budget.failed(clock.now())
        if not failed.again or number > options.retries:
            return False
        # A wait that the service asks for is its own remedy against too much load: it takes nothing of the budget.
        asked = wait is not None
        if wait is None:
            wait = clock.jitter(min(BACKOFF_CAP, 2.0 ** min(number - 1, 10)))
        elif wait > min(options.max_retry_wait, _LONGEST_SLEEP):
            return False
        if clock.now() + wait >= end:
            return False
        clock.sleep(wait)
        return not self.transport.closed and (asked or self.budget.take(begun))

    def _attempt(
        self, request: Request, attempt: Attempt, read: Read[T], number: int, maybe_done: bool
    ) -> T | FailedAttempt:
        headers = self.headers
        if request.body is not None:
            headers = (*headers, (b"Content-Type", b"application/json"))
        invalid: InvalidResponse
        try:
            reply = self.transport.send(request.method, request.target, headers, request.content, attempt)
            if not 200 <= reply.status <= 299:
                return self._answered(request, reply, read, number, maybe_done)
            return read(request, reply, number, False)
        except AttemptFailed as failure:
            if attempt.status is not None and not 200 <= attempt.status <= 299:
                # The status says enough, even where the rest of the answer was lost.
                reply = Reply(attempt.status, attempt.headers, b"")
                return self._answered(request, reply, read, number, maybe_done)
            return self._failed(request, attempt, failure)
        except InvalidResponse as error:
            invalid = error
        outcome: Outcome = "unknown" if invalid.another else attempt.outcome
        return self._failed_attempt(request, attempt, ClinikResponseError, str(invalid), outcome)

    def _failed(self, request: Request, attempt: Attempt, failure: AttemptFailed) -> FailedAttempt:
        error: type[ClinikApiError] = ClinikConnectionError
        if failure.timed_out:
            error = ClinikTimeoutError
        elif failure.malformed:
            error = ClinikResponseError
        elif failure.final and not attempt.sent and self.transport.closed:
            error = ClinikConfigError
        return self._failed_attempt(request, attempt, error, failure.text, attempt.outcome, final=failure.final)

    def _failed_attempt(
        self,
        request: Request,
        attempt: Attempt,
        error: type[ClinikApiError],
        text: str,
        outcome: Outcome,
        *,
        final: bool = False,
    ) -> FailedAttempt:
        return FailedAttempt(
            error(
                text,
                status=attempt.status,
                request_id=self._request_id(request, attempt.headers),
                outcome=outcome,
                operation=request.name,
            ),
            again=may_be_sent_again(request, outcome, final=final),
        )

    def _answered(
        self, request: Request, reply: Reply, read: Read[T], number: int, maybe_done: bool
    ) -> T | FailedAttempt:
        status = reply.status
        if status == 404 and request.deletes and maybe_done:
            return read(request, reply, number, True)
        told = read_error(reply, self._redactor(request))
        error = error_class(status, told.code)
        outcome: Outcome = "rejected" if 300 <= status <= 499 else "unknown"
        facts: dict[str, Any] = {
            "code": told.code,
            "status": status,
            "request_id": told.request_id,
            "issues": told.issues,
            "outcome": outcome,
            "operation": request.name,
        }
        wait = self._retry_after(reply, told) if status in (429, 503) else None
        if issubclass(error, ClinikRateLimitError):
            facts["retry_after"] = wait
        limited = status == 429 and told.code not in QUOTA_CODES
        return FailedAttempt(error(told.message, **facts), may_be_sent_again(request, outcome, limited=limited), wait)

    def _retry_after(self, reply: Reply, told: ErrorReport) -> float | None:
        header = reply.headers.get("retry-after", "")
        if (seconds := read_seconds(header)) is not None:
            return seconds
        try:
            date = parsedate_to_datetime(header)
        except (TypeError, ValueError, OverflowError) as error:
            if is_interruption(error):
                raise
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

    def _log(self, request: Request, attempt: Attempt, result: object, number: int, seconds: float) -> None:
        failed = isinstance(result, FailedAttempt)
        level = logging.WARNING if failed else logging.DEBUG
        # A handler that makes calls itself would otherwise be told of these, and make calls for ever.
        if not logger.isEnabledFor(level) or _logging.get():
            return
        try:
            _logging.set(True)
            logger.log(
                level,
                "%s -> %s in %.0f ms, attempt %d, request %s%s",
                request.name,
                attempt.status if attempt.status is not None else "no answer",
                seconds * 1000,
                number,
                self._request_id(request, attempt.headers) or "-",
                f", outcome {result.error.outcome}" if isinstance(result, FailedAttempt) else "",
            )
        finally:
            _logging.set(False)
