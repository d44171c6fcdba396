"""One attempt on real sockets: time, size, form, and that a response reaches the call that asked for it."""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from clinik_client import ClinikApiError, ClinikConfigError, ClinikServerError
from clinik_client._transport import network, pool
from clinik_client._transport.attempt import Attempt
from clinik_client._transport.connect import connect as connect_to
from clinik_client._transport.failures import AttemptFailed
from clinik_client._transport.pool import READ_KEEPALIVE, WRITE_KEEPALIVE, HttpConnection
from clinik_client._transport.stream import Stream
from clinik_client.testing import Connection, WireRequest, WireResponse
from tests.calls import create, in_time
from tests.inside import session_of
from tests.misbehaviour import HEAD, handed_over, hanging_port, keep_open, raw, serve_bytes
from tests.servers import KEY, Connect, ScriptedService, Seen, Serve, Step, created, ok, page, record, respond

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


# -- the right response -----------------------------------------------------------------------------------------------


def respond_to_what_was_asked(request: WireRequest) -> WireResponse:
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
def test_bytes_behind_a_response_never_become_the_next_one(
    serve: Serve, connect: Connect, extra: str, framing: str
) -> None:
    body = b'{"data": {"id": "enc_1"}, "meta": {}}'
    first = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    if framing == "chunks":
        first = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    served: list[bytes] = []

    def inject(connection: Connection) -> None:
        connection.send(first + SECOND_RESPONSES[extra])
        served.append(connection.receive(5))

    service = serve(handed_over(inject), created("enc_2"))
    clinik = connect(service)
    assert create(clinik).data.id == "enc_1"
    assert create(clinik).data.id == "enc_2"
    assert [seen.connection for seen in service.ledger] == [1, 2]
    clinik.close()
    service.stop()
    assert served == [b""]  # nothing more was sent to the one that had said too much


@pytest.mark.parametrize("framing", ["no body", "length", "chunks"])
def test_a_connection_that_brought_too_much_is_closed_at_once(serve: Serve, connect: Connect, framing: str) -> None:
    body = b'{"data": {"id": "enc_1"}, "meta": {}}'
    first = {
        "no body": b"HTTP/1.1 204 No Content\r\n\r\n",
        "length": HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        "chunks": CHUNKED + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n",
    }
    ended = threading.Event()

    def inject(connection: Connection) -> None:
        connection.send(first[framing] + b"HTTP/1.1 204 No Content\r\n\r\n")
        if connection.receive(1) == b"":
            ended.set()

    clinik = connect(serve(handed_over(inject)))
    if framing == "no body":
        clinik.encounters.delete("enc_1")
    else:
        clinik.encounters.read("enc_1")
    assert ended.wait(20)


def test_a_response_that_was_there_before_its_request_is_told_as_unasked(serve: Serve, connect: Connect) -> None:
    """Where nobody has noticed it before: both looks at the connection are taken away here."""
    body = b'{"data": {"id": "enc_1"}, "meta": {}}'

    def inject(connection: Connection) -> None:
        connection.send((HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) * 2)
        connection.receive(1)

    clinik = connect(serve(handed_over(inject)), retries=0)
    quiet = mock.patch.object(Stream, "is_quiet", return_value=True)
    with quiet, mock.patch.object(HttpConnection, "is_whole", return_value=True):
        clinik.encounters.read("enc_1")
        with pytest.raises(ClinikApiError, match="no request on this connection had asked for") as raised:
            clinik.encounters.read("enc_1")
    assert (raised.value.code, raised.value.outcome) == ("unasked", "unknown")


@pytest.mark.parametrize("ending", [b"0\r\n\r\n", b"0\r\nx-check: 1\r\n\r\n", b"0;last\r\n\r\n"])
def test_chunks_may_end_in_any_form(serve: Serve, connect: Connect, ending: bytes) -> None:
    response = CHUNKED + b"25;a=b\r\n" + b'{"data": {"id": "enc_1"}, "meta": {}}' + b"\r\n" + ending
    clinik = connect(serve(keep_open(response), created("enc_2")))
    assert create(clinik).data.id == "enc_1"


def test_sixty_four_threads_each_get_their_own_response(serve: Serve, connect: Connect) -> None:
    service = serve(respond_to_what_was_asked)
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
    service = serve(respond_to_what_was_asked, ssl_context=server_tls if tls else None)
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

    def respond_and_end(connection: Connection) -> None:
        connection.send(HEAD + b"Content-Length: 37\r\n\r\n" + b'{"data": {"id": "enc_1"}, "meta": {}}')
        connection.close()
        ended.set()

    service = serve(handed_over(respond_and_end))
    clinik = connect(service, retries=0)
    for _ in range(20):
        ended.clear()
        assert create(clinik).meta.attempts == 1
        assert ended.wait(5)
    assert len(service.ledger) == service.connections == 20


def test_many_failures_leave_no_socket_open(serve: Serve, connect: Connect) -> None:
    gone: list[bytes] = []

    def watched(part: bytes) -> Step:
        def watch(connection: Connection) -> None:
            connection.send(part)
            gone.append(connection.receive(5))

        return handed_over(watch)

    service = serve(*map(watched, (b"garbage\r\n\r\n", HEAD + b"Content-Length: x\r\n\r\n", b"")))
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
    with hanging_port() as port, in_time():
        clinik = connect(f"http://127.0.0.1:{port}", timeout=10.0, retries=0)
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

    def hold_response(connection: Connection) -> None:
        reached.set()
        connection.receive(5)

    with serve_bytes(hold) as silent:
        if wait == "lookup":
            monkeypatch.setattr(socket, "getaddrinfo", resolve)
        urls = {
            "lookup": "http://slow.localhost:9",
            "handshake": silent.url.replace("http:", "https:"),
            "response": serve(handed_over(hold_response)).url,
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


def test_an_attempt_whose_time_is_up_before_it_begins_opens_nothing(serve: Serve, connect: Connect) -> None:
    service = serve(respond(200, {}))
    transport = session_of(connect(service)).transport
    with pytest.raises(AttemptFailed, match="while connecting") as failed:
        transport.exchange("GET", "/v1/encounters", (), b"", Attempt(until=time.monotonic()))
    assert (failed.value.code, failed.value.phase) == ("timeout", "connect")
    assert service.connections == 0


def test_an_unused_client_opens_nothing(connect: Connect) -> None:
    threads = threading.active_count()
    with ScriptedService(ok()) as service:
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


@pytest.mark.parametrize("part", ["connection", "http11", "proxy"])
def test_what_a_loggers_debug_lines_would_show_is_kept_out_of_each(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    caplog.set_level(logging.DEBUG, f"httpcore.{part}")
    with mock.patch.object(pool, "_keep_out_of_logs") as trace:
        connect(serve(ok())).encounters.read("enc_1")
    assert trace.called


def test_nothing_is_traced_while_nobody_reads_it(serve: Serve, connect: Connect) -> None:
    with mock.patch.object(pool, "_keep_out_of_logs") as trace:
        connect(serve(ok())).encounters.read("enc_1")
    assert not trace.called
