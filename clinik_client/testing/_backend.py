"""What stands behind a server of the test kit: recordings, or a sandbox with state."""

from __future__ import annotations

import re
from typing import Final, Protocol

from attrs import frozen

from ._choices import require_known
from ._wire import WireRequest, WireResponse

__all__ = ["OPERATIONS", "SAFE_METHODS", "Answer", "Backend", "check_operation", "operation_at"]

_ROUTES: Final = {
    ("POST", r"/v1/encounters"): "create",
    ("GET", r"/v1/encounters/[^/]+"): "read",
    ("PATCH", r"/v1/encounters/[^/]+"): "update",
    ("DELETE", r"/v1/encounters/[^/]+"): "delete",
    ("GET", r"/v1/encounters"): "search",
    ("POST", r"/v1/bulk/export"): "export",
    ("POST", r"/v1/bulk/import"): "import",
    ("GET", r"/v1/bulk/jobs/[^/]+"): "job",
    ("GET", r"/v1/metadata"): "metadata",
    ("GET", r"/health"): "health",
}

SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
"""Those of requests that change nothing."""

OPERATIONS: Final = tuple(_ROUTES.values())
"""What a request may ask for."""


def operation_at(method: str, target: str) -> str | None:
    """The operation that a method and a request target stand for.

    >>> operation_at("PATCH", "/v1/encounters/enc_1?x=y"), operation_at("PUT", "/v1/encounters/enc_1")
    ('update', None)
    """
    path = re.sub("^https?://[^/?]*", "", target, flags=re.IGNORECASE).partition("?")[0]
    found = (name for (verb, route), name in _ROUTES.items() if verb == method and re.fullmatch(route, path))
    return next(found, None)


def check_operation(operation: str | None) -> None:
    """Raise `ValueError` for an operation that there is not; ``None`` stands for all of them."""
    if operation is not None:
        require_known("operation", operation, OPERATIONS)


@frozen
class Answer:
    """What a backend says to a request.

    Args:
        response: what the client gets, if no fault is in the way.
        applied: whether something was created, changed or deleted.
    """

    response: WireResponse
    applied: bool = False


class Backend(Protocol):
    """Knows the right response to each request. It is called from many threads."""

    def operation_of(self, request: WireRequest) -> str | None:
        """Which operation a request asks for: ``create``, ``read``, ``update``, ``delete``, ``search``, ... ``None``
        for what is none. It changes nothing."""

    def answer(self, request: WireRequest) -> Answer:
        """Do what is asked."""
