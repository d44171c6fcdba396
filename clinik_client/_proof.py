"""What a response proves: whether the service gave it, and whether it did nothing.

Gateways and proxies respond in the service's place, with pages of their own and any status, and a request may have
passed them before. So a status counts as the service's word only where the response has the service's form.

Sources: API documentation, errors and response metadata; RFC 9110, section 15.5; RFC 6585, section 5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

# What is wrong with these can be told from the head of a request, and has to be: the login at the proxy (407), the
# announced length (413), the target (414), the host (421) and the headers (431). So nobody has passed the request on.
NEVER_PASSED_ON: Final = frozenset({407, 413, 414, 421, 431})

REQUEST_ID: Final = re.compile(r"req_[A-Za-z0-9_-]{1,64}")
"""A request id as the service makes them."""

CODE: Final = re.compile(r"(?=.{1,64}\Z)[A-Z]+(?:_[A-Z]+)*")
"""How the API's codes are built. One may come that is not documented yet."""


def is_own_head(headers: Mapping[str, str]) -> bool:
    """Whether headers are such as only the service sends. A request id of another form, and limits, gateways have too.

    Args:
        headers: the response's, names in lower case.
    """
    if REQUEST_ID.fullmatch(headers.get("x-request-id", "")):
        return True
    return any(name == "x-timestamp" or name.startswith(("x-quota-", "x-sandbox-")) for name in headers)


def is_own_error(body: Mapping[str, Any]) -> bool:
    """Whether a JSON object is an error in one of the service's two forms.

    Two marks make the service's own form: frameworks and gateways have ``error`` or ``code`` as well.

    >>> is_own_error({"error": "Not Found", "message": "No such record", "code": "NOT_FOUND", "requestId": "req_1"})
    True
    >>> is_own_error({"message": "Forbidden"}), is_own_error({"error": "Not Found", "status": 404, "path": "/v1"})
    (False, False)
    """
    if body.get("resourceType") == "OperationOutcome":
        return isinstance(body.get("issue"), list)
    code, request_id = body.get("code"), body.get("requestId")
    marks = [
        isinstance(body.get("error"), str),
        isinstance(code, str) and CODE.fullmatch(code) is not None,
        isinstance(request_id, str) and REQUEST_ID.fullmatch(request_id) is not None,
        isinstance(body.get("issues"), list),
    ]
    return sum(marks) >= 2


def is_refusal(status: int, own: bool) -> bool:
    """Whether a status proves that nothing was done.

    Args:
        status: the HTTP status.
        own: the service gave the response.
    """
    return status in NEVER_PASSED_ON or (own and 300 <= status <= 499)
