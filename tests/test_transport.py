"""One attempt on real sockets: time, size, form, and that a response reaches the call that asked for it."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import socket
import ssl
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clinik_client import (
    ApiResponse,
    Clinik,
    ClinikApiError,
    ClinikConfigError,
    ClinikConnectionError,
    ClinikNotFoundError,
    ClinikResponseError,
    ClinikServerError,
    ClinikTimeoutError,
)
from clinik_client._transport import AttemptFailed, network
from clinik_client._transport.body import read_body
from clinik_client._transport.connect import connect as connect_to
from clinik_client._transport.pool import READ_KEEPALIVE, WRITE_KEEPALIVE
from clinik_client.testing import Connection, WireRequest, WireResponse
from clinik_client.testing.wire import TakeOver
from tests.inside import VirtualClock, on_virtual_time, session_of
from tests.servers import (
    KEY,
    FullBacklog,
    Seen,
    Service,
    Step,
    created,
    drip,
    envelope,
    gzipped_envelope,
    keep_open,
    ok,
    page,
    raw,
    record,
    respond,
    serve_bytes,
    zipped,
)

pytestmark = pytest.mark.usefixtures("nothing_left")

Connect = Callable[..., Clinik]
Serve = Callable[..., Service]

TIMEOUT = 0.2
OVERRUN = 0.1
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CANARY = "c4n4ry"


def create(clinik: Clinik) -> ApiResponse[Any]:
    return clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1")


@contextmanager
def in_time(limit: float = TIMEOUT) -> Iterator[None]:
    """What is inside takes no longer than its limit and the overrun that is promised."""
    started = time.monotonic()
    yield
    took = time.monotonic() - started
    assert took <= limit + OVERRUN, f"took {took:.3f} s"


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
    with in_time(), pytest.raises(ClinikTimeoutError, match="waiting for the response") as raised:
        create(clinik)
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
    with FullBacklog() as server:
        clinik = connect(server.url, timeout=TIMEOUT, retries=0)
        with in_time(), pytest.raises(ClinikTimeoutError, match="while connecting") as raised:
            create(clinik)
    assert (raised.value.outcome, raised.value.status) == ("not_sent", None)


def test_connecting_that_hangs_is_tried_again_for_a_create_too(connect: Connect) -> None:
    with FullBacklog() as server:
        clinik = connect(server.url, timeout=0.05)
        on_virtual_time(clinik)
        with pytest.raises(ClinikTimeoutError) as raised:
            create(clinik)
    assert (raised.value.outcome, raised.value.attempts) == ("not_sent", 3)


def test_a_dead_address_leaves_time_for_the_next(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    with Service(created()) as alive, FullBacklog("127.0.0.2", alive.port):
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
    with in_time(), pytest.raises(ClinikTimeoutError, match="while connecting") as raised:
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


def shake_no_hands(connection: Connection) -> None:
    connection.receive(5)
    connection.receive(5)


def shake_hands_slowly(connection: Connection) -> None:
    # The head of a TLS record of 16 KiB, then its bytes one by one.
    connection.send(b"\x16\x03\x03\x40\x00")
    try:
        while not connection.stopping.wait(0.02):
            connection.send(b"\x00")
    except OSError:
        pass


@pytest.mark.parametrize("handshake", [shake_no_hands, shake_hands_slowly])
def test_a_tls_handshake_is_within_the_timeout(connect: Connect, handshake: Callable[[Connection], None]) -> None:
    with serve_bytes(handshake) as server:
        clinik = connect(server.url.replace("http:", "https:"), timeout=TIMEOUT, retries=0)
        with in_time(), pytest.raises(ClinikConnectionError) as raised:
            create(clinik)
    assert raised.value.outcome == "not_sent"


def test_a_proxy_that_makes_no_tunnel_is_within_the_timeout(serve: Serve, connect: Connect) -> None:
    for step in (keep_open(), drip(b"HTTP/1.1 200", b"x"), raw(b"HTTP/1.1 200 Connection established\r\n\r\n")):
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


# -- size and form ----------------------------------------------------------------------------------------------------


def gzip_members(*texts: bytes) -> bytes:
    return b"".join(gzip.compress(text, mtime=0) for text in texts)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", " gzip "])
def test_gzip_is_decoded(encoding: str) -> None:
    assert read_body([gzipped_envelope()], encoding, 1000) == envelope()


def test_an_empty_body_is_whole_in_any_encoding(serve: Serve, connect: Connect) -> None:
    assert read_body([], "gzip", 1000) == read_body([b""], "gzip", 1000) == b""
    clinik = connect(serve(raw(b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n")))
    assert clinik.encounters.delete("enc_1").meta.attempts == 1


def test_gzip_is_decoded_off_the_wire(serve: Serve, connect: Connect) -> None:
    assert connect(serve(zipped(gzipped_envelope()))).encounters.read("enc_1").data.id == "enc_1"


@given(
    texts=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 400), max_size=6),
    level=st.integers(0, 9),
)
def test_any_members_in_any_pieces_decode(texts: list[bytes], cuts: list[int], level: int) -> None:
    whole = b"".join(gzip.compress(text, level, mtime=0) for text in texts)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert read_body(pieces, "gzip", 10_000) == b"".join(texts)


@given(text=st.binary(min_size=1, max_size=300), cut=st.integers(1))
def test_a_gzip_body_cut_anywhere_is_an_error(text: bytes, cut: int) -> None:
    whole = gzip.compress(text, mtime=0)
    with pytest.raises(AttemptFailed, match="damaged or cut short"):
        read_body([whole[: 1 + cut % (len(whole) - 1)]], "gzip", 10_000)


@given(body=st.binary(min_size=1, max_size=200))
@example(b"\x1f\x8b")
@example(gzip_members(b"a", b"b") + b"garbage")
@example(gzip_members(b"a")[:-4] + b"\xff\xff\xff\xff")
@example(zlib.compress(b"a"))
def test_what_is_not_gzip_is_an_error_and_not_repeated(body: bytes) -> None:
    with pytest.raises(AttemptFailed) as raised:
        read_body([body], "gzip", 10_000)
    assert raised.value.malformed


@given(size=st.integers(0, 5_000), limit=st.integers(1, 5_000), zipped_up=st.booleans(), piece=st.integers(1, 500))
def test_the_limit_is_on_decoded_bytes_exactly(size: int, limit: int, zipped_up: bool, piece: int) -> None:
    text = os.urandom(size)
    body = gzip.compress(text, 0, mtime=0) if zipped_up else text
    pieces = [body[start : start + piece] for start in range(0, len(body), piece)]
    if size <= limit and len(body) <= limit:
        assert read_body(pieces, "gzip" if zipped_up else "", limit) == text
    else:
        with pytest.raises(AttemptFailed, match="max_response_bytes"):
            read_body(pieces, "gzip" if zipped_up else "", limit)


def test_a_bomb_is_stopped_where_the_limit_is(serve: Serve, connect: Connect) -> None:
    bomb = gzip.compress(b" " * 50_000_000, mtime=0)
    assert len(bomb) < 100_000
    clinik = connect(serve(zipped(bomb)), max_response_bytes=1_000_000)
    clock = on_virtual_time(clinik)
    tracemalloc.start()
    try:
        with pytest.raises(ClinikResponseError, match="max_response_bytes") as raised:
            clinik.encounters.read("enc_1")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (raised.value.attempts, clock.waits) == (1, [])  # the next response would be as large
    assert most < 8_000_000


def test_an_response_that_tls_did_not_end_is_cut_short(
    serve: Serve, connect: Connect, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    # 123 could be the beginning of 1234, and only TLS's own ending would tell.
    service = serve(raw(HEAD + b"Connection: close\r\n\r\n123"), ssl_context=server_tls)
    with pytest.raises(ClinikResponseError) as raised:
        connect(service, verify=ca_file, retries=0).request("GET", "/v1/number")
    assert raised.value.outcome == "applied"


OBJECTS = {
    "lists": b"[" + b"[]," * 300_000 + b"[]]",
    "dicts": b"[" + b"{}," * 300_000 + b"{}]",
    "records": b'{"data": {"data": [' + b'{"id":"e"},' * 90_000 + b'{"id":"e"}]}}',
    "keys": b'{"data": [' + b'{"a":{}},' * 110_000 + b"{}]}",
}


@pytest.mark.parametrize("form", OBJECTS)
@pytest.mark.parametrize("status", [200, 422])
def test_json_that_is_small_as_bytes_and_huge_as_objects_is_refused(
    serve: Serve, connect: Connect, form: str, status: int
) -> None:
    limit = 1_000_000
    clinik = connect(serve(respond(status, OBJECTS[form])), max_response_bytes=limit)
    tracemalloc.start()
    try:
        with pytest.raises(ClinikApiError) as raised:
            clinik.encounters.search()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (raised.value.status, raised.value.attempts) == (status, 1)
    assert most < 8 * limit


def test_json_of_ordinary_density_is_not_refused(serve: Serve, connect: Connect) -> None:
    rows = [record(f"enc_{number}", reasonCode=["Cough", "Fever"], lengthMinutes=30) for number in range(500)]
    body = json.dumps({"data": {"data": rows, "hasMore": False}}).encode()
    clinik = connect(serve(respond(200, body)), max_response_bytes=len(body))
    assert len(clinik.encounters.search().data.data) == 500


def test_a_nested_bomb_is_stopped_too() -> None:
    with pytest.raises(AttemptFailed, match="max_response_bytes"):
        read_body([gzip_members(*[b" " * 100_000] * 20)], "gzip", 1_000_000)


FORMS: dict[str, Step] = {
    "truncated gzip": zipped(gzipped_envelope()[:-9]),
    "gzip without its check": zipped(gzipped_envelope()[:-8]),
    "wrong check": zipped(gzipped_envelope()[:-8] + b"\x00" * 8),
    "not gzip at all": zipped(envelope()),
    "gzip with a tail": zipped(gzipped_envelope() + CANARY.encode()),
    "unknown encoding": respond(200, envelope(), {"content-encoding": "br"}),
    "two encodings": respond(200, gzipped_envelope(), {"content-encoding": "gzip, gzip"}),
    "short body": raw(HEAD + b"Content-Length: 500\r\n\r\n" + envelope()),
    "length is no number": raw(HEAD + b"Content-Length: many\r\n\r\n" + envelope()),
    "negative length": raw(HEAD + b"Content-Length: -1\r\n\r\n" + envelope()),
    "two lengths": raw(HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n" + envelope()),
    "length in front of the end": raw(HEAD + b"Content-Length: 7\r\n\r\n" + envelope()),
    "chunk size is no number": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + envelope()),
    "chunks cut": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + envelope()),
    "cut where the end of the connection ends it": raw(HEAD + b"\r\n" + envelope()[:-3]),
    "head without an end": raw(HEAD + b"x: y\r\n"),
    "head of 200 KB": raw(HEAD + b"x: " + b"y" * 200_000 + b"\r\n\r\n" + envelope()),
    "deep nesting": respond(200, b"[" * 200_000 + b"]" * 200_000),
    "deep nesting in a record": respond(200, b'{"data": {"id": "enc_1", "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}"),
    "not UTF-8": respond(200, b'{"data": {"id": "enc_1", "type": "\xff' + CANARY.encode() + b'"}}'),
    "lone surrogate": respond(200, b'{"data": {"id": "enc_1", "type": "\\ud800' + CANARY.encode() + b'"}}'),
    "NaN": respond(200, b'{"data": {"id": "enc_1", "lengthMinutes": NaN}}'),
    "Infinity": respond(200, b'{"data": {"id": "enc_1", "lengthMinutes": -Infinity}}'),
    "two responses in one": respond(200, envelope() + envelope()),
    "two ids": respond(200, b'{"data": {"id": "enc_1", "id": "enc_' + CANARY.encode() + b'"}}'),
    "empty": respond(200, b""),
    "white space": respond(200, b" \r\n"),
    "null": respond(200, b"null"),
    "no record": respond(200, b'{"data": null, "meta": {}}'),
    "a text": respond(200, json.dumps(CANARY).encode()),
    "a record without an id": respond(200, {"data": {"type": CANARY}, "meta": {}}),
    "an id that is a number": respond(200, {"data": {"id": 1, "type": CANARY}, "meta": {}}),
    "an OperationOutcome": ok({"resourceType": "OperationOutcome", "id": "enc_1", "issue": [{"diagnostics": CANARY}]}),
    "html": respond(200, f"<html>{CANARY}</html>".encode(), {"content-type": "text/html"}),
    "garbage": raw(f"\x00{CANARY}\r\n\r\n".encode()),
    "a status that is no number": raw(f"HTTP/1.1 2OO {CANARY}\r\n\r\n".encode()),
    "HTTP/0.9": raw(CANARY.encode()),
    "101": raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + CANARY.encode()),
    "status 999": raw(b"HTTP/1.1 999 No\r\nContent-Length: 6\r\n\r\n" + CANARY.encode()),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_response_that_is_not_one_is_a_typed_error_that_repeats_nothing(
    serve: Serve, connect: Connect, form: str
) -> None:
    clinik = connect(serve(FORMS[form], ok()), retries=0)
    with pytest.raises((ClinikResponseError, ClinikConnectionError)) as raised:
        clinik.encounters.read("enc_1")
    error = raised.value
    assert error.__cause__ is error.__context__ is None
    assert CANARY not in f"{error!s} {error!r} {vars(error)} {error.args} {pickle.dumps(error)!r}"
    on_virtual_time(clinik)
    # Some of these servers are just hanging up: a read may meet that, and is then sent again.
    assert clinik.with_options(retries=1).encounters.read("enc_1").data.id == "enc_1"


PAGES: dict[str, bytes] = {
    "html": f"<html><body>{CANARY}</body></html>".encode(),
    "nothing": b"",
    "text": CANARY.encode(),
    "cut JSON": b'{"message": "' + CANARY.encode(),
    "an array": b"[1, 2]",
    "null": b"null",
    "other types": b'{"message": 7, "code": ["x"], "issues": 3, "requestId": {}, "meta": [1]}',
    "other types within": b'{"issues": [null, 7, {"diagnostics": {"x": 1}, "location": [{}], "code": 1}]}',
    "deep nesting": b'{"message": ' * 100_000,
}


@pytest.mark.parametrize("status", [400, 404, 429, 500, 502, 503])
@pytest.mark.parametrize("form", PAGES)
def test_an_error_page_of_any_form_is_typed_by_its_status(
    serve: Serve, connect: Connect, status: int, form: str
) -> None:
    kinds = {404: ClinikNotFoundError, 500: ClinikServerError, 502: ClinikServerError, 503: ClinikServerError}
    clinik = connect(serve(respond(status, PAGES[form])), retries=0)
    with pytest.raises(kinds.get(status, ClinikApiError)) as raised:
        clinik.encounters.read("enc_1")
    assert raised.value.status == status
    assert CANARY not in f"{raised.value} {vars(raised.value)}"
    assert str(status) in str(raised.value)


def test_an_error_page_with_a_very_long_message_is_dealt_with_at_once(serve: Serve, connect: Connect) -> None:
    body = {"message": "ab_-" * 5_000_000, "issues": [{"diagnostics": "ab_-" * 990}] * 2_000}
    clinik = connect(serve(respond(422, body)), retries=0)
    started = time.process_time()
    with pytest.raises(ClinikApiError) as raised:
        clinik.encounters.read("enc_1")
    assert time.process_time() - started < 3  # with a search that looks back and forth it is minutes
    assert len(str(raised.value)) < 20_000


# -- the right response -----------------------------------------------------------------------------------------------


def response_what_was_asked(request: WireRequest) -> WireResponse:
    """A record for each id, and for each create one whose id tells its patient."""
    if request.method == "POST":
        patient = json.loads(request.body)["patientId"]
        return ok(record(f"enc_{patient}", patientId=patient), 201)
    return ok(record(request.target.rsplit("/", 1)[1]))


SECOND_RESPONSES = {
    "a whole response": HEAD + b"Content-Length: 40\r\n\r\n" + b'{"data": {"id": "enc_9"}, "meta": {}}'.ljust(40),
    "a refusal": b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n",
    "a whole response in chunks": CHUNKED + b"25\r\n" + b'{"data": {"id": "enc_9"}, "meta": {}}' + b"\r\n0\r\n\r\n",
    "an empty response": b"HTTP/1.1 204 No Content\r\n\r\n",
    "half a response": HEAD + b"Content-Length: 300\r\n\r\n",
    "garbage": b"\x00garbage",
    "one byte": b"\n",
}


@pytest.mark.parametrize("extra", SECOND_RESPONSES)
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_bytes_behind_an_response_never_become_the_next_one(
    serve: Serve, connect: Connect, extra: str, framing: str
) -> None:
    body = b'{"data": {"id": "enc_1"}, "meta": {}}'
    first = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    if framing == "chunks":
        first = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    served: list[bytes] = []

    def inject(request: WireRequest) -> TakeOver:
        def take_over(connection: Connection) -> None:
            connection.send(first + SECOND_RESPONSES[extra])
            served.append(connection.receive(5))

        return take_over

    service = serve(inject, created("enc_2"))
    clinik = connect(service)
    assert create(clinik).data.id == "enc_1"
    assert create(clinik).data.id == "enc_2"
    assert [seen.connection for seen in service.ledger] == [1, 2]
    clinik.close()
    service.stop()
    assert served == [b""]  # nothing more was sent to the one that had said too much


@pytest.mark.parametrize("ending", [b"0\r\n\r\n", b"0\r\nx-check: 1\r\n\r\n", b"0;last\r\n\r\n"])
def test_chunks_may_end_in_any_form(serve: Serve, connect: Connect, ending: bytes) -> None:
    response = CHUNKED + b"25;a=b\r\n" + b'{"data": {"id": "enc_1"}, "meta": {}}' + b"\r\n" + ending
    clinik = connect(serve(keep_open(response), created("enc_2")))
    assert create(clinik).data.id == "enc_1"


def test_sixty_four_threads_each_get_their_own_response(serve: Serve, connect: Connect) -> None:
    service = serve(response_what_was_asked)
    clinik = connect(service, retries=0)

    def work(worker: int) -> list[tuple[str, str]]:
        found = []
        for step in range(6):
            name = f"enc_{worker}_{step}"
            found.append((name, clinik.encounters.read(name).data.id))
            response = clinik.encounters.create(status="planned", class_="AMB", patient_id=f"{worker}_{step}")
            found.append((name, response.data.id))
        return found

    with ThreadPoolExecutor(64) as threads:
        pairs = [pair for found in threads.map(work, range(64)) for pair in found]
    assert len(pairs) == 768
    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    assert len(service.ledger) == 768
    assert service.connections <= 2 * 64


_FORK = """
import os, sys, threading
from clinik_client import Clinik

clinik = Clinik("clk_test_0fork0", base_url=sys.argv[1], trust_env=False, timeout=10, retries=0)


def work(who):
    for number in range(100):
        name = f"enc_{who}_{number}"
        assert clinik.encounters.read(name).data.id == name
        created = clinik.encounters.create(status="planned", class_="AMB", patient_id=f"{who}_{number}")
        assert created.data.id == name, (created.data.id, name)


def work_in_threads(who):
    wrong = []

    def run(name):
        try:
            work(name)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(f"{who}{number}",)) for number in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not wrong, wrong


work("before")
child = os.fork()
work_in_threads("child" if child == 0 else "parent")
clinik.close()
if child == 0:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("both")
"""


@pytest.mark.parametrize("tls", [False, True])
def test_after_a_fork_both_processes_get_their_own_responses(
    serve: Serve, server_tls: ssl.SSLContext, ca_file: Path, tls: bool
) -> None:
    if not hasattr(os, "fork"):
        return  # there is nothing to promise where there is no fork
    service = serve(response_what_was_asked, ssl_context=server_tls if tls else None)
    script = _FORK.replace("trust_env=False", f"trust_env=False, verify={str(ca_file)!r}")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, service.url], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "both\n"), done.stderr
    assert "Error" not in done.stderr
    assert "Warning" not in done.stderr
    assert len(service.ledger) == 2 * 100 * 5
    by_connection: dict[int, set[str]] = {}
    for seen in service.ledger:
        by_connection.setdefault(seen.connection, set()).add(who_asked(seen))
    # What was made before the fork is the parent's alone.
    assert not any({"child", "before"} <= who or {"child", "parent"} <= who for who in by_connection.values())


def who_asked(seen: Seen) -> str:
    name: str = seen.json["patientId"] if seen.method == "POST" else seen.target.rsplit("enc_", 1)[1]
    return name.split("_")[0].rstrip("0123456789")


# -- connections ------------------------------------------------------------------------------------------------------


def test_connections_are_kept_for_less_time_than_servers_keep_theirs() -> None:
    assert READ_KEEPALIVE < 5
    assert WRITE_KEEPALIVE <= 1


class Hands:
    """The hands of the monotonic clock, moved forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moved = 0.0
        real = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: real() + self.moved)


@pytest.mark.parametrize(
    ("call", "keeps"), [("create", 1.0), ("update", 1.0), ("delete", 1.0), ("read", 4.0), ("search", 4.0)]
)
def test_a_call_takes_no_connection_that_was_idle_for_too_long(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, call: str, keeps: float
) -> None:
    responses = {"create": created(), "read": ok(), "update": ok(), "delete": respond(204), "search": page([])}
    service = serve(responses[call])
    clinik = connect(service)
    calls: dict[str, Callable[[], Any]] = {
        "create": lambda: create(clinik),
        "read": lambda: clinik.encounters.read("enc_1"),
        "update": lambda: clinik.encounters.update("enc_1", status="finished"),
        "delete": lambda: clinik.encounters.delete("enc_1"),
        "search": lambda: clinik.encounters.search(),
    }
    hands = Hands(monkeypatch)
    calls[call]()
    hands.moved += keeps - 0.3
    calls[call]()
    hands.moved += keeps + 0.01
    calls[call]()
    assert [seen.connection for seen in service.ledger] == [1, 1, 2]


def test_a_write_does_not_take_the_connection_of_a_read(serve: Serve, connect: Connect) -> None:
    # It may have been idle for longer than a write's may.
    service = serve(ok())
    clinik = connect(service)
    clinik.encounters.read("enc_1")
    create(clinik)
    clinik.encounters.read("enc_1")
    create(clinik)
    assert [seen.connection for seen in service.ledger] == [1, 2, 1, 2]


def test_a_connection_that_the_server_ended_meanwhile_is_not_used(serve: Serve, connect: Connect) -> None:
    ended = threading.Event()

    def response_and_end(request: WireRequest) -> TakeOver:
        def take_over(connection: Connection) -> None:
            connection.send(HEAD + b"Content-Length: 37\r\n\r\n" + b'{"data": {"id": "enc_1"}, "meta": {}}')
            connection.close()
            ended.set()

        return take_over

    service = serve(response_and_end)
    clinik = connect(service, retries=0)
    for _ in range(20):
        ended.clear()
        assert create(clinik).meta.attempts == 1
        assert ended.wait(5)
    assert len(service.ledger) == service.connections == 20


def test_many_failures_leave_no_socket_open(serve: Serve, connect: Connect) -> None:
    gone: list[bytes] = []

    def watched(step: Step) -> Step:
        def response(request: WireRequest) -> TakeOver:
            def take_over(connection: Connection) -> None:
                assert callable(step)
                inner = step(request)
                assert callable(inner)
                inner(connection)
                gone.append(connection.receive(5))

            return take_over

        return response

    faults = [keep_open(b"garbage\r\n\r\n"), keep_open(HEAD + b"Content-Length: x\r\n\r\n"), keep_open()]
    service = serve(*(watched(fault) for fault in faults))
    clinik = connect(service, timeout=0.1, retries=0)
    for _ in range(5):
        with pytest.raises(ClinikApiError):
            clinik.encounters.read("enc_1")
    # The client is still open, and each connection has been ended by it all the same.
    service.stop()
    assert gone == [b""] * 5


def test_closing_while_connecting_ends_the_call_at_once(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = threading.Event()
    real = connect_to

    def tell(addresses: Any, seconds_left: Any, opened: Any) -> Any:
        def opened_and_told(sock: socket.socket) -> None:
            opened(sock)
            reached.set()

        return real(addresses, seconds_left, opened_and_told)

    monkeypatch.setattr(network, "connect", tell)
    with FullBacklog() as server, in_time():
        clinik = connect(server.url, timeout=10.0, retries=0)
        raised = in_thread(lambda: create(clinik))
        assert reached.wait(5)
        clinik.close()
        error = raised()
    assert isinstance(error, ClinikConfigError)
    assert (error.outcome, "closed" in str(error)) == ("not_sent", True)


@pytest.mark.parametrize("wait", ["lookup", "handshake", "response"])
def test_closing_ends_whatever_a_call_waits_for(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, wait: str
) -> None:
    reached, released = threading.Event(), threading.Event()

    def resolve(*arguments: Any, **options: Any) -> Any:
        reached.set()
        released.wait(10)
        raise socket.gaierror

    def hold(connection: Connection) -> None:
        connection.receive(5)
        reached.set()
        connection.receive(5)

    def hold_response(request: WireRequest) -> TakeOver:
        def take_over(connection: Connection) -> None:
            reached.set()
            connection.receive(5)

        return take_over

    with serve_bytes(hold) as silent:
        if wait == "lookup":
            monkeypatch.setattr(socket, "getaddrinfo", resolve)
        urls = {
            "lookup": "http://slow.localhost:9",
            "handshake": silent.url.replace("http:", "https:"),
            "response": serve(hold_response).url,
        }
        clinik = connect(urls[wait], timeout=10.0, retries=2)
        raised = in_thread(lambda: create(clinik))
        assert reached.wait(5)
        with in_time():
            clinik.close()
            error = raised()
    released.set()
    for thread in threading.enumerate():
        if thread.name == "clinik-lookup":
            thread.join(5)
    assert isinstance(error, ClinikApiError)
    assert (error.outcome, error.attempts) == ("unknown" if wait == "response" else "not_sent", 1)


def in_thread(work: Callable[[], Any]) -> Callable[[], BaseException | None]:
    """Start some work; what comes back waits for its end and gives what it raised."""
    with_error: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            with_error.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def result() -> BaseException | None:
        thread.join(5)
        assert not thread.is_alive()
        return with_error[0] if with_error else None

    return result


def test_an_unused_client_opens_nothing(connect: Connect) -> None:
    threads = threading.active_count()
    with Service(ok()) as service:
        connect(service).close()
        assert service.connections == 0
    assert threading.active_count() == threads


def test_the_transport_shows_no_key(connect: Connect) -> None:
    clinik = connect("http://127.0.0.1:9/p")
    assert repr(session_of(clinik).transport) == "<Transport to http://127.0.0.1:9/p>"
    assert KEY not in repr(session_of(clinik))


def test_a_refusal_with_any_headers_is_survived(serve: Serve, connect: Connect) -> None:
    head = b"HTTP/1.1 500 \xe9\r\nx-request-id: " + b"\xff" * 300 + b"\r\nx-a: \xe9\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(ClinikServerError) as raised:
        connect(serve(raw(head)), retries=0).encounters.read("enc_1")
    assert raised.value.request_id is None
