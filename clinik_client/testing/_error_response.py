"""Errors as they arrive: in the API's own form, in the form of its FHIR layer, or as a gateway's page."""

from __future__ import annotations

from http.client import responses
from typing import Any, Final

import orjson

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
_FHIR_CODES: Final = {
    401: "login",
    403: "forbidden",
    404: "not-found",
    409: "conflict",
    422: "invalid",
    429: "throttled",
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
    title = "Validation Error" if status == 422 else responses.get(status, "Error")
    if form == "html":
        media_type = "text/html; charset=utf-8"
        heading = f"{status} {title}"
        body = f"<html><head><title>{heading}</title></head><body><h1>{heading}</h1>{message}</body></html>".encode()
    elif form == "fhir":
        media_type = "application/fhir+json"
        code = code or _FHIR_CODES.get(status) or ("exception" if status >= 500 else "processing")
        issue = {"severity": "error", "code": code, "diagnostics": message}
        body = orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    else:
        media_type = "application/json"
        code = code or _CODES.get(status) or ("INTERNAL_ERROR" if status >= 500 else None)
        told: dict[str, Any] = {"error": title, "message": message, "code": code, "requestId": request_id}
        body = orjson.dumps({name: value for name, value in told.items() if value is not None})
    headers = [("content-type", media_type)]
    if form != "html":
        headers.append(("x-request-id", request_id))
    if retry_after is not None:
        headers.append(("retry-after", str(retry_after)))
    return WireResponse(status, headers, body)
