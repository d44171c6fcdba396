"""What happens to a request: attempts, until there is a response or an error that says what is known."""

from __future__ import annotations

import sys
import time
from logging import DEBUG, ERROR, INFO, WARNING
from typing import Any, Final, NoReturn

from attrs import frozen

from ._errors import (
    QUOTA_CODES,
    ClinikApiError,
    ClinikConfigError,
    ClinikConflictError,
    ClinikConnectionError,
    ClinikNotFoundError,
    ClinikRateLimitError,
    ClinikResponseError,
    ClinikTimeoutError,
    ClinikValidationError,
    Outcome,
    error_class,
)
from ._log import is_logged, log
from ._operation import KEY_HEADER, Request
from ._privacy import Redactor
from ._proof import is_refusal
from ._reading import ErrorReport, InvalidResponse, read_error, read_response, says_gone
from ._response import ApiResponse
from ._retry import BACKOFF_CAP, Clock, RetryBudget, WriteState, may_be_sent_again, wait_asked_for
from ._transport import Attempt, AttemptFailed, HttpResponse, Transport
from ._vocabulary import document_words

_LONGEST_SLEEP: Final = 1_000_000.0
# Seconds: the system's timers take no more than some weeks.

_REFUSALS: Final = (ClinikNotFoundError, ClinikConflictError, ClinikValidationError)
# What a program may well expect: the service works, and says no to this request.


@frozen
class Options:
    """The limits of a call; see `clinik_client.Clinik`."""

    timeout: float = 30.0
    retries: int = 2
    deadline: float | None = None
    max_retry_wait: float = 30.0

    def __attrs_post_init__(self) -> None:
        seconds = "a number of seconds above 0, float('inf') for no limit"
        whole = isinstance(self.retries, int) and not isinstance(self.retries, bool) and self.retries >= 0
        checks = {
            "timeout": (_is_time(self.timeout), seconds),
            "retries": (whole, "a whole number from 0"),
            "deadline": (self.deadline is None or _is_time(self.deadline), f"{seconds}, None for none"),
            "max_retry_wait": (_is_time(self.max_retry_wait, or_zero=True), f"{seconds}, 0 for no wait"),
        }
        wrong = [f"{name}: give {wanted}" for name, (right, wanted) in checks.items() if not right]
        if wrong:
            raise ClinikConfigError(f"{'; '.join(wrong)}.")


def _is_time(value: Any, *, or_zero: bool = False) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    # An int can be too large to be added to the clock's float.
    return value == float("inf") or 0 < value <= sys.float_info.max or (or_zero and value == 0)


class FailedAttempt:
    """One attempt that did not succeed.

    Args:
        error: what to raise if it was the last one.
        again: whether the same request may be sent again.
        wait: the seconds that the service asks for.
    """

    def __init__(self, error: ClinikApiError, again: bool, wait: float | None = None) -> None:
        self.error = error
        self.again = again
        self.wait = wait


class Session:
    """Sends requests for all resources. Safe to share between threads.

    Args:
        transport: the connections.
        headers: those of every request, the key among them.
        options: the limits of a call.
        clock: the time, and waiting.
    """

    def __init__(
        self,
        transport: Transport,
        headers: tuple[tuple[bytes, bytes], ...],
        options: Options,
        clock: Clock | None = None,
    ) -> None:
        self.transport = transport
        self.headers = headers
        self.options = options
        self.clock = clock or Clock()
        self.budget = RetryBudget()
        self.media_types: dict[str, str] = {}
        """By method and route: the media type that the service took, where it refused one before. Views share it."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("What sends requests holds a key and connections: it cannot be pickled or copied.")

    def with_options(self, options: Options) -> Session:
        """The same connections under other limits."""
        view = object.__new__(type(self))
        vars(view).update(vars(self), options=options)
        return view

    def close(self) -> None:
        """End all calls that are under way, and their waits."""
        self.transport.close()
        self.clock.stop()

    def send(self, request: Request, same: tuple[str, ...] = (), state: WriteState | None = None) -> ApiResponse[Any]:
        """Send a request, as often as its limits and what is known about it allow.

        Args:
            request: what to send.
            same: see `clinik_client._resource.Resource`.
            state: receives what becomes known, for the case that a signal handler ends the call.

        Raises:
            ClinikApiError: the call failed; it says what is known.
        """
        state = state or WriteState()
        state.request = request
        clock, options = self.clock, self.options
        started = begun = clock.now()
        end = float("inf") if options.deadline is None else begun + options.deadline
        media_type = self.media_types.get(request.name, request.media_types[0])
        number = 0
        while True:
            number += 1
            if is_logged(DEBUG):
                log(DEBUG, "%s: attempt %d begins", request.name, number)
            state.under_way = attempt = Attempt(until=time.monotonic() + min(options.timeout, end - started))
            result = self._attempt(request, same, attempt, number, state.maybe_done, media_type)
            if not isinstance(result, FailedAttempt):
                self.budget.succeeded()
                if is_logged(INFO):
                    took, meta = (clock.now() - started) * 1000, result.meta
                    request_id = self._redactor(request).request_id(meta.request_id)
                    told = (request.name, meta.status, took, number, request_id or "-")
                    log(INFO, "%s -> %s in %.0f ms, attempt %d, request %s", *told)
                return result
            error = result.error
            error.attempts = number
            # What an earlier attempt may have done, a later rejection does not undo.
            state.settle(error.outcome)
            if state.maybe_done and request.method != "GET" and error.outcome in ("not_sent", "rejected"):
                error.outcome = "unknown"
            took = clock.now() - started
            if (other := self._next_media_type(request, media_type, error)) is not None and clock.now() < end:
                _log_failure(WARNING, error, took)
                _log_retry(error, f"again at once, as {other},")
                media_type, started = other, clock.now()
                continue
            if not self._waits_for_retry(result, number, begun, end, took):
                _log_failure(WARNING if isinstance(error, _REFUSALS) else ERROR, error, took)
                raise error
            started = clock.now()

    def _next_media_type(self, request: Request, refused: str, error: ClinikApiError) -> str | None:
        """After a 415 of the service, which has done nothing: the media type to try at once, if there is one left."""
        if error.status != 415 or error.outcome != "rejected":
            return None
        rest = request.media_types[request.media_types.index(refused) + 1 :]
        if not rest:
            # The next call begins anew.
            self.media_types.pop(request.name, None)
            return None
        self.media_types[request.name] = rest[0]
        return rest[0]

    def _waits_for_retry(self, failed: FailedAttempt, number: int, begun: float, end: float, took: float) -> bool:
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
        _log_failure(WARNING, failed.error, took)
        _log_retry(failed.error, f"retry {number} of {options.retries} in {wait:.1f} s")
        clock.sleep(wait)
        return not self.transport.closed and (asked or self.budget.take(begun))

    def _attempt(
        self,
        request: Request,
        same: tuple[str, ...],
        attempt: Attempt,
        number: int,
        maybe_done: bool,
        media_type: str,
    ) -> ApiResponse[Any] | FailedAttempt:
        headers = self.headers
        if request.body is not None:
            headers = (*headers, (b"Content-Type", media_type.encode()))
        if request.headers:
            given = {name.lower().encode() for name, _ in request.headers}
            kept = (pair for pair in headers if pair[0].lower() not in given)
            headers = (*kept, *((name.encode(), value.encode()) for name, value in request.headers))
        invalid: InvalidResponse
        try:
            response = self.transport.exchange(request.method, request.target, headers, request.content, attempt)
        except AttemptFailed as failure:
            if attempt.status is None or 200 <= attempt.status <= 299:
                return self._no_response(request, attempt, failure)
            # The status says enough, even where the rest was lost.
            response = HttpResponse(attempt.status, attempt.headers, b"")
        gone = False
        if not 200 <= response.status <= 299:
            told = read_error(response, self._redactor(request))
            gone = request.deletes and maybe_done and says_gone(response, told)
            if not gone:
                return self._error_response(request, response, told)
        try:
            return read_response(request, response, number, gone, same)
        except InvalidResponse as error:
            invalid = error
        outcome: Outcome = "unknown" if invalid.another else attempt.outcome
        return self._failed_attempt(request, attempt, ClinikResponseError(str(invalid), outcome=outcome))

    def _no_response(self, request: Request, attempt: Attempt, failure: AttemptFailed) -> FailedAttempt:
        facts: dict[str, Any] = {"code": failure.code, "outcome": attempt.outcome}
        error: type[ClinikApiError] = ClinikConnectionError
        if failure.phase is not None:
            error = ClinikTimeoutError
            facts["phase"] = failure.phase
        elif failure.malformed:
            error = ClinikResponseError
        elif failure.code in ("client_closed", "public_service") and not attempt.sent:
            error = ClinikConfigError
        return self._failed_attempt(request, attempt, error(failure.text, **facts), final=failure.final)

    def _failed_attempt(
        self, request: Request, attempt: Attempt, error: ClinikApiError, *, final: bool = False
    ) -> FailedAttempt:
        error.status = attempt.status
        error.request_id = self._redactor(request).request_id(attempt.headers.get("x-request-id"))
        error.operation = request.name
        return FailedAttempt(error, again=may_be_sent_again(request, error.outcome, final=final))

    def _error_response(self, request: Request, response: HttpResponse, told: ErrorReport) -> FailedAttempt:
        status = response.status
        error = error_class(status, told.code)
        if issubclass(error, ClinikNotFoundError) and not told.own:
            # Something on the way knows nothing of the path, which says nothing of the record.
            error = ClinikResponseError
        outcome: Outcome = "rejected" if is_refusal(status, told.own) else "unknown"
        message, code = told.message, told.code
        if status == 407 and code is None:
            message, code = self.transport.login_wanted or message, "proxy_login"
        facts: dict[str, Any] = {
            "code": code,
            "status": status,
            "request_id": told.request_id,
            "issues": told.issues,
            "outcome": outcome,
            "operation": request.name,
        }
        wait = wait_asked_for(response, told, self.clock.utc())
        if issubclass(error, ClinikRateLimitError):
            facts["retry_after"] = wait
        limited = status == 429 and told.code not in QUOTA_CODES and (told.own or request.repeatable)
        again = may_be_sent_again(request, outcome, limited=limited, final=status < 500 and not limited)
        return FailedAttempt(error(message, **facts), again, wait)

    def _redactor(self, request: Request) -> Redactor:
        key = dict(self.headers).get(KEY_HEADER.encode("ascii"), b"").decode("latin-1")
        return Redactor(request.texts(), key, document_words())


def _log_failure(level: int, error: ClinikApiError, took: float) -> None:
    if not is_logged(level):
        return
    told = f"{type(error).__name__} {error.code or error.status}"
    if error.status is None:
        # Then the message is the SDK's own.
        told += f": {error.message}"
    log(
        level,
        "%s -> %s in %.0f ms, attempt %d, request %s, outcome %s, %s",
        error.operation,
        error.status or "no response",
        took * 1000,
        error.attempts,
        error.request_id or "-",
        error.outcome,
        told,
    )


def _log_retry(error: ClinikApiError, when: str) -> None:
    if is_logged(INFO):
        log(INFO, "%s: %s after %s %s", error.operation, when, type(error).__name__, error.status or error.code)
