"""What stands behind a server of the test kit: recordings, or a sandbox with state."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from ._wire import WireRequest, WireResponse

__all__ = ["Answer", "Backend"]


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
