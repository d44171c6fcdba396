"""What an error answer says, in either of its forms, with nothing in it that the request carried."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
from attrs import frozen

from .errors import DOCUMENTED_CODES, ISSUE_TYPES, SEVERITIES, Issue
from .privacy import LONGEST_READ, Redactor, left_out
from .response import read_seconds
from .transport import Reply

_MOST_ISSUES: Final = 200
_MOST_PLACES: Final = 20
# Characters of all texts of one answer together: nobody reads more of them.
_MOST_TEXT: Final = 20_000

# The API's codes are built like this. One may come that is not documented yet.
_CODE = re.compile(r"(?=.{1,64}\Z)[A-Z]+(?:_[A-Z]+)*")


@frozen
class ErrorReport:
    """What an error answer says."""

    message: str
    code: str | None
    request_id: str | None
    issues: list[Issue]
    rate_limit_reset: float | None


class _Texts:
    """Cleans the texts of one answer, as far as they are worth reading."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._left = _MOST_TEXT

    def clean(self, text: str) -> str:
        if len(text) > min(self._left, LONGEST_READ):
            return left_out(text)
        self._left -= len(text)
        return self._redactor.clean(text)


def read_error(reply: Reply, redactor: Redactor) -> ErrorReport:
    """Read an error answer of either form: the API's own, or a FHIR ``OperationOutcome``.

    A page of a proxy, an empty answer and anything else give a report by status alone; no part of it is repeated.
    """
    body: Any = None
    if reply.body[:1] in (b"{", b" ", b"\n", b"\r", b"\t"):
        try:
            body = orjson.loads(reply.body)
        except (orjson.JSONDecodeError, MemoryError, SystemError):
            body = None
    if not isinstance(body, Mapping):
        body = {}
    meta = body.get("meta") if isinstance(body.get("meta"), Mapping) else {}
    assert isinstance(meta, Mapping)
    texts = _Texts(redactor)
    message = _message(reply.status, body, redactor, texts)
    issues = _issues(body.get("issues"), redactor, texts) or _issues(body.get("issue"), redactor, texts)
    if message is None:
        message = (issues[0].get("diagnostics") if issues else None) or _by_status(reply.status)
    code = _code(body.get("code"), redactor)
    if code is None and body.get("resourceType") == "OperationOutcome" and issues:
        code = issues[0].get("code")
    request_id = next(
        (
            found
            for value in (body.get("requestId"), meta.get("requestId"), reply.headers.get("x-request-id"))
            if (found := redactor.request_id(value)) is not None
        ),
        None,
    )
    return ErrorReport(message, code, request_id, issues, read_seconds(meta.get("rateLimitReset")))


def _by_status(status: int) -> str:
    return f"The service answered with status {status}."


def _message(status: int, body: Mapping[str, Any], redactor: Redactor, texts: _Texts) -> str | None:
    found = next(
        (text for text in (body.get("message"), body.get("error")) if isinstance(text, str) and text.strip()), None
    )
    if redactor.too_much:
        return (
            f"{_by_status(status)} What it said is left out, because the request was large and may be repeated in it."
        )
    return None if found is None else texts.clean(found)


def _code(value: Any, redactor: Redactor) -> str | None:
    if not isinstance(value, str):
        return None
    # Which of these it is tells nothing of a value.
    if value in DOCUMENTED_CODES or value in ISSUE_TYPES:
        return value
    return value if _CODE.fullmatch(value) and not redactor.touches(value) else None


def _issues(value: Any, redactor: Redactor, texts: _Texts) -> list[Issue]:
    found = [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
    issues = [_issue(item, redactor, texts) for item in found[:_MOST_ISSUES]]
    if len(found) > _MOST_ISSUES:
        issues.append({"diagnostics": f"({len(found) - _MOST_ISSUES:,} more issues)"})
    return issues


def _issue(item: Mapping[str, Any], redactor: Redactor, texts: _Texts) -> Issue:
    issue: Issue = {}
    severity = item.get("severity")
    if isinstance(severity, str) and severity in SEVERITIES:
        issue["severity"] = severity
    if (code := _code(item.get("code"), redactor)) is not None:
        issue["code"] = code
    if redactor.too_much:
        return issue
    details = item.get("details")
    text = item.get("diagnostics") or (details.get("text") if isinstance(details, Mapping) else None)
    if isinstance(text, str):
        issue["diagnostics"] = texts.clean(text)
    places = item.get("location") or item.get("expression")
    if isinstance(places, list):
        issue["location"] = [texts.clean(str(place)) for place in places[:_MOST_PLACES] if isinstance(place, str | int)]
        if len(places) > _MOST_PLACES:
            issue["location"].append(f"({len(places) - _MOST_PLACES:,} more)")
    return issue
