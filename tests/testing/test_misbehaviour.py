"""What a fault does: to the bytes of a connection, to what is applied, and to what the SDK says about it."""

from __future__ import annotations

import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from ssl import SSLContext
from typing import Any

import orjson
import pytest

from clinik_client import (
    Clinik,
    ClinikApiError,
    ClinikConnectionError,
    ClinikNotFoundError,
    ClinikRateLimitError,
    ClinikResponseError,
    ClinikServerError,
    ClinikTimeoutError,
    ClinikValidationError,
)
from clinik_client.testing import Fault, Service
from clinik_client.testing._fault import KINDS
from clinik_client.testing._steps import GARBAGE, gzip_bomb
from tests.inside import on_virtual_time
from tests.testing.asking import ask
from tests.testing.counting import KEY, PATIENT, CountingBackend

CREATE: dict[str, Any] = {"status": "planned", "class": "AMB", "patientId": PATIENT}
LATE = 3600.0
"""Seconds that no test has."""
PATIENCE = 0.4
"""Seconds after which a client goes, where it is about that."""


@contextmanager
def serving(*faults: Fault, **options: Any) -> Iterator[Service]:
    with Service(CountingBackend(), **options) as service:
        for fault in faults:
            service.faults.add(fault)
        yield service


@contextmanager
def client(service: Service, **options: Any) -> Iterator[Clinik]:
    settings = {"retries": 0, "trust_env": False, **options}
    with Clinik(KEY, base_url=service.url, **settings) as clinik:
        yield clinik


def connections_end(service: Service) -> None:
    """Wait until the server is done with every connection that it has."""
    for thread in threading.enumerate():
        if thread.name == f"wire-connection-{service.port}":
            thread.join(10)
            assert not thread.is_alive()


def raw(service: Service, method: str = "POST", more: bytes = b"") -> socket.socket:
    """A connection on which a request was sent."""
    sock = socket.create_connection(("127.0.0.1", service.port), timeout=10)
    target = "/v1/encounters" if method == "POST" else "/v1/encounters/enc_1"
    body = "{}" if method == "POST" else ""
    head = f"{method} {target} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    # At once: a second write might meet a connection that is reset already.
    sock.sendall((head + body).encode() + more)
    return sock


def read_to_end(sock: socket.socket) -> tuple[bytes, bool]:
    """All that comes, and whether the end was a TCP reset."""
    got = b""
    while True:
        try:
            data = sock.recv(65536)
        except ConnectionResetError:
            return got, True
        if not data:
            return got, False
        got += data


# -- what the SDK says, and what was applied --------------------------------------------------------------------------

OUTCOMES = [
    (Fault("reset"), ClinikConnectionError, "unknown"),
    (Fault("reset", after_apply=True), ClinikConnectionError, "unknown"),
    (Fault("close"), ClinikConnectionError, "unknown"),
    (Fault("close", after_apply=True), ClinikConnectionError, "unknown"),
    (Fault("garbage"), ClinikResponseError, "unknown"),
    (Fault("garbage", after_apply=True), ClinikResponseError, "unknown"),
    (Fault("hang"), ClinikTimeoutError, "unknown"),
    (Fault("hang", after_apply=True), ClinikTimeoutError, "unknown"),
    (Fault("status"), ClinikServerError, "unknown"),
    (Fault("status", status=503, after_apply=True), ClinikServerError, "unknown"),
    (Fault("status", status=422), ClinikValidationError, "rejected"),
    (Fault("status", status=429, retry_after=7), ClinikRateLimitError, "rejected"),
    (Fault("status", status=404, form="fhir"), ClinikNotFoundError, "rejected"),
    (Fault("status", status=502, form="html", after_apply=True), ClinikServerError, "unknown"),
    (Fault("drip", seconds=0), ClinikServerError, "unknown"),
    (Fault("drip", seconds=LATE), ClinikTimeoutError, "unknown"),
    (Fault("drip", seconds=LATE, after_apply=True), ClinikTimeoutError, "unknown"),
    (Fault("cut"), ClinikServerError, "unknown"),
    (Fault("cut", after_apply=True), ClinikResponseError, "applied"),
    (Fault("cut", end="reset", after_apply=True), ClinikConnectionError, "applied"),
    (Fault("cut", at=0, after_apply=True), ClinikConnectionError, "unknown"),
    (Fault("bomb", size=10**7), ClinikServerError, "unknown"),
    (Fault("bomb", size=10**7, after_apply=True), ClinikResponseError, "applied"),
    (Fault("latency", seconds=LATE, after_apply=True), ClinikTimeoutError, "unknown"),
    (Fault("latency", seconds=LATE), ClinikTimeoutError, "unknown"),
]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(("fault", "error", "outcome"), OUTCOMES, ids=lambda value: getattr(value, "kind", None))
def test_a_create_that_meets_a_fault_is_applied_if_it_says_so_and_the_sdk_knows_what_can_be_known(
    fault: Fault, error: type[ClinikApiError], outcome: str, tls: bool, server_tls: SSLContext, ca_file: Path
) -> None:
    options: dict[str, Any] = {"max_response_bytes": 10**6, "verify": str(ca_file)}
    with serving(ssl_context=server_tls if tls else None) as service:
        with client(service, **options) as clinik:
            # Connected before, so that only what the fault does takes time.
            clinik.encounters.read("enc_1")
            service.faults.add(fault)
            hasty = clinik.with_options(timeout=PATIENCE if error is ClinikTimeoutError else 10.0)
            with pytest.raises(ClinikApiError) as caught:
                hasty.encounters.create(CREATE)
        # Of itself, since the client is gone.
        connections_end(service)
        assert (type(caught.value), caught.value.outcome) == (error, outcome)
        assert (service.ledger.received("create"), service.ledger.applied("create")) == (1, int(fault.after_apply))
        assert service.faults.pending() == []
        entry = service.ledger.entries[-1]
        assert (entry.fault, entry.applied) == (fault.kind, fault.after_apply)


@pytest.mark.parametrize("after_apply", [False, True])
@pytest.mark.parametrize("kind", ["latency", "drip"])
def test_what_is_only_slow_is_right_in_the_end(kind: str, after_apply: bool) -> None:
    fault = Fault(kind, operation="update", seconds=(0, 0.001), after_apply=after_apply or kind == "drip")
    with serving(fault) as service, client(service) as clinik:
        assert clinik.encounters.update("enc_1", status="finished").data.id == "enc_1"
        assert service.ledger.applied("update") == 1
        assert [entry.status for entry in service.ledger.entries] == [200]


LAST = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def test_a_late_response_leaves_the_connection_as_it_is() -> None:
    with serving(Fault("latency", seconds=0.01)) as service, raw(service, "GET", more=LAST[:20]) as sock:
        # The rest of the next request comes while the response to the first is awaited.
        sock.sendall(LAST[20:])
        assert read_to_end(sock)[0].count(b"HTTP/1.1 200 OK") == 2
    assert [entry.operation for entry in service.ledger.entries] == ["read", "health"]


def test_an_error_leaves_the_connection_as_it_is() -> None:
    with serving(Fault("status", times=2)) as service, raw(service, "GET", more=LAST) as sock:
        assert read_to_end(sock)[0].count(b"HTTP/1.1 500 Internal Server Error") == 2


def test_retries_meet_the_faults_in_their_order_and_come_through() -> None:
    with serving(Fault("reset", operation="read"), Fault("status", status=503, operation="read")) as service:
        with client(service, retries=2) as clinik:
            on_virtual_time(clinik)
            assert clinik.encounters.read("enc_1").meta.attempts == 3
        assert [entry.fault for entry in service.ledger.entries] == ["reset", "status", None]
        assert [entry.status for entry in service.ledger.entries] == [None, 503, 200]
        assert service.ledger.received("read") == 3


def test_a_create_is_not_sent_again_after_a_fault_that_may_have_applied_it() -> None:
    with serving(Fault("reset", operation="create", after_apply=True)) as service:
        with client(service, retries=2) as clinik, pytest.raises(ClinikConnectionError):
            clinik.encounters.create(CREATE)
        assert (service.ledger.received("create"), service.ledger.applied("create")) == (1, 1)


@pytest.mark.parametrize("kind", ["cut", "bomb", "drip"])
def test_what_changes_nothing_has_its_right_response_dripped_cut_or_blown_up(kind: str) -> None:
    fault = Fault(kind, seconds=0) if kind == "drip" else Fault(kind)
    with serving(fault) as service, raw(service, "GET") as sock:
        got = b""
        while b"\r\n" not in got:
            got += sock.recv(1)
        assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert [(entry.status, entry.applied) for entry in service.ledger.entries] == [(200, False)]


def test_the_wait_that_an_error_asks_for_reaches_the_program() -> None:
    with (
        serving(Fault("status", status=429, retry_after=120)) as service,
        client(service) as clinik,
        pytest.raises(ClinikRateLimitError) as caught,
    ):
        clinik.encounters.read("enc_1")
    assert (caught.value.retry_after, caught.value.code) == (120, "RATE_LIMITED")


def test_errors_have_ids_of_their_own() -> None:
    with serving(Fault("status", times=2, code="MADE_UP")) as service:
        bodies = [ask(service.port, "GET", "/health").json for _ in range(2)]
    assert [(body["requestId"], body["code"]) for body in bodies] == [
        ("req_fault_1", "MADE_UP"),
        ("req_fault_2", "MADE_UP"),
    ]


def test_a_backend_that_fails_behind_a_fault_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    monkeypatch.setattr(CountingBackend, "answer", lambda self, request: 1 // 0)
    with serving(Fault("latency", seconds=0)) as service, raw(service) as sock:
        assert read_to_end(sock)[0] == b""
        connections_end(service)
    assert [args.exc_type for args in reported] == [ZeroDivisionError]


# -- the bytes --------------------------------------------------------------------------------------------------------


def whole_response(method: str) -> bytes:
    """What a request would get without a fault, byte by byte, on a connection that is closed then."""
    with serving(Fault("drip", seconds=0, after_apply=True)) as service, raw(service, method) as sock:
        return read_to_end(sock)[0]


def test_the_response_to_a_head_drips_without_a_body() -> None:
    dripped = whole_response("HEAD")
    assert dripped.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert dripped.endswith(b"\r\n\r\n")
    assert b"content-length: 63\r\n" in dripped


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_what_drips_is_the_whole_response(method: str) -> None:
    got = whole_response(method)
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    if method == "DELETE":
        assert (head.partition(b"\r\n")[0], body) == (b"HTTP/1.1 204 No Content", b"")
    else:
        assert orjson.loads(body)["data"]["id"] == "enc_1"
        assert b"\r\ncontent-length: %d\r\n" % len(body) in head + b"\r\n"


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("at", [0, 1, 20, None, -1, 10**6])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_response_is_cut_at_its_byte_and_ends_as_it_should(method: str, at: int | None, end: str) -> None:
    whole = whole_response(method)
    head = whole.index(b"\r\n\r\n") + 4
    wanted = {-1: len(whole) - 1, 10**6: len(whole) - 1, None: min(head + (len(whole) - head) // 2, len(whole) - 1)}
    cut = Fault("cut", at=len(whole) - 1 if at == -1 else at, end=end, after_apply=True)
    with serving(cut) as service, raw(service, method) as sock:
        got, reset = read_to_end(sock)
    assert got == whole[: wanted.get(at, at)]
    assert reset == (end == "reset")


def test_a_reset_is_one_and_a_close_is_none() -> None:
    for kind, reset in [("reset", True), ("close", False)]:
        with serving(Fault(kind)) as service, raw(service) as sock:
            assert read_to_end(sock) == (b"", reset)


def test_garbage_is_no_http_and_then_the_connection_is_closed() -> None:
    with serving(Fault("garbage")) as service, raw(service) as sock:
        assert read_to_end(sock) == (GARBAGE, False)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_bomb_is_small_and_inflates_to_its_size(method: str) -> None:
    with serving(Fault("bomb", size=3_000_001, after_apply=True)) as service, raw(service, method, LAST) as sock:
        got, _ = read_to_end(sock)
    head, _, rest = got.partition(b"\r\n\r\n")
    assert b"\r\ncontent-encoding: gzip" in head
    assert head.startswith(b"HTTP/1.1 201" if method == "POST" else b"HTTP/1.1 200")
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    assert inflater.decompress(rest) == b" " * 3_000_001
    assert inflater.unused_data.startswith(b"HTTP/1.1 200 OK")
    assert len(got) < 10_000


@pytest.mark.parametrize("size", [1, 2**20 - 1, 2**20, 2**20 + 1])
def test_a_bomb_has_every_size(size: int) -> None:
    assert len(zlib.decompress(gzip_bomb(size), wbits=31)) == size


# -- the end of waits -------------------------------------------------------------------------------------------------

WAITING = [
    Fault("hang"),
    Fault("hang", after_apply=True),
    Fault("latency", seconds=LATE),
    Fault("latency", seconds=LATE, after_apply=True),
    Fault("drip", seconds=LATE),
    Fault("drip", seconds=(LATE, 2 * LATE), after_apply=True),
]


def telling(arrived: threading.Event) -> Callable[[], datetime]:
    """A clock, which is looked at when a request arrives."""

    def now() -> datetime:
        arrived.set()
        return datetime.now(UTC)

    return now


def leave(sock: socket.socket) -> None:
    sock.close()


def leave_by_reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def say_more_and_leave(sock: socket.socket) -> None:
    sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    sock.close()


@pytest.mark.parametrize("go", [leave, leave_by_reset, say_more_and_leave])
@pytest.mark.parametrize("fault", WAITING, ids=lambda fault: f"{fault.kind}-{fault.after_apply}")
def test_a_wait_ends_when_the_peer_goes(fault: Fault, go: Callable[[socket.socket], None]) -> None:
    arrived = threading.Event()
    with serving(fault, now=telling(arrived)) as service:
        sock = raw(service)
        assert arrived.wait(10)
        go(sock)
        connections_end(service)
        assert service.ledger.applied() == int(fault.after_apply)


@pytest.mark.parametrize("said", [b"", b"more", b"x" * 200_000])
@pytest.mark.parametrize("fault", WAITING, ids=lambda fault: f"{fault.kind}-{fault.after_apply}")
def test_a_wait_ends_when_the_server_stops(fault: Fault, said: bytes) -> None:
    arrived = threading.Event()
    with serving(fault, now=telling(arrived)) as service, raw(service, more=said):
        assert arrived.wait(10)
        service.stop()  # joins every thread
        assert service.ledger.applied() == int(fault.after_apply)


def test_a_client_that_was_gone_before_its_late_turn_has_changed_nothing() -> None:
    with serving(Fault("latency", seconds=LATE, operation="create")) as service:
        with client(service, timeout=PATIENCE) as clinik, pytest.raises(ClinikTimeoutError):
            clinik.encounters.create(CREATE)
        connections_end(service)
        assert (service.ledger.received("create"), service.ledger.applied("create")) == (1, 0)
        assert [entry.status for entry in service.ledger.entries] == [None]


def test_every_kind_is_tried_here() -> None:
    assert {fault.kind for fault, _, _ in OUTCOMES} == set(KINDS)
