"""A service that misbehaves byte by byte, and keeps a ledger of what it applied.

It stands on the wire layer of the fixture server. What goes wrong is a *script*: steps that are taken in turn with the
connection of one request, or with a connection on which nothing was read yet.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import repeat
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import orjson
from attrs import define, field, frozen

from clinik_client.testing import _steps
from clinik_client.testing._steps import send_slowly
from clinik_client.testing._wire import Connection, TakeOver, WireRequest, WireResponse, WireServer

REQUEST_ID = "req_healthy1"


@define
class AppliedLedger:
    """What the service has done. A delete of what is gone already does nothing, so it counts once."""

    created: Counter[str] = field(factory=Counter)
    """By patient: every cell has its own."""
    updated: Counter[str] = field(factory=Counter)
    """By record."""
    deleted: Counter[str] = field(factory=Counter)
    asked: Counter[str] = field(factory=Counter)
    """By method and target: every request that was read."""
    strays: list[str] = field(factory=list)
    """Requests to where nobody was sent."""


@frozen
class FaultyExchange:
    """One request that is to get a wrong response."""

    server: FaultServer
    connection: Connection
    request: WireRequest

    @property
    def path(self) -> str:
        return urlsplit(self.request.target).path

    def payload(self) -> dict[str, Any]:
        """What the right response would hold, whether or not the request has been applied."""
        return self.server.payload(self.request)

    @property
    def status(self) -> int:
        return 201 if self.request.method == "POST" else 200

    def secrets(self) -> str:
        """All that the request carried, to be put where it does not belong."""
        asked = urlsplit(self.request.target)
        values = [item for items in parse_qs(asked.query).values() for item in items]
        body = orjson.loads(self.request.body) if self.request.body else {}
        told = [value for value in body.values() if isinstance(value, str)]
        return " ".join([asked.path.rpartition("/")[2], *self.request.header_values("x-api-key"), *values, *told])


Step = Callable[[FaultyExchange], None]
Script = tuple[Step, ...]
Opening = Callable[["FaultServer", Connection], None]
"""What happens to a connection in place of being served."""


# -- steps ------------------------------------------------------------------------------------------------------------


def apply(exchange: FaultyExchange) -> None:
    """Do what was asked."""
    exchange.server.apply(exchange.request)


def send(build: Callable[[FaultyExchange], bytes]) -> Step:
    """Write some bytes."""
    return lambda exchange: exchange.connection.send(build(exchange))


def drip(build: Callable[[FaultyExchange], bytes]) -> Step:
    """Write some bytes, one at a time, slower than any caller can wait."""

    def step(exchange: FaultyExchange) -> None:
        send_slowly(exchange.connection, (bytes([byte]) for byte in build(exchange)))

    return step


def flood(piece: bytes) -> Step:
    """Write the same again and again until the peer is gone."""
    return lambda exchange: send_slowly(exchange.connection, repeat(piece), every=0.001)


def hang(exchange: FaultyExchange) -> None:
    """Say nothing more until the peer is gone."""
    _steps.hang(exchange.connection)


def finish(exchange: FaultyExchange) -> None:
    """End the connection in an orderly way."""
    exchange.connection.finish()


def reset(exchange: FaultyExchange) -> None:
    """End the connection with a TCP reset."""
    exchange.connection.close(reset=True)


def announce(exchange: FaultyExchange) -> None:
    """Tell the test that all steps up to here were taken, then wait for the peer to go."""
    exchange.server.announced.set()
    hang(exchange)


def announce_end(exchange: FaultyExchange) -> None:
    """End the connection, and tell the test."""
    with suppress(OSError):
        socket.socket.shutdown(exchange.connection.sock, socket.SHUT_WR)
    announce(exchange)


# -- openings ---------------------------------------------------------------------------------------------------------


def close_at_once(server: FaultServer, connection: Connection) -> None:
    connection.finish()


def reset_at_once(server: FaultServer, connection: Connection) -> None:
    connection.close(reset=True)


def never_read(server: FaultServer, connection: Connection) -> None:
    if server.context is not None:
        connection.start_tls(server.context)
    server.hold(connection)


def never_shake_hands(server: FaultServer, connection: Connection) -> None:
    server.hold(connection)


def cut_handshake(server: FaultServer, connection: Connection) -> None:
    connection.receive(5.0)
    connection.finish()


def response_in_plain_text(server: FaultServer, connection: Connection) -> None:
    connection.receive(5.0)
    connection.send(b"HTTP/1.1 400 canary-plain\r\nContent-Length: 0\r\n\r\n")
    connection.finish()


# -- the server -------------------------------------------------------------------------------------------------------


class FaultServer:
    """Serves encounters well, or responds to its first requests (or connections) by a script.

    Args:
        script: the steps in place of a response; ``None`` for none.
        opening: what happens to new connections; ``None`` to serve them.
        faults: how many times that happens before the service is well again.
        when: whether the script is for this request; it is for all if this is not given.
        pages: how many pages a search has.
        context: server-side TLS.
        port: 0 lets the system choose.
    """

    def __init__(
        self,
        script: Script | None = None,
        opening: Opening | None = None,
        *,
        faults: float = float("inf"),
        when: Callable[[WireRequest], bool] = lambda request: True,
        pages: int = 1,
        context: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.context = context
        self.ledger = AppliedLedger()
        self.records: dict[str, dict[str, Any]] = {}
        self.announced = threading.Event()
        self._script = script
        self._opening = opening
        self._left = faults
        self._when = when
        self._pages = pages
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._never = threading.Event()
        self._seen: list[Connection] = []
        self._wire = WireServer(self._handle, on_connect=self._connected, ssl_context=context, port=port)

    @property
    def port(self) -> int:
        return self._wire.port

    def heal(self) -> None:
        """From now on everything is well."""
        with self._lock:
            self._left = 0
        self._released.set()

    def hold(self, connection: Connection) -> None:
        """Read nothing until the server is well again."""
        while not self._released.wait(0.05):
            if connection.stopping.is_set():
                return
        _steps.hang(connection)

    def open_connections(self, most: int, seconds: float) -> int:
        """How many connections the peer still holds, after waiting a little for there to be ``most``."""
        end = time.monotonic() + seconds
        while True:
            count = sum(connection.sock.fileno() != -1 for connection in self._seen)
            if count <= most or time.monotonic() >= end:
                return count
            self._never.wait(0.002)

    def __enter__(self) -> Self:
        self._wire.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.heal()
        self._wire.stop()

    def _connected(self, connection: Connection) -> bool:
        self._seen.append(connection)
        if self._opening is None or not self._take():
            return False
        self._opening(self, connection)
        return True

    def _take(self) -> bool:
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def _handle(self, request: WireRequest) -> WireResponse | TakeOver:
        if not urlsplit(request.target).path.startswith("/v1/encounters"):
            self.ledger.strays.append(request.method)
        self.ledger.asked[f"{request.method} {request.target}"] += 1
        if self._script is not None and self._when(request) and self._take():
            return lambda connection: self._play(FaultyExchange(self, connection, request))
        status = self.apply(request)
        headers = [("content-type", "application/json"), ("x-request-id", REQUEST_ID)]
        if status == 204:
            return WireResponse(204, headers)
        if status == 404:
            return WireResponse(404, headers, b'{"error":"Not Found","code":"NOT_FOUND","requestId":"req_gone"}')
        return WireResponse(status, headers, orjson.dumps(self.payload(request)))

    def _play(self, exchange: FaultyExchange) -> None:
        for step in self._script or ():
            step(exchange)

    def apply(self, request: WireRequest) -> int:
        """Do what a request asks for, and say with which status to respond to that."""
        record_id = urlsplit(request.target).path.rpartition("/")[2]
        with self._lock:
            if request.method == "POST":
                patient = orjson.loads(request.body)["patientId"]
                self.ledger.created[patient] += 1
                return 201
            if request.method == "GET" and record_id == "encounters":
                return 200
            if record_id not in self.records:
                return 404
            if request.method == "PATCH":
                self.ledger.updated[record_id] += 1
            elif request.method == "DELETE":
                del self.records[record_id]
                self.ledger.deleted[record_id] += 1
                return 204
            return 200

    def payload(self, request: WireRequest) -> dict[str, Any]:
        """The body of the right response."""
        asked = urlsplit(request.target)
        record_id = asked.path.rpartition("/")[2]
        data: Any
        if request.method == "DELETE":
            data = None
        elif request.method == "POST":
            data = record("enc_canary0new", orjson.loads(request.body)["patientId"])
        elif record_id == "encounters":
            query = parse_qs(asked.query)
            page = int(query.get("cursor", ["0"])[0])
            found = record(f"enc_canary0found{page or ''}", query["patientId"][0])
            data = {"data": [found], "total": self._pages, "hasMore": page + 1 < self._pages, "cursor": str(page + 1)}
        else:
            data = record(record_id, "pt_canary0")
        return {"data": data, "meta": {"requestId": REQUEST_ID, "status": 200}}


def record(record_id: str, patient: str) -> dict[str, Any]:
    """A record of the service, full of what nobody may print."""
    return {
        "id": record_id,
        "status": "finished",
        "class": "AMB",
        "patientId": patient,
        "type": "canary consultation",
        "reasonCode": "canary of the coal mine",
        "diagnosis": [{"condition": "canary fever", "rank": 1}],
    }
