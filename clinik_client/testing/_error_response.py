"""Errors as they arrive: in the API's own form, in the form of its FHIR layer, or as a gateway's page."""

from __future__ import annotations

from http.client import responses
from typing import Final

from .._errors import Issue
from ._answers import Refused, error
from ._wire import WireResponse

__all__ = ["FORMS", "error_response"]

FORMS: Final = ("api", "fhir", "html")

_CODES: Final = {
    400: "INVALID_JSON",
    401: "UNAUTHORIZED",
    404: "NOT_FOUND",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMITED",
}


def error_response(
    status: int,
    message: str,
    *,
    request_id: str,
    form: str = "api",
    code: str | None = None,
    retry_after: int | None = None,
) -> WireResponse:
    """An error.

    Args:
        status: the HTTP status.
        message: the sentence for people.
        request_id: the id of the request; a gateway's page has none.
        form: ``api`` for the API's own, ``fhir`` for an OperationOutcome, ``html`` for a gateway's page.
        code: the code in the body; ``None`` for the usual one of the status, if there is one.
        retry_after: seconds, for a ``Retry-After`` header.

    >>> error_response(404, "It is gone.", request_id="req_1").body
    b'{"error":"Not Found","message":"It is gone.","code":"NOT_FOUND","requestId":"req_1"}'
    """
    after = [] if retry_after is None else [("retry-after", str(retry_after))]
    if form == "html":
        heading = f"{status} {responses.get(status, 'Error')}"
        page = f"<html><head><title>{heading}</title></head><body><h1>{heading}</h1>{message}</body></html>"
        return WireResponse(status, [("content-type", "text/html; charset=utf-8"), *after], page.encode())
    usual = _CODES.get(status) or ("INTERNAL_ERROR" if status >= 500 else None)
    issues: list[Issue] = []
    if form == "fhir" and code is not None:
        issues = [{"severity": "error", "code": code, "diagnostics": message}]
    refused = Refused(status, code or usual, message, issues=issues, headers=after)
    return error(refused, [("x-request-id", request_id)], "fhir" if form == "fhir" else "api")
