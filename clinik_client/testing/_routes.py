"""Which operation a request asks for, as the OpenAPI document has its methods and paths."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from .._generated.api import encounters as endpoints
from .._operation import Operation
from ._bulk_requests import BULK_OPERATIONS
from ._choices import require_known
from ._exchange import split_target

__all__ = ["NAMES", "OPERATIONS", "SAFE_METHODS", "Route", "check_operation", "operation_at", "routes_at"]

SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
"""Those of requests that change nothing."""

OPERATIONS: Final[dict[str, Operation]] = {
    "create": endpoints.create_encounter.OPERATION,
    "read": endpoints.read_encounter.OPERATION,
    "update": endpoints.update_encounter.OPERATION,
    "delete": endpoints.delete_encounter.OPERATION,
    "search": endpoints.search_encounters.OPERATION,
    **BULK_OPERATIONS,
}
"""The operations on encounters by the names of their methods in the SDK, and those on many at once."""

_OPEN: Final = {"metadata": "/v1/metadata", "health": "/health"}
# What needs no key has no parameters either.
_PATTERNS: Final = [
    *(
        (name, operation.method, re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(operation.path))))
        for name, operation in OPERATIONS.items()
    ),
    *((name, "GET", re.compile(re.escape(path))) for name, path in _OPEN.items()),
]

NAMES: Final = (*OPERATIONS, "download", *_OPEN)
"""What a request may ask for. A download has a URL of its own, which a job tells."""


class Route(NamedTuple):
    """An operation, its method, and what stands in a path in the place of its parameters."""

    operation: str
    method: str
    steps: tuple[str, ...]


@lru_cache(maxsize=1024)  # a server looks twice for each request
def routes_at(path: str) -> tuple[Route, ...]:
    """What may be asked for at a path."""
    found = ((name, method, pattern.fullmatch(path)) for name, method, pattern in _PATTERNS)
    return tuple(Route(name, method, tuple(map(unquote, match.groups()))) for name, method, match in found if match)


def operation_at(method: str, target: str) -> str | None:
    """The operation that a method and a request target stand for.

    >>> operation_at("PATCH", "/v1/encounters/enc_1?x=y"), operation_at("PUT", "/v1/encounters/enc_1")
    ('update', None)
    """
    path, _ = split_target(target)
    return next((route.operation for route in routes_at(path) if route.method == method), None)


def check_operation(operation: str | None) -> None:
    """Raise `ValueError` for an operation that there is not; ``None`` stands for all of them."""
    if operation is not None:
        require_known("operation", operation, NAMES)
