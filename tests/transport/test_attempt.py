"""Time: an attempt ends within its limit, whatever it waits for, and says what is known."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinik_client import ClinikConnectionError, ClinikTimeoutError
from clinik_client._transport import Attempt
from clinik_client.testing import Connection
from clinik_client.testing._steps import hang
from tests.calls import TIMEOUT, create, in_time
from tests.inside import VirtualClock, on_virtual_time
from tests.misbehaviour import (
    ESTABLISHED,
    HEAD,
    drip,
    hanging_port,
    keep_open,
    raw,
    serve_bytes,
    shake_hands_slowly,
)
from tests.servers import Connect, ScriptedService, Serve, Step, created, ok

# -- time -------------------------------------------------------------------------------------------------------------

SLOW: dict[str, Step] = {
    "silence": keep_open(),
    "silence after the status line": keep_open(HEAD),
    "silence within the body": keep_open(HEAD + b"Content-Length: 500\r\n\r\n{"),
    "dripping status line": drip(b"H", b"T"),
    "dripping head": drip(HEAD + b"x: ", b"y"),
    "dripping body": drip(HEAD + b"Content-Length: 5000\r\n\r\n", b" "),
    "dripping chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "flood of 1xx": drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20, every=0.001),
    "endless body": drip(HEAD + b"\r\n", b" " * 1000, every=0.001),
}


@pytest.mark.parametrize("fault", SLOW)
def test_the_timeout_is_wall_clock(serve: Serve, connect: Connect, fault: str) -> None:
    clinik = connect(serve(SLOW[fault], created()), timeout=TIMEOUT)
    with in_time(), pytest.raises(ClinikTimeoutError) as raised:
        create(clinik)
    assert raised.value.phase == ("wait" if fault == "silence" else "read")
    status_came = fault not in ("silence", "dripping status line", "flood of 1xx")
    assert raised.value.outcome == ("applied" if status_came else "unknown")
    assert (raised.value.code, raised.value.attempts) == ("timeout", 1)
    assert create(clinik).data.id == "enc_1"


@pytest.mark.parametrize("fault", ["silence", "dripping head", "dripping body"])
def test_the_timeout_is_wall_clock_over_tls(
    serve: Serve, connect: Connect, server_tls: ssl.SSLContext, ca_file: Path, fault: str
) -> None:
    clinik = connect(serve(SLOW[fault], ok(), ssl_context=server_tls), timeout=TIMEOUT, retries=0, verify=ca_file)
    with in_time(), pytest.raises(ClinikTimeoutError):
        clinik.encounters.read("enc_1")
    assert clinik.encounters.read("enc_1").data.id == "enc_1"


def test_connecting_is_within_the_timeout_and_proves_that_nothing_was_sent(connect: Connect) -> None:
    with hanging_port() as port:
        clinik = connect(f"http://127.0.0.1:{port}", timeout=TIMEOUT, retries=0)
        with in_time(), pytest.raises(ClinikTimeoutError, match="while connecting") as raised:
            create(clinik)
    assert (raised.value.outcome, raised.value.status) == ("not_sent", None)


def test_connecting_that_hangs_is_tried_again_for_a_create_too(connect: Connect) -> None:
    with hanging_port() as port:
        clinik = connect(f"http://127.0.0.1:{port}", timeout=0.05)
        on_virtual_time(clinik)
        with pytest.raises(ClinikTimeoutError) as raised:
            create(clinik)
    assert (raised.value.outcome, raised.value.attempts) == ("not_sent", 3)


def test_a_dead_address_leaves_time_for_the_next(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedService(created()) as alive, hanging_port("127.0.0.2", alive.port):
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, port, *rest, **options: [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")
            ],
        )
        with in_time(2 * TIMEOUT):
            response = create(connect(f"http://several.localhost:{alive.port}", timeout=2 * TIMEOUT))
    assert (response.meta.attempts, len(alive.ledger)) == (1, 1)


def test_a_slow_resolver_is_within_the_timeout(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    response, asked = threading.Event(), threading.Event()

    def resolve(*arguments: Any, **options: Any) -> Any:
        asked.set()
        response.wait(10)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    clinik = connect("http://slow.localhost:9", timeout=TIMEOUT, retries=0)
    with in_time(), pytest.raises(ClinikTimeoutError, match="while looking up") as raised:
        create(clinik)
    assert raised.value.outcome == "not_sent"
    assert asked.is_set()
    response.set()
    for thread in threading.enumerate():
        if thread.name == "clinik-lookup":
            thread.join(5)


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), OSError("?"), UnicodeError("?")])
def test_a_name_that_is_not_resolved_proves_that_nothing_was_sent(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def resolve(*arguments: Any, **options: Any) -> Any:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    clinik = connect("https://nowhere.invalid")
    on_virtual_time(clinik)
    with pytest.raises(ClinikConnectionError) as raised:
        create(clinik)
    assert (raised.value.outcome, raised.value.attempts) == ("not_sent", 3)


@pytest.mark.parametrize("handshake", [hang, shake_hands_slowly])
def test_a_tls_handshake_is_within_the_timeout(connect: Connect, handshake: Callable[[Connection], None]) -> None:
    with serve_bytes(handshake) as server:
        clinik = connect(server.url.replace("http:", "https:"), timeout=TIMEOUT, retries=0)
        with in_time(), pytest.raises(ClinikConnectionError) as raised:
            create(clinik)
    assert raised.value.outcome == "not_sent"


def test_a_proxy_that_makes_no_tunnel_is_within_the_timeout(serve: Serve, connect: Connect) -> None:
    for step in (keep_open(), drip(b"HTTP/1.1 200", b"x"), raw(ESTABLISHED)):
        proxy = serve(step)
        clinik = connect("https://127.0.0.1:9", proxy=proxy.url, timeout=TIMEOUT, retries=0)
        with in_time(), pytest.raises(ClinikConnectionError) as raised:
            create(clinik)
        assert (raised.value.outcome, raised.value.status) == ("not_sent", None)


def test_sending_is_within_the_timeout(connect: Connect) -> None:
    def read_slowly(connection: Connection) -> None:
        # Each step lets the client write for a while, so that no single one of its waits is long.
        while not connection.stopping.wait(0.01) and connection.sock.recv(65_536):
            pass

    with serve_bytes(read_slowly) as server:
        clinik = connect(server.url, timeout=TIMEOUT)
        # Made before the time is taken: filling fresh memory is no part of sending, and can take as long.
        body = {"text": "x" * 30_000_000}
        with in_time(), pytest.raises(ClinikTimeoutError) as raised:
            clinik.request("POST", "/v1/things", json=body)
    assert raised.value.outcome == "unknown"


def test_the_deadline_bounds_attempts_and_waits_together(serve: Serve, connect: Connect) -> None:
    service = serve(keep_open())
    clinik = connect(service, timeout=0.1, deadline=0.25, retries=50)
    # No waits: the attempts alone fill it.
    on_virtual_time(clinik, VirtualClock(share=0.0))
    with in_time(0.25), pytest.raises(ClinikTimeoutError) as raised:
        clinik.encounters.read("enc_1")
    assert raised.value.attempts == len(service.ledger) == 3


def test_a_deadline_is_shorter_than_a_timeout(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(keep_open()), timeout=30, deadline=TIMEOUT)
    with in_time(), pytest.raises(ClinikTimeoutError):
        clinik.encounters.read("enc_1")


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (403, {}, "unknown"),
        (403, {"x-request-id": "8f14e45f"}, "unknown"),
        (403, {"x-request-id": "req_9"}, "rejected"),
        (307, {}, "unknown"),
        (431, {}, "rejected"),
        (503, {"x-request-id": "req_9"}, "unknown"),
        (201, {}, "applied"),
    ],
)
def test_a_head_alone_proves_what_its_sender_can_know(status: int, headers: dict[str, str], outcome: str) -> None:
    attempt = Attempt(until=float("inf"))
    assert attempt.outcome == "not_sent"
    attempt.leaves()
    attempt.head_arrived(status, headers)
    assert attempt.outcome == outcome


@pytest.mark.parametrize(
    ("method", "status", "length", "behind", "is_exact"),
    [
        ("GET", 200, "3", b"abc", True),
        ("GET", 200, "3", b"abcd", False),
        ("GET", 200, "4", b"abc", False),
        ("DELETE", 204, None, b"", True),
        ("DELETE", 204, None, b"x", False),
        ("GET", 304, "3", b"", True),
        ("GET", 304, "3", b"abc", False),
        ("HEAD", 200, "3", b"", True),
        ("HEAD", 200, "3", b"abc", False),
    ],
)
def test_a_body_is_exact_if_it_is_as_long_as_its_head_says(
    method: str, status: int, length: str | None, behind: bytes, is_exact: bool
) -> None:
    headers = {} if length is None else {"content-length": length}
    attempt = Attempt(until=float("inf"))
    attempt.leaves()
    attempt.arrived(b"HTTP/1.1 %d Word\r\n\r\n" % status)
    attempt.head_arrived(status, headers)
    attempt.arrived(behind)
    assert attempt.body_is_exact(method) is is_exact
