"""Whole responses that nobody has asked for: right behind another one, while a connection is idle, or on a new one."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from itertools import product
from typing import Any, Final
from unittest import mock

from clinik_client._transport.tls_layer import TLSLayer
from clinik_client.testing._wire import Connection

from .calls import Call, Hang, Operation, bounded, client, make
from .catalogue import another, head, right, whole
from .lab import Lab
from .points import Sampling
from .report import Attack, CellReport
from .server import FaultServer, FaultyExchange, Step, announce, apply, send

SECTION: Final = "unasked responses"

Framing = str
FRAMINGS: Final[tuple[Framing, ...]] = ("content-length", "chunked", "trailers", "204")
WHEN: Final = ("behind", "while idle")
FIRST: Final[tuple[Operation, ...]] = ("read", "update")


def framed(framing: Framing, status: int, body: bytes) -> bytes:
    """A whole response after which the connection is kept."""
    match framing:
        case "content-length":
            return whole(status, body, "Content-Type: application/json")
        case "chunked":
            return head(status, "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        case "trailers":
            end = b"0\r\nX-Canary: canary\r\n\r\n"
            return head(status, "Transfer-Encoding: chunked", "Trailer: X-Canary") + b"%x\r\n%s\r\n%s" % (
                len(body),
                body,
                end,
            )
        case _:
            return head(204)


def _unasked(exchange: FaultyExchange) -> bytes:
    return whole(201, another(exchange)) if exchange.request.method != "DELETE" else _STRANGE


_STRANGE: Final = whole(201, b'{"data":{"id":"enc_canary8another","patientId":"pt_canary8another","status":"planned"}}')


def script_of(framing: Framing, when: str) -> tuple[Step, ...]:
    """The right response, then another one: in one write (which TLS makes one record of), or in a second one."""

    def asked(exchange: FaultyExchange) -> bytes:
        return framed(framing, exchange.status, right(exchange))

    if when == "behind":
        return (apply, send(lambda exchange: asked(exchange) + _unasked(exchange)), announce)
    return (apply, send(asked), send(_unasked), announce)


def on_a_kept_connection(first: Operation, framing: Framing, when: str, tls: bool, lab: Lab) -> CellReport:
    """What was not asked for came on the connection of an earlier call."""
    name = f"{framing}, {when}, after {first}, {'TLS' if tls else 'plain'}"
    report = CellReport(Attack(SECTION, name))
    with FaultServer(script_of(framing, when), faults=1, context=lab.context if tls else None) as server:
        _calls(server, lab, report, (first, "create", "read", "update"))
    return report


def _calls(server: FaultServer, lab: Lab, report: CellReport, operations: tuple[Operation, ...]) -> None:
    lab.logs.leaks().clear()
    with client(server, lab) as clinik:
        done = []

        def work() -> None:
            for number, operation in enumerate(operations):
                done.append(make(Call(operation).prepare(server), clinik, report))
                if number == 0:
                    server.announced.wait(5)

        try:
            bounded(work, 10.0)
        except Hang as hang:
            report.add("late", f"a call hangs: {hang}")
        clinik.close()
        if left := server.open_connections(0, 2.0):
            report.add("leaks", f"{left} connections open after close()")
        for made in done:
            made.judge(server.ledger)


# -- on a new connection ----------------------------------------------------------------------------------------------


def greeting(server: FaultServer, connection: Connection) -> None:
    """A response comes with the last bytes of the handshake; then the service waits and does what it is asked."""
    assert server.context is not None
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.context.wrap_bio(incoming, outgoing, server_side=True)
    shaken = False
    while not shaken:
        try:
            tls.do_handshake()
            shaken = True
        except ssl.SSLWantReadError:
            connection.send(outgoing.read())
            incoming.write(connection.receive(5.0))
    # With TLS 1.2 the server has the last word of a handshake: this leaves with it, in one piece.
    tls.write(_STRANGE)
    connection.send(outgoing.read())
    server.announced.set()
    while data := connection.receive(5.0):
        incoming.write(data)
        try:
            while got := tls.read(65_536):
                server.ledger.strays.append(got[:4].decode("latin-1"))
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            return


def on_a_new_connection(operation: Operation, version: ssl.TLSVersion, lab: Lab) -> CellReport:
    """What was not asked for is there when the handshake is over.

    With TLS 1.3 the client has the last word of the handshake, so it is made to wait for the server's next one here.
    """
    report = CellReport(Attack(SECTION, f"{version.name}, on a new connection of {operation}"))
    trusting = ssl.create_default_context()
    lab.authority.configure_trust(trusting)
    trusting.maximum_version = version
    shake_hands = TLSLayer.do_handshake
    waiting = threading.local()
    with FaultServer(opening=greeting, faults=1, context=lab.context) as server:

        def shake_hands_and_wait(layer: TLSLayer) -> None:
            shake_hands(layer)
            if getattr(waiting, "caller", False) and version is ssl.TLSVersion.TLSv1_3:
                server.announced.wait(5)

        def work() -> list[Any]:
            waiting.caller = True
            with client(server, lab, verify=trusting) as clinik:
                return [make(Call(each).prepare(server), clinik, report) for each in (operation, "create", "read")]

        with mock.patch.object(TLSLayer, "do_handshake", shake_hands_and_wait):
            try:
                done = bounded(work, 10.0)
            except Hang as hang:
                report.add("late", f"a call hangs: {hang}")
                return report
        server.open_connections(0, 2.0)
        for number, made in enumerate(done):
            # The first one cannot have a response on this connection.
            made.judge(server.ledger, may_fail=number == 0)
    return report


# -- all of it --------------------------------------------------------------------------------------------------------


def _kept() -> list[tuple[Operation, Framing, str, bool]]:
    return [
        (first, framing, when, tls)
        for framing, when, tls in product(FRAMINGS, WHEN, (False, True))
        for first in (("delete",) if framing == "204" else FIRST)
    ]


NEW: Final[tuple[tuple[Operation, ssl.TLSVersion], ...]] = tuple(
    product(("create", "read"), (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
)


def cells(sampling: Sampling) -> dict[str, int]:
    """How many cells each row has."""
    return {SECTION: len(_kept()) + len(NEW)}


def run(lab: Lab, sampling: Sampling) -> Iterator[CellReport]:
    for given in _kept():
        yield on_a_kept_connection(*given, lab)
    for operation, version in NEW:
        yield on_a_new_connection(operation, version, lab)
