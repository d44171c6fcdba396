"""What an error answer says, in either of its forms, with nothing in it that the request carried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from attrs import frozen

from .errors import Issue
from .privacy import Redactor
from .response import read_request_id, read_seconds
from .transport import Reply

_MOST_ISSUES: Final = 200


@frozen
class ErrorReport:
    """What an error answer says."""

    message: str
    code: str | None
    request_id: str | None
    issues: list[Issue]
    rate_limit_reset: float | None


def read_error(reply: Reply, redactor: Redactor) -> ErrorReport:
    """Read an error answer of either form: the API's own, or a FHIR ``OperationOutcome``.

    A page of a proxy, an empty answer and anything else give a report by status alone; no part of it is repeated.
    """
    body: Any = None
    if reply.body[:1] in (b"{", b" ", b"\n", b"\r", b"\t"):
        try:
            body = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            body = None
    if not isinstance(body, Mapping):
        body = {}
    meta = body.get("meta") if isinstance(body.get("meta"), Mapping) else {}
    assert isinstance(meta, Mapping)
    issues = _issues(body.get("issues"), redactor) or _issues(body.get("issue"), redactor)
    code = _token(body.get("code"), redactor)
    if code is None and body.get("resourceType") == "OperationOutcome" and issues:
        code = _token(issues[0].get("code"), redactor)
    message = next(
        (
            redactor.clean(text)
            for text in (body.get("message"), body.get("error"), issues[0].get("diagnostics") if issues else None)
            if isinstance(text, str) and text.strip()
        ),
        f"The service answered with status {reply.status}.",
    )
    request_id = next(
        (
            found
            for value in (body.get("requestId"), meta.get("requestId"), reply.headers.get("x-request-id"))
            if (found := read_request_id(value)) is not None and not redactor.touches(found)
        ),
        None,
    )
    return ErrorReport(message, code, request_id, issues, read_seconds(meta.get("rateLimitReset")))


def _token(value: Any, redactor: Redactor) -> str | None:
    fits = (
        isinstance(value, str) and 0 < len(value) <= 64 and value.replace("-", "_").isidentifier() and value.isascii()
    )
    # Codes are words; one with digits that the request carried is an id in the wrong place.
    is_id = fits and any(letter.isdigit() for letter in value) and redactor.touches(value)
    return value if fits and not is_id else None


def _issues(value: Any, redactor: Redactor) -> list[Issue]:
    issues: list[Issue] = []
    for item in value[:_MOST_ISSUES] if isinstance(value, list) else []:
        if not isinstance(item, Mapping):
            continue
        issue: Issue = {}
        if (severity := _token(item.get("severity"), redactor)) is not None:
            issue["severity"] = severity
        if (code := _token(item.get("code"), redactor)) is not None:
            issue["code"] = code
        details = item.get("details")
        text = item.get("diagnostics") or (details.get("text") if isinstance(details, Mapping) else None)
        if isinstance(text, str):
            issue["diagnostics"] = redactor.clean(text)
        places = item.get("location") or item.get("expression")
        if isinstance(places, list):
            issue["location"] = [redactor.clean(str(place)) for place in places if isinstance(place, str | int)]
        issues.append(issue)
    return issues
