"""The wire layer: HTTP/1.1 over real sockets, its bounds, its seams, and a clean end."""

from __future__ import annotations

import gc
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import httpx
import pytest
import trustme

from clinik_client.testing import Connection, Limits, WireRequest, WireResponse, WireServer
from tests.misbehaviour import tls_as


def connect(server: WireServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def read_all(sock: socket.socket) -> bytes:
    parts = []
    while data := sock.recv(65536):
        parts.append(data)
    return b"".join(parts)


def echo(request: WireRequest) -> WireResponse:
    return WireResponse(200, [("content-type", "text/plain"), ("x-method", request.method)], request.body or b"nothing")


def wire_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("wire-")]


def test_a_request_reaches_the_handler_with_method_target_headers_and_body() -> None:
    seen: list[WireRequest] = []

    def handler(request: WireRequest) -> WireResponse:
        seen.append(request)
        return WireResponse(201, [("x-one", "1"), ("x-one", "2")], b"made")

    with WireServer(handler) as server:
        response = httpx.post(
            f"{server.url}/a/b?c=d%20e&c=f", content=b"hello", headers=[("X-Two", "a"), ("x-two", "b")]
        )
    assert (response.status_code, response.content) == (201, b"made")
    assert response.headers.get_list("x-one") == ["1", "2"]
    assert response.headers["content-length"] == "4"
    assert [(r.method, r.target, r.body) for r in seen] == [("POST", "/a/b?c=d%20e&c=f", b"hello")]
    assert seen[0].header_values("X-TWO") == ["a", "b"]
    assert seen[0].header_values("x-three") == []


def test_one_connection_carries_many_requests() -> None:
    connections: list[Connection] = []

    def count(connection: Connection) -> bool:
        connections.append(connection)
        return False

    with WireServer(echo, on_connect=count) as server, httpx.Client() as client:
        for number in range(20):
            assert client.post(server.url, content=b"%d" % number).content == b"%d" % number
    assert len(connections) == 1


def test_pipelined_requests_get_their_responses_in_order() -> None:
    with WireServer(echo) as server, connect(server) as sock:
        one = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\none"
        two = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\ntwo"
        sock.sendall(one + two)
        response = read_all(sock)
    assert response.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert response.index(b"\r\n\r\none") < response.index(b"\r\n\r\ntwo")


def test_a_chunked_request_arrives_whole() -> None:
    with WireServer(echo) as server:
        assert httpx.post(server.url, content=iter([b"ab", b"", b"cd"])).content == b"abcd"


def test_expect_100_continue_gets_its_response_before_the_body_is_sent() -> None:
    with WireServer(echo) as server, connect(server) as sock:
        sock.sendall(
            b"PUT / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"
        )
        assert sock.recv(1000).startswith(b"HTTP/1.1 100 Continue\r\n")
        sock.sendall(b"ok")
        assert read_all(sock).endswith(b"\r\n\r\nok")


def test_head_gets_the_length_but_no_body_and_the_connection_goes_on() -> None:
    with WireServer(echo) as server, httpx.Client() as client:
        response = client.head(server.url)
        assert (response.headers["content-length"], response.content) == ("7", b"")
        assert client.get(server.url).content == b"nothing"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_neither_body_nor_length(status: int) -> None:
    with WireServer(lambda _: WireResponse(status, [], b"must not go out")) as server, connect(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
    assert body == b""
    assert b"content-length" not in head.lower()


def test_an_http_1_0_request_gets_its_response_and_the_connection_closed() -> None:
    with WireServer(echo) as server, connect(server) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert read_all(sock).endswith(b"nothing")


def test_a_status_that_has_no_name_is_sent_all_the_same() -> None:
    with WireServer(lambda _: WireResponse(599)) as server:
        assert httpx.get(server.url).status_code == 599


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nhost: x\r\nx-api-key: clk_live_secret\x00\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: two\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 5000, 431),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2001\r\n\r\n" + b"b" * 2001, 413),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2001\r\nexpect: 100-continue\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n7d1\r\n" + b"b" * 2001, 413),
    ],
)
def test_a_bad_request_is_refused_told_of_and_closed_without_the_handler_or_a_secret(sent: bytes, status: int) -> None:
    refused: list[tuple[int, str]] = []
    handled: list[WireRequest] = []

    def handler(request: WireRequest) -> WireResponse:
        handled.append(request)
        return WireResponse(200)

    limits = Limits(head_bytes=4000, body_bytes=2000)
    server = WireServer(handler, limits=limits, on_refusal=lambda status, reason: refused.append((status, reason)))
    with server, connect(server) as sock:
        sock.sendall(sent)
        response = b""
        while b"\r\n\r\n" not in response:
            response += sock.recv(65536)
        sock.shutdown(socket.SHUT_WR)  # the server waits for this, so that its response is not lost in a reset
        response += read_all(sock)
    assert response.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close\r\n" in response.lower()
    assert b"secret" not in response
    assert [s for s, _ in refused] == [status]
    assert "secret" not in refused[0][1]
    if sent.startswith(b"nonsense"):
        assert refused[0][1] == "this is not a well-formed HTTP/1.1 request"
    assert handled == []


def test_a_refusal_is_not_lost_though_the_client_is_still_sending() -> None:
    with WireServer(echo, limits=Limits(body_bytes=1000)) as server, connect(server) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000000\r\n\r\n" + b"x" * 5_000_000)
        assert sock.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_silent_connection_is_closed_after_the_idle_time() -> None:
    with WireServer(echo, limits=Limits(idle_seconds=0.05)) as server, connect(server) as sock:
        assert sock.recv(1) == b""


def test_half_a_request_gets_408_after_the_idle_time() -> None:
    with WireServer(echo, limits=Limits(idle_seconds=0.05)) as server, connect(server) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n1")
        assert sock.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_request_cut_in_the_middle_reaches_nobody() -> None:
    refused: list[int] = []
    handled: list[WireRequest] = []

    def handler(request: WireRequest) -> WireResponse:
        handled.append(request)
        return WireResponse(200)

    with WireServer(handler, on_refusal=lambda status, _: refused.append(status)) as server, connect(server) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n1")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    assert (handled, refused) == ([], [])


@pytest.mark.parametrize("error", [RuntimeError("broken handler"), OSError("broken handler")])
def test_a_handler_that_raises_gives_500_and_is_reported(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    def handler(_: WireRequest) -> WireResponse:
        raise error

    with WireServer(handler) as server:
        assert httpx.get(server.url).status_code == 500
    assert [args.exc_value.__cause__ for args in reported if args.exc_value] == [error]


# -- the seams --------------------------------------------------------------------------------------------------------


def test_a_handler_can_take_the_connection_over() -> None:
    def take_over(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort")

    with WireServer(lambda _: take_over) as server, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(server.url)


def test_a_handler_can_reset_the_connection() -> None:
    with WireServer(lambda _: lambda connection: connection.close(reset=True)) as server, connect(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_what_took_a_connection_over_may_give_it_back_with_a_response() -> None:
    taken: list[Connection] = []

    def take_over(connection: Connection) -> WireResponse:
        taken.append(connection)
        return WireResponse(200, [], b"given back")

    with WireServer(lambda _: take_over) as server, httpx.Client() as client:
        assert [client.get(server.url).content for _ in range(2)] == [b"given back"] * 2
    assert taken[0] is taken[1]


def test_a_connection_can_be_taken_over_before_anything_is_read() -> None:
    handled: list[WireRequest] = []

    def banner(connection: Connection) -> bool:
        connection.send(b"220 not HTTP at all\r\n")
        return True

    def handler(request: WireRequest) -> WireResponse:
        handled.append(request)
        return WireResponse(200)

    with WireServer(handler, on_connect=banner) as server, connect(server) as sock:
        assert read_all(sock) == b"220 not HTTP at all\r\n"
    assert handled == []


def test_what_took_a_connection_over_is_woken_when_the_server_stops() -> None:
    taken, outcome = threading.Event(), []

    def hang(connection: Connection) -> None:
        taken.set()
        outcome.append(connection.receive(60))

    server = WireServer(lambda _: hang)
    with server, connect(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert taken.wait(10)
        server.stop()
    assert outcome == [b""]


# -- waiting on a connection ------------------------------------------------------------------------------------------


class Waiting:
    """A connection to wait on, and what happens to it."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.peer = socket.create_connection(listener.getsockname(), timeout=10)
            accepted, _ = listener.accept()
        self.wake, self.waker = socket.socketpair()
        self.connection = Connection(accepted, stopping=self.stopping, wake=self.wake, timeout=10)

    def stop(self) -> None:
        self.stopping.set()
        self.waker.close()

    def close(self) -> None:
        self.connection.close()
        for sock in (self.peer, self.wake, self.waker):
            sock.close()


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    with closing(Waiting()) as waiting:
        yield waiting


def test_what_comes_during_a_wait_is_there_afterwards(waiting: Waiting) -> None:
    assert waiting.connection.wait(0)
    waiting.peer.sendall(b"early")
    assert waiting.connection.wait(0.05)
    waiting.peer.sendall(b"late")
    assert [waiting.connection.receive(10), waiting.connection.receive(10)] == [b"early", b"late"]
    with pytest.raises(TimeoutError):
        waiting.connection.receive(0.01)


def test_a_wait_reads_away_no_more_than_a_little(waiting: Waiting) -> None:
    sent = os.urandom(200_000)
    sender = threading.Thread(target=waiting.peer.sendall, args=(sent,))
    sender.start()
    assert waiting.connection.wait(0.1)
    got = waiting.connection.receive(10)
    assert len(got) <= 128 * 1024
    while len(got) < len(sent):
        got += waiting.connection.receive(10)
    sender.join(10)
    assert got == sent


def test_a_wait_ends_when_the_peer_finishes(waiting: Waiting) -> None:
    waiting.peer.sendall(b"last words")
    waiting.peer.shutdown(socket.SHUT_WR)
    assert not waiting.connection.wait(3600)


def test_a_wait_ends_when_the_peer_resets(waiting: Waiting) -> None:
    waiting.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    waiting.peer.close()
    assert not waiting.connection.wait(3600)


@pytest.mark.parametrize("said", [b"", b"something", b"x" * 100_000])
def test_a_wait_ends_when_the_server_stops_and_what_came_is_dropped(waiting: Waiting, said: bytes) -> None:
    waiting.peer.sendall(said)
    assert waiting.connection.wait(0.05)
    stopper = threading.Thread(target=waiting.stop)
    stopper.start()
    assert not waiting.connection.wait(3600)
    stopper.join(10)
    assert not waiting.connection.wait(0)
    assert waiting.connection.receive(None) == b""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    return tls_as(authority, "127.0.0.1")


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_tls_keeps_the_connection_alive_and_carries_large_bodies(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    with WireServer(echo, ssl_context=tls) as server, httpx.Client(verify=trust) as client:
        assert server.url.startswith("https://127.0.0.1:")
        for size in (1, 100_000, 1_000_000):
            assert len(client.post(server.url, content=b"z" * size).content) == size


def test_tls_connections_end_with_the_server(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    with httpx.Client(verify=trust) as client:
        with WireServer(echo, ssl_context=tls) as server:
            client.get(server.url)
        with pytest.raises(httpx.ConnectError):
            client.get(server.url)


def test_a_failed_handshake_ends_the_connection_only(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    with WireServer(echo, ssl_context=tls) as server:
        with connect(server) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            with suppress(ConnectionResetError):
                read_all(sock)
        assert httpx.get(server.url, verify=trust).status_code == 200


# -- the end ----------------------------------------------------------------------------------------------------------


def half_a_request(sock: socket.socket) -> None:
    sock.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n1")


def nothing(_: socket.socket) -> None:
    pass


@pytest.mark.parametrize("begin", [nothing, half_a_request])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_stop_ends_open_connections_and_threads_at_once(
    tls: ssl.SSLContext, begin: Callable[[socket.socket], None], encrypted: bool
) -> None:
    accepted = threading.Semaphore(0)

    def count(_: Connection) -> bool:
        accepted.release()
        return False

    server = WireServer(echo, ssl_context=tls if encrypted else None, on_connect=count)
    server.start()
    socks = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(20)]
    try:
        for sock in socks:
            begin(sock)
        for _ in socks:
            assert accepted.acquire(timeout=10)
        server.stop()
        assert wire_threads() == []
        for sock in socks:
            with suppress(ConnectionResetError):  # what the server had not read yet turned its close into a reset
                read_all(sock)  # ends: that is the point
    finally:
        for sock in socks:
            sock.close()


def test_stop_frees_a_thread_that_is_stuck_in_writing() -> None:
    writing = threading.Event()

    def flood(_: WireRequest) -> Callable[[Connection], None]:
        def write(connection: Connection) -> None:
            writing.set()
            connection.send(b"x" * 50_000_000)

        return write

    server = WireServer(flood)
    with server, connect(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert writing.wait(10)
        server.stop()
        assert wire_threads() == []


def test_nothing_stays_open_after_stop() -> None:
    gc.collect()
    before = len(os.listdir("/dev/fd"))
    for _ in range(5):
        with WireServer(echo) as server, ThreadPoolExecutor(8) as pool:
            assert {response.status_code for response in pool.map(httpx.get, [server.url] * 16)} == {200}
    assert wire_threads() == []
    assert len(os.listdir("/dev/fd")) == before


def test_stop_can_be_repeated_and_a_server_is_started_once() -> None:
    server = WireServer(echo)
    with pytest.raises(RuntimeError, match="not been started"):
        _ = server.url
    server.stop()
    server.start()
    with pytest.raises(RuntimeError, match="once"):
        server.start()
    server.stop()
    server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


def test_a_port_in_use_is_an_error_that_leaves_nothing_behind() -> None:
    with WireServer(echo) as server:
        other = WireServer(echo, port=server.port)
        with pytest.raises(OSError, match="in use"):
            other.start()
        other.stop()


def test_many_threads_each_get_their_own_response() -> None:
    with WireServer(echo) as server, httpx.Client() as client, ThreadPoolExecutor(32) as pool:
        bodies = [b"body %d" % number for number in range(500)]
        assert list(pool.map(lambda body: client.post(server.url, content=body).content, bodies)) == bodies


def test_who_sends_far_too_much_and_reads_later_still_gets_the_refusal() -> None:
    with (
        WireServer(lambda _: WireResponse(200), limits=Limits(body_bytes=1000)) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as sock,
    ):
        size = 40 * 1024 * 1024
        sock.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size)
        sock.sendall(bytes(size))
        assert sock.recv(1000).startswith(b"HTTP/1.1 413 ")
