"""The bytes of one connection: nothing is handed on that belongs to a later response, and nothing unasked is missed."""

from __future__ import annotations

import os
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import httpcore
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from clinik_client._transport import stream as room
from clinik_client._transport.attempt import Attempt
from clinik_client._transport.stream import Stream


def attempt(seconds: float = 10.0) -> Attempt:
    return Attempt(time.monotonic() + seconds)


def plain(sock: socket.socket, layers: int = 0) -> Stream:
    return Stream(sock, attempt(), layers)


def read_all(stream: Stream) -> None:
    while stream.read(65_536):
        pass


@contextmanager
def pair(layers: int = 0) -> Iterator[tuple[Stream, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield plain(ours, layers), theirs


PIECES = st.lists(st.text("\r\nab0", min_size=1, max_size=12).map(str.encode), min_size=1, max_size=6)


@given(pieces=PIECES, chunked=st.booleans())
def test_each_read_ends_with_the_first_blank_line_and_none_is_lost(pieces: list[bytes], chunked: bool) -> None:
    whole = b"".join(pieces)
    with pair() as (stream, theirs):
        if chunked:
            stream.attempt.head_arrived(200, {"transfer-encoding": "chunked"})
        came = b""
        for piece in pieces:
            theirs.sendall(piece)
            rest = len(piece)
            while rest:
                data = stream.read(65_536)
                came += data
                rest -= len(data)
                assert re.search(rb"\n\r?\n.", data, flags=re.DOTALL) is None
        assert came == whole
        assert stream.attempt.received == len(whole)


@given(piece=st.text("\r\nab0", min_size=1, max_size=40).map(str.encode))
def test_a_body_of_known_length_is_read_as_it_comes(piece: bytes) -> None:
    with pair() as (stream, theirs):
        stream.attempt.head_arrived(200, {"content-length": "40"})
        theirs.sendall(piece)
        assert stream.read(65_536) == piece


@pytest.fixture(params=["with poll", "without poll"])
def any_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no ``select.poll``, nor have green threads."""
    if request.param == "without poll":
        monkeypatch.delattr(select, "poll")


@pytest.mark.usefixtures("any_system")
def test_a_stream_is_quiet_until_something_comes_or_it_ends() -> None:
    for unasked in (b"x", b""):
        with pair() as (stream, theirs):
            assert stream.is_quiet()
            assert stream.is_quiet()
            if unasked:
                theirs.sendall(unasked)
            else:
                theirs.close()
            assert not stream.is_quiet()


@pytest.mark.usefixtures("any_system")
def test_what_stands_behind_a_response_that_was_read_is_not_quiet() -> None:
    with pair() as (stream, theirs):
        theirs.sendall(b"HTTP/1.1 204 No Content\r\n\r\nHTTP")
        assert stream.read(65_536).endswith(b"\r\n\r\n")
        assert not stream.is_quiet()


@pytest.mark.usefixtures("any_system")
def test_a_request_does_not_leave_where_something_is_there_already() -> None:
    with pair() as (stream, theirs):
        theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with pytest.raises(httpcore.ConnectError):
            stream.write(b"POST / HTTP/1.1\r\n\r\n")
        assert not stream.attempt.sent
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


def test_what_is_said_to_a_proxy_is_not_the_request() -> None:
    with pair(layers=1) as (stream, theirs):
        stream.write(b"CONNECT h:443 HTTP/1.1\r\n\r\n")
        assert theirs.recv(100).startswith(b"CONNECT")
        assert not stream.attempt.sent


def test_a_limit_of_time_holds_for_reading_and_writing() -> None:
    with pair() as (stream, _):
        stream.attempt = attempt(0.02)
        with pytest.raises(httpcore.TimeoutException):
            stream.read(10)
        stream.attempt = attempt(0.02)
        with pytest.raises(httpcore.TimeoutException):
            stream.write(b"x" * 50_000_000)
        assert stream.attempt.sent


def test_a_limit_of_time_holds_between_heads_that_came_at_once() -> None:
    with pair() as (stream, theirs):
        theirs.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 3)
        assert stream.read(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        stream.attempt.until = time.monotonic()
        with pytest.raises(httpcore.TimeoutException):
            stream.read(65_536)


def test_a_head_and_its_body_that_came_at_once_are_read_at_once_and_counted() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"
    for more in (b"", b"HTTP"):
        with pair() as (stream, theirs):
            stream.attempt.leaves()
            theirs.sendall(head[:10])
            assert stream.read(65_536) == head[:10]
            theirs.sendall(head[10:] + b"x" * 20_000 + more)
            assert stream.read(65_536) == head[10:] + b"x" * 20_000 + more
            assert stream.attempt.head == head
            stream.attempt.head_arrived(200, {"content-length": "20000"})
            assert stream.attempt.body_is_exact("GET") is (not more)


@pytest.mark.parametrize("line", [b"HTTP/1.0 200 OK", b"HTTP/1.1 304 Same", b"HTTP/1.1 404 None", b"HTTP/1.1 503 Down"])
def test_a_head_with_any_final_status_is_read_with_what_is_behind_it(line: bytes) -> None:
    with pair() as (stream, theirs):
        stream.attempt.leaves()
        theirs.sendall(line + b"\r\n\r\nx")
        assert stream.read(65_536) == line + b"\r\n\r\nx"
        assert stream.attempt.head == line + b"\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTRANSFER-ENCODING:chunked\n\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 16_384 + b"\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
    ],
    ids=["1xx", "chunked", "spelled otherwise", "very large", "another version"],
)
def test_what_is_behind_a_head_is_kept_back_where_counting_it_would_not_tell_its_end(head: bytes) -> None:
    with pair() as (stream, theirs):
        stream.attempt.leaves()
        theirs.sendall(head + b"x")
        came = stream.read(65_536)
        assert came == head
        assert stream.has_unread


def test_what_a_proxy_says_behind_its_head_is_kept_back() -> None:
    with pair(layers=1) as (stream, theirs):
        stream.write(b"CONNECT h:443 HTTP/1.1\r\n\r\n")
        theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\nx")
        assert stream.read(65_536) == b"HTTP/1.1 200 OK\r\n\r\n"
        assert stream.has_unread


def test_after_a_fork_the_child_neither_reads_nor_writes() -> None:
    if not hasattr(os, "fork"):
        return  # there is nothing to promise where there is no fork
    with pair() as (stream, theirs):
        theirs.sendall(b"the parent's")
        child = os.fork()
        if child == 0:
            refused = 0
            try:
                for use in (lambda: stream.read(10), lambda: stream.write(b"x")):
                    try:
                        use()
                    except httpcore.NetworkError:
                        refused += 1
            finally:
                # Whatever happens: the child must not go on with the test run.
                os._exit(refused != 2 or stream.is_quiet())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert stream.read(100) == b"the parent's"


# -- TLS --------------------------------------------------------------------------------------------------------------


@contextmanager
def tls_pair(authority: trustme.CA, server_tls: ssl.SSLContext) -> Iterator[tuple[Stream, ssl.SSLSocket]]:
    ours, theirs = socket.socketpair()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    stream = plain(ours, layers=1)
    sockets: list[ssl.SSLSocket] = []
    server = threading.Thread(target=lambda: sockets.append(server_tls.wrap_socket(theirs, server_side=True)))
    server.start()
    try:
        stream.start_tls(context, "localhost")
        server.join(5)
        yield stream, sockets[0]
    finally:
        stream.close()
        for sock in (*sockets, ours, theirs):
            sock.close()


@pytest.mark.usefixtures("any_system")
def test_tickets_are_no_response_but_an_unasked_response_is(authority: trustme.CA, server_tls: ssl.SSLContext) -> None:
    with tls_pair(authority, server_tls) as (stream, theirs):
        assert stream.is_quiet()
        stream.write(b"GET / HTTP/1.1\r\n\r\n")
        assert theirs.recv(100)
        theirs.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert stream.read(65_536).endswith(b"\r\n\r\n")
        assert stream.is_quiet()
    with tls_pair(authority, server_tls) as (stream, theirs):
        theirs.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        with pytest.raises(httpcore.ConnectError):
            stream.write(b"GET / HTTP/1.1\r\n\r\n")
        assert not stream.attempt.sent


@pytest.mark.usefixtures("any_system")
@pytest.mark.parametrize("records", [[100], [50, 50]], ids=["one record", "two records"])
def test_what_tls_has_taken_from_the_socket_already_is_seen(
    authority: trustme.CA, server_tls: ssl.SSLContext, records: list[int]
) -> None:
    with tls_pair(authority, server_tls) as (stream, theirs):
        stream.write(b"GET / HTTP/1.1\r\n\r\n")
        # The second half is in no socket any more when the first has been read.
        for size in records:
            theirs.sendall(b"x" * size)
        stream.attempt.head_arrived(200, {"content-length": "50"})
        assert len(stream.read(50)) == 50
        assert not stream.is_quiet()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n\r\n123"])
def test_an_end_that_tls_does_not_tell_is_an_error(
    authority: trustme.CA, server_tls: ssl.SSLContext, head: bytes
) -> None:
    with tls_pair(authority, server_tls) as (stream, theirs):
        stream.write(b"GET / HTTP/1.1\r\n\r\n")
        assert theirs.recv(100)
        if head:
            theirs.sendall(head)
        os.close(theirs.detach())
        with pytest.raises(httpcore.RemoteProtocolError if head else httpcore.ReadError):
            read_all(stream)


@pytest.mark.usefixtures("any_system")
def test_what_is_more_than_the_socket_holds_is_written_as_it_is_taken() -> None:
    whole, taken = os.urandom(4_000_000), bytearray()

    def take(theirs: socket.socket) -> None:
        while len(taken) < len(whole):
            taken.extend(theirs.recv(65_536))

    with pair() as (stream, theirs):
        thread = threading.Thread(target=take, args=(theirs,))
        thread.start()
        stream.write(whole)
        thread.join(10)
    assert taken == whole


def test_a_write_that_nobody_takes_ends_with_the_attempt() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(httpcore.TimeoutException):
        Stream(ours, attempt(0.05), 0).write(bytes(4_000_000))


def test_a_socket_that_is_ready_for_nothing_is_waited_for_again() -> None:
    """The system may say so (select(2), BUGS)."""
    with pair() as (stream, theirs):
        waits: list[int] = []

        def wait(*_: object) -> None:
            waits.append(len(waits))
            if len(waits) == 2:
                theirs.sendall(b"x")

        with mock.patch.object(room, "_wait", wait):
            assert stream.read(1) == b"x"
    assert waits == [0, 1]
