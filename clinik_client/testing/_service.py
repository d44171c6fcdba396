"""A server of the test kit: a backend behind the wire layer, a journal of what it got, and faults in between."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from ._backend import Backend
from ._faults import Faults
from ._journal import Journal, Ledger, Ticket
from ._misbehaviour import misbehave
from ._wire import Limits, TakeOver, WireRequest, WireResponse, WireServer

__all__ = ["Control", "Service"]

Control = Callable[[WireRequest], WireResponse | None]
"""Responds to what is below ``/_sandbox/``; ``None`` leaves it to the backend."""

_CONTROL_PATH = re.compile(r"/_sandbox(?![^/?])")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Service:
    """Lets a backend respond over HTTP, and keeps account of it; a context manager that starts and stops it.

    Args:
        backend: knows the right responses.
        host: the IPv4 address to listen on.
        port: the port; 0 lets the system choose.
        ssl_context: a server-side context; the server then speaks TLS.
        limits: bounds on what a connection may cost.
        now: tells the time to the journal.
        control: is asked first for targets below ``/_sandbox/``. What it responds to is in no journal and
            meets no fault.
        beside: another one, whose journal, ledger and faults are this one's, too.

    ``faults`` are those that requests are to meet, ``journal`` and ``ledger`` tell what came and what came of it.

    >>> from http.client import HTTPConnection
    >>> from clinik_client.testing import Answer, WireResponse
    >>> class Echo:
    ...     def operation_of(self, request):
    ...         return "health"
    ...     def answer(self, request):
    ...         return Answer(WireResponse(200, body=request.target.encode()))
    >>> with Service(Echo()) as service:
    ...     connection = HTTPConnection("127.0.0.1", service.port)
    ...     connection.request("GET", "/health")
    ...     connection.getresponse().read()
    ...     connection.close()
    b'/health'
    >>> service.ledger.received("health"), service.journal.entries[0].status
    (1, 200)
    """

    # A misspelt attribute is an error.
    __slots__ = ("_arriving", "_backend", "_control", "_wire", "faults", "journal", "ledger")

    def __init__(
        self,
        backend: Backend,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        now: Callable[[], datetime] = _utc_now,
        control: Control | None = None,
        beside: Service | None = None,
    ) -> None:
        self.journal: Journal = Journal(now) if beside is None else beside.journal
        self.ledger = Ledger(self.journal)
        self.faults: Faults = Faults() if beside is None else beside.faults
        self._arriving: threading.Lock = threading.Lock() if beside is None else beside._arriving
        self._backend = backend
        self._control = control
        self._wire = WireServer(
            self._respond, host=host, port=port, ssl_context=ssl_context, on_refusal=self._refused, limits=limits
        )

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return self._wire.url

    @property
    def port(self) -> int:
        """The port it listens, or listened, on."""
        return self._wire.port

    def start(self) -> Self:
        """Start listening, in threads of its own; the server is ready when this returns. Returns the server."""
        self._wire.start()
        return self

    def stop(self) -> None:
        """Close every connection and end every thread. What was collected stays readable."""
        self._wire.stop()

    def verify(self) -> None:
        """Raise `AssertionError` if fewer requests than it says have met a fault."""
        if account := self.faults.account():
            raise AssertionError(account)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # -- in the connections' threads ----------------------------------------------------------------------------------

    def _respond(self, request: WireRequest) -> WireResponse | TakeOver:
        if self._control is not None and _CONTROL_PATH.match(request.target):
            response = self._control(request)
            if response is not None:
                return response
        operation = self._backend.operation_of(request)
        with self._arriving:  # so that the third request in the journal is the third for the faults, too
            meeting = self.faults.meet(operation)
            ticket = self.journal.arrived(request, operation, meeting and meeting.fault.kind)

        def tell(response: WireResponse) -> None:
            self.journal.responded(ticket, response)

        if meeting is not None:
            return lambda connection: misbehave(
                meeting, request, connection, apply=lambda: self._apply(request, ticket), tell=tell
            )
        response = self._apply(request, ticket)
        tell(response)
        return response

    def _apply(self, request: WireRequest, ticket: Ticket) -> WireResponse:
        """Do what is asked; the right response."""
        try:
            answer = self._backend.answer(request)
        except Exception:
            self.journal.responded(ticket, WireResponse(500))
            raise
        if answer.applied:
            self.journal.applied(ticket)
        return answer.response

    def _refused(self, status: int, reason: str) -> None:
        self.journal.refused(status, reason)
