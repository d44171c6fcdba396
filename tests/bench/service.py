"""The service that all contenders talk to: prepared responses, in a process of its own, on one thread.

A cursor says how many pages its walk has, too: a walk of 300 begins at ``300_0``.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ENCOUNTER: dict[str, Any] = {
    "id": "enc_xyz789",
    "status": "finished",
    "class": "AMB",
    "patientId": "pt_abc123",
    "practitionerId": "prac_def456",
    "participants": [{"practitionerId": "prac_ghi012", "role": "Interpreter"}],
    "type": "Annual physical",
    "serviceType": "General practice",
    "priority": "routine",
    "reasonCode": "Annual check-up",
    "period": {"start": "2025-06-01T09:00:00Z", "end": "2025-06-01T09:30:00Z"},
    "lengthMinutes": 30,
    "location": "Room 12",
    "serviceProvider": "Northside Practice",
    "diagnosis": [{"condition": "I10", "use": "AD", "rank": 1}],
    "appointmentId": "appt_mno345",
    "basedOnId": "sr_pqr678",
    "partOfId": "enc_stu901",
    "hospitalization": {
        "admitSource": "Emergency department",
        "dischargeDisposition": "Home",
        "reAdmission": "Planned",
        "destination": "Home",
        "origin": "Northside Clinic",
        "dietPreference": ["Vegetarian"],
        "specialArrangement": ["Wheelchair"],
    },
}
"""With every field that the document describes."""
META = {"requestId": "req_k8f3a7x2", "timestamp": "2025-01-15T09:15:00.000Z", "status": 200}
ROWS = 100
"""On each page."""
DISTINCT = 100
"""Pages with ids of their own; after them they come again."""
TOTAL = 30_000
"""As each page says."""
DELAY = 0.02
"""Seconds after which ``enc_late`` is answered."""


def page(number: int, last: bool) -> dict[str, Any]:
    rows = [{**ENCOUNTER, "id": f"enc_{number % DISTINCT:04}_{row:03}"} for row in range(ROWS)]
    return {"data": rows, "total": TOTAL, "hasMore": not last, "cursor": None if last else str(number + 1)}


def body_of_page() -> bytes:
    """A page as it stands in a response, for those who only read it."""
    return json.dumps({"data": page(0, True), "meta": META}).encode()


class _Responses:
    """The bytes of each response, put together from what is prepared."""

    def __init__(self) -> None:
        self._read = {
            id: _response(json.dumps({"data": {**ENCOUNTER, "id": id}, "meta": META}).encode())
            for id in (ENCOUNTER["id"], "enc_late")
        }
        self._rows = [json.dumps(page(number, True)["data"]).encode() for number in range(DISTINCT)]
        self._meta = json.dumps(META).encode()

    def to(self, target: str) -> bytes:
        path, _, query = target.partition("?")
        if not query:
            return self._read[path.rpartition("/")[2]]
        pages, number = map(int, dict(re.findall(r"(\w+)=(\w+)", query))["cursor"].split("_"))
        last = number + 1 == pages
        end = b', "total": %d, "hasMore": %s' % (TOTAL, b"false" if last else b"true")
        end += b"" if last else b', "cursor": "%d_%d"' % (pages, number + 1)
        return _response(
            b'{"data": {"data": ' + self._rows[number % DISTINCT] + end + b'}, "meta": ' + self._meta + b"}"
        )


def _response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class _Protocol(asyncio.Protocol):
    def __init__(self, responses: _Responses) -> None:
        self._responses = responses
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while b"\r\n\r\n" in self._unread:
            head, _, self._unread = self._unread.partition(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            response = self._responses.to(target)
            if target.endswith("enc_late"):
                asyncio.get_running_loop().call_later(DELAY, self._transport.write, response)
            else:
                self._transport.write(response)


async def _answer(stop: Connection, certificate: Path | None) -> None:
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    responses, loop = _Responses(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Protocol(responses), "127.0.0.1", 0, ssl=context, backlog=256)
    stop.send(server.sockets[0].getsockname()[1])
    stopped = asyncio.Event()
    loop.add_reader(stop.fileno(), stopped.set)
    await stopped.wait()


def _serve(stop: Connection, certificate: Path | None) -> None:
    asyncio.run(_answer(stop, certificate))


@contextmanager
def service(certificate: Path | None = None) -> Iterator[str]:
    """Start the service; its URL. With the certificate's file, over TLS."""
    ours, theirs = Pipe()
    process = get_context("spawn").Process(target=_serve, args=(theirs, certificate), daemon=True)
    process.start()
    theirs.close()
    try:
        scheme = "http" if certificate is None else "https"
        yield f"{scheme}://127.0.0.1:{ours.recv()}"
    finally:
        ours.send(None)
        process.join(timeout=10)
        process.kill()
