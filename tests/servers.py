"""Test servers on loopback sockets: they respond as a service, a proxy, or something broken in between may."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import orjson
from attrs import frozen

from clinik_client import Clinik
from clinik_client.testing import Connection, WireRequest, WireResponse, WireServer
from clinik_client.testing._wire import Handler, TakeOver

KEY = "clk_test_0unit0"

Step = WireResponse | Handler
"""How the server responds to one request."""


@frozen
class Seen:
    """One request in a service's ledger."""

    connection: int
    """The number of the connection that it came on."""
    request: WireRequest

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def target(self) -> str:
        return self.request.target

    @property
    def json(self) -> Any:
        return orjson.loads(self.request.body)

    def header(self, name: str) -> str | None:
        return next(iter(self.request.header_values(name)), None)


class ScriptedService:
    """Responds to each request with the next of its steps, the last one again and again; keeps a ledger.

    A context manager that starts and stops it.
    """

    def __init__(self, *steps: Step, ssl_context: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.ledger: list[Seen] = []
        self.connections = 0
        self._steps = list(steps)
        self._lock = threading.Lock()
        self._thread = threading.local()
        self._server = WireServer(self._response, port=port, ssl_context=ssl_context, on_connect=self._connected)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def port(self) -> int:
        return self._server.port

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def _connected(self, connection: Connection) -> bool:
        with self._lock:
            self.connections += 1
            self._thread.number = self.connections
        return False

    def _response(self, request: WireRequest) -> WireResponse | TakeOver:
        with self._lock:
            self.ledger.append(Seen(self._thread.number, request))
            step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        return step if isinstance(step, WireResponse) else step(request)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


Serve = Callable[..., ScriptedService]
"""The fixture that starts services."""
Connect = Callable[..., Clinik]
"""The fixture that makes clients."""


# -- responses --------------------------------------------------------------------------------------------------------


def record(name: str = "enc_1", **fields: Any) -> dict[str, Any]:
    """An encounter as the service sends it."""
    return {"id": name, "status": "planned", "class": "AMB", "patientId": "pt_1", **fields}


def respond(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> WireResponse:
    """A response; ``bytes`` go out as they are, ``None`` is an empty body, anything else becomes JSON."""
    raw = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
    return WireResponse(status, {"content-type": "application/json", **(headers or {})}.items(), raw)


def ok(data: Any = None, status: int = 200, meta: Mapping[str, Any] | None = None) -> WireResponse:
    """An envelope with a record in it, or with ``data``."""
    return respond(status, {"data": record() if data is None else data, "meta": {"requestId": "req_1", **(meta or {})}})


def created(name: str = "enc_1") -> WireResponse:
    return ok(record(name), 201)


def page(names: list[str], cursor: str | None = None, more: bool = False, total: int | None = None) -> WireResponse:
    """One page of a search."""
    data: dict[str, Any] = {"data": [record(name) for name in names], "hasMore": more}
    data |= {} if cursor is None else {"cursor": cursor}
    data |= {} if total is None else {"total": total}
    return ok(data)


def refuse(status: int, code: str | None = None, headers: Mapping[str, str] | None = None) -> WireResponse:
    """An error in the API's own form."""
    body = {"error": "Refused", "message": "It was refused.", "requestId": "req_9"}
    return respond(status, body if code is None else {**body, "code": code}, headers)


def limited(headers: dict[str, str] | None = None, reset: Any = None) -> WireResponse:
    """A call that was too fast."""
    body: dict[str, Any] = {"error": "Too many", "code": "RATE_LIMITED", "requestId": "req_9"}
    return respond(429, body if reset is None else {**body, "meta": {"rateLimitReset": reset}}, headers)


def zipped(body: bytes, status: int = 200) -> WireResponse:
    """A response with this body, which is said to be gzip."""
    return respond(status, body, {"content-encoding": "gzip"})


def envelope(name: str = "enc_1") -> bytes:
    return orjson.dumps({"data": record(name), "meta": {}})


def gzipped_envelope() -> bytes:
    return gzip.compress(envelope(), mtime=0)
