"""One tree of exceptions. Every error that the SDK raises for a call is a `ClinikApiError`.

No error's text, arguments, context or pickle holds an API key, or an id or health data that the request carried: routes
are named by their template (``GET /v1/encounters/{id}``), fields by their name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, TypedDict

Outcome = Literal["not_sent", "rejected", "unknown", "applied"]
"""What is known about the fate of a request.

* ``not_sent``: proven not to have left; nothing was changed.
* ``rejected``: the service said that it did not do it, or nobody can have passed it on; nothing was changed.
* ``unknown``: it may or may not have been done. Look before sending it again.
* ``applied``: the service said that it did it, but its response could not be read.
"""

Phase = Literal["lookup", "connect", "tls", "proxy", "send", "wait", "read"]
"""What was being done when the time was up: looking up the name, connecting, the TLS handshake, waiting for a proxy's
tunnel, sending the request, waiting for the response, reading it."""

_SHOWN_ISSUES = 20


class Issue(TypedDict, total=False):
    """One problem of a request, in the form of the API's own ``issues`` (API documentation, errors)."""

    severity: str
    code: str
    diagnostics: str
    """Field and constraint, never a value: ``lengthMinutes: must be at most 10080``."""
    location: list[str]
    """The path of the field in the request: ``["diagnosis", "0", "rank"]``."""


class ClinikWarning(UserWarning):
    """Something works, and may not be what was meant: keys or health data at risk, a code that is not documented."""


class ClinikApiError(Exception):
    """Something went wrong with a call; the root of all errors of this SDK.

    Attributes:
        message: what went wrong, for people.
        code: the API's code (``NOT_FOUND``), or the SDK's own in lower case (``timeout``); ``None`` if there was none.
        status: the HTTP status; ``None`` where there was no response.
        request_id: the service's id of the exchange, to name to its support; ``None`` where there was no response.
        issues: what was wrong with which field, in the API's own form.
        attempts: how many times the request was tried; 0 if it was refused before that.
        outcome: what is known about the fate of the request, see `Outcome`.
        operation: method and route template, ``PATCH /v1/encounters/{id}``.

    Example:
        >>> error = ClinikNotFoundError("Encounter not found", code="NOT_FOUND", status=404, outcome="rejected")
        >>> print(error)
        404 NOT_FOUND: Encounter not found (outcome: rejected)
    """

    default_code: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        issues: Iterable[Issue] = (),
        attempts: int = 0,
        outcome: Outcome = "not_sent",
        operation: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code if code is not None else self.default_code
        self.status = status
        self.request_id = request_id
        self.issues: list[Issue] = list(issues)
        self.attempts = attempts
        self.outcome: Outcome = outcome
        self.operation = operation

    def __str__(self) -> str:
        head = " ".join(str(part) for part in (self.status, self.code) if part is not None)
        facts = [
            self.operation,
            f"request {self.request_id}" if self.request_id else None,
            f"{self.attempts} attempts" if self.attempts > 1 else None,
            f"outcome: {self.outcome}",
        ]
        told = [issue["diagnostics"] for issue in self.issues if issue.get("diagnostics")]
        listed = "; ".join(told[:_SHOWN_ISSUES])
        if len(told) > _SHOWN_ISSUES:
            listed += f"; and {len(told) - _SHOWN_ISSUES} more, see issues"
        text = f"{head}: {self.message}" if head else self.message
        text += f" ({', '.join(fact for fact in facts if fact)})"
        # One line, so that an error is one line in a log.
        return " ".join((f"{text}: {listed}" if listed else text).splitlines())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} status={self.status} code={self.code} outcome={self.outcome}>"


class ClinikValidationError(ClinikApiError):
    """The request is not valid: found before sending (``status`` is ``None``), or refused with 422."""

    default_code = "VALIDATION_ERROR"


class ClinikAuthError(ClinikApiError):
    """401: the key is missing, malformed, unknown, revoked or expired."""


class ClinikPermissionError(ClinikApiError):
    """403: the key lacks the scope for this operation."""


class ClinikNotFoundError(ClinikApiError):
    """404: there is no such record, or it belongs to another tenant."""


class ClinikConflictError(ClinikApiError):
    """409: the record was changed meanwhile."""


class ClinikRateLimitError(ClinikApiError):
    """429: too many requests in the window; it recovers within the window.

    Attributes:
        retry_after: seconds to wait, as the service said; ``None`` if it did not.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.retry_after = retry_after


class ClinikQuotaError(ClinikRateLimitError):
    """429: the volume of the month or of the sandbox is used up. Waiting does not help; it is never retried."""


class ClinikServerError(ClinikApiError):
    """5xx: something failed on the way or in the service. A write may have been applied: see ``outcome``."""


class ClinikConnectionError(ClinikApiError):
    """There was no usable connection: refused, reset, cut, no such host, bad certificate, proxy trouble."""

    default_code = "connection"


class ClinikTimeoutError(ClinikConnectionError):
    """``timeout`` or ``deadline`` passed (code ``timeout``).

    Attributes:
        phase: what was being done then, see `Phase`; the message says the same in words.
    """

    default_code = "timeout"

    def __init__(self, message: str, *, phase: Phase | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.phase = phase


class ClinikResponseError(ClinikApiError):
    """A response that cannot be understood: not JSON, cut short, too large, or about another record."""

    default_code = "response"


class ClinikConfigError(ClinikApiError):
    """The client is set up wrongly: no key, a malformed key or URL, a missing CA file; or it is closed."""

    default_code = "config"


STATUS_ERRORS: dict[int, type[ClinikApiError]] = {
    401: ClinikAuthError,
    403: ClinikPermissionError,
    404: ClinikNotFoundError,
    409: ClinikConflictError,
    422: ClinikValidationError,
    429: ClinikRateLimitError,
}
"""The class for a status; any other 5xx is a `ClinikServerError`, any other 3xx or 4xx a `ClinikApiError`."""

QUOTA_CODES = frozenset({"MONTHLY_QUOTA_EXCEEDED", "SANDBOX_QUOTA_EXCEEDED"})
"""The codes of a 429 that does not recover by waiting."""

DOCUMENTED_CODES = QUOTA_CODES | {
    "INVALID_JSON",
    "METHOD_OVERRIDE_REJECTED",
    "UNAUTHORIZED",
    "INVALID_KEY_FORMAT",
    "INVALID_KEY",
    "KEY_REVOKED",
    "KEY_EXPIRED",
    "NOT_FOUND",
    "VALIDATION_ERROR",
    "RATE_LIMITED",
    "INTERNAL_ERROR",
}
"""The codes that the API documents; more may come."""

ISSUE_TYPES = frozenset(
    {
        "invalid",
        "structure",
        "required",
        "value",
        "invariant",
        "security",
        "login",
        "unknown",
        "expired",
        "forbidden",
        "suppressed",
        "processing",
        "not-supported",
        "duplicate",
        "multiple-matches",
        "not-found",
        "deleted",
        "too-long",
        "code-invalid",
        "extension",
        "too-costly",
        "business-rule",
        "conflict",
        "transient",
        "lock-error",
        "no-store",
        "exception",
        "timeout",
        "incomplete",
        "throttled",
        "informational",
    }
)
"""The codes of an issue in FHIR R4 (http://hl7.org/fhir/R4/valueset-issue-type.html)."""

SEVERITIES = frozenset({"fatal", "error", "warning", "information"})
"""The severities of an issue in FHIR R4 (http://hl7.org/fhir/R4/valueset-issue-severity.html)."""


def error_class(status: int, code: str | None) -> type[ClinikApiError]:
    """The class for a response with this status and code.

    >>> error_class(429, "MONTHLY_QUOTA_EXCEEDED").__name__
    'ClinikQuotaError'
    """
    if status == 429 and code in QUOTA_CODES:
        return ClinikQuotaError
    if 500 <= status <= 599:
        return ClinikServerError
    if 300 <= status <= 499:
        return STATUS_ERRORS.get(status, ClinikApiError)
    return ClinikResponseError
