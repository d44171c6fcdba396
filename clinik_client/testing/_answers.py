"""The forms of a sandbox's answers: envelope, page, errors and the headers that say the same as ``meta``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from http.client import responses
from typing import Any, Final, Literal

import orjson

from .._errors import Issue
from ._wire import WireResponse

__all__ = [
    "ErrorForm",
    "Headers",
    "Refused",
    "empty",
    "envelope",
    "error",
    "json_response",
    "replaced",
    "text_of_moment",
]

ErrorForm = Literal["api", "fhir"]
"""In which form an error is told: the API's own, or FHIR's OperationOutcome."""

Headers = list[tuple[str, str]]

_LIMITS: Final = {
    "rateLimitTotal": "X-RateLimit-Limit",
    "rateLimitRemaining": "X-RateLimit-Remaining",
    "rateLimitReset": "X-RateLimit-Reset",
}
_QUOTA_CODES: Final = ("MONTHLY_QUOTA_EXCEEDED", "SANDBOX_QUOTA_EXCEEDED")
# FHIR's codes of an issue (http://hl7.org/fhir/issue-type).
_ISSUE_TYPES: Final = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    429: "throttled",
}


class Refused(Exception):
    """A request is turned away.

    Args:
        status: the HTTP status.
        code: the API's code; ``None`` where its documentation has none.
        message: a sentence without any value of the request.
        issues: what is wrong with which field.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        *,
        issues: Sequence[Issue] = (),
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.issues = list(issues)
        self.headers = list(headers)


def text_of_moment(moment: datetime) -> str:
    """A moment as the service writes it: in UTC, with milliseconds and a ``Z``.

    >>> text_of_moment(datetime.fromisoformat("2025-06-01T09:00:01.204+00:00"))
    '2025-06-01T09:00:01.204Z'
    """
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def replaced(headers: Headers, others: Iterable[tuple[str, str]]) -> Headers:
    """Headers, with others in the place of those that have the same names.

    >>> replaced([("x-request-id", "req_1"), ("Retry-After", "5")], [("retry-after", "9")])
    [('x-request-id', 'req_1'), ('retry-after', '9')]
    """
    others = list(others)
    names = {name.lower() for name, _ in others}
    return [(name, value) for name, value in headers if name.lower() not in names] + others


def envelope(data: Any, status: int, headers: Headers) -> WireResponse:
    """A success: the result below ``data``, the facts about the request below ``meta`` and in the headers.

    Args:
        data: the result.
        status: the HTTP status.
        headers: ``x-request-id``, ``x-timestamp`` and those about the limits, as far as there are any.
    """
    told = dict(headers)
    meta: dict[str, Any] = {"requestId": told["x-request-id"], "timestamp": told["x-timestamp"], "status": status}
    for name, header in _LIMITS.items():
        if header in told:
            meta[name] = int(told[header])
    body = orjson.dumps({"data": data, "meta": meta})
    return WireResponse(status, [("content-type", "application/json"), *headers], body)


def empty(headers: Headers) -> WireResponse:
    """A success without content."""
    return WireResponse(204, headers)


def json_response(body: Mapping[str, Any], *, status: int = 200, headers: Headers | None = None) -> WireResponse:
    """JSON without an envelope."""
    kind = "application/fhir+json" if "resourceType" in body else "application/json"
    return WireResponse(status, [("content-type", kind), *(headers or [])], orjson.dumps(body))


def error(refused: Refused, headers: Headers, form: ErrorForm = "api") -> WireResponse:
    """An error in one of its two forms (API documentation, errors)."""
    body: dict[str, Any]
    if form == "fhir":
        code = _ISSUE_TYPES.get(refused.status) or ("exception" if refused.status >= 500 else "processing")
        issues = refused.issues or [{"severity": "error", "code": code, "diagnostics": refused.message}]
        body = {"resourceType": "OperationOutcome", "issue": issues}
    else:
        body = {"error": _title(refused), "message": refused.message}
        if refused.code is not None:
            body["code"] = refused.code
        # The documentation prints two bodies; the one about a volume that is used up has no request id.
        if refused.code not in _QUOTA_CODES:
            body["requestId"] = dict(headers)["x-request-id"]
        if refused.issues:
            body["issues"] = refused.issues
    return json_response(body, status=refused.status, headers=replaced(headers, refused.headers))


def _title(refused: Refused) -> str:
    if refused.code in _QUOTA_CODES:
        return "Quota exceeded"
    return "Validation Error" if refused.status == 422 else responses.get(refused.status, "Error")
