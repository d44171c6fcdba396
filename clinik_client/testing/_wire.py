"""HTTP/1.1 on a loopback socket, for test servers: h11 over plain sockets, one thread a connection.

`WireServer` knows nothing of recordings. It reads requests, asks a handler for the response and writes it. There
are two seams for servers that must misbehave on purpose:

* ``on_connect`` gets every `Connection` before a byte is read, before the TLS handshake too, and may keep it;
* a handler may return a callable in place of a `WireResponse`: it is called with the `Connection` and
  does with the socket what it likes. It may return a `WireResponse` in the end, to be sent.

Syntax and framing are those of RFC 9112 as h11 implements them.
"""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from http.client import responses
from types import TracebackType

import h11
from attrs import field, frozen

from ._connection import Connection

__all__ = [
    "Connection",
    "Handler",
    "Limits",
    "TakeOver",
    "WireRequest",
    "WireResponse",
    "WireServer",
    "encode_response",
]

_JOIN_SECONDS = 10.0


@frozen
class WireRequest:
    """A complete request as it came in. Header names are lower case; their order, and repeated ones, are kept."""

    method: str
    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    def header_values(self, name: str) -> list[str]:
        """Every value sent for the header ``name`` (any case), in order; empty when it was not sent."""
        return [value for key, value in self.headers if key == name.lower()]


def _header_pairs(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)


@frozen
class WireResponse:
    """A response to be written. ``content-length`` is added where ``headers`` do not frame the body themselves."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=(), converter=_header_pairs)
    body: bytes = field(default=b"", repr=False)


@frozen
class Limits:
    """What one connection may cost: bytes of a request's head and body, and seconds of silence."""

    head_bytes: int = 64 * 1024
    body_bytes: int = 8 * 1024 * 1024
    idle_seconds: float = 30.0


TakeOver = Callable[[Connection], WireResponse | None]
"""Does with a connection what it likes. What it returns is sent, and the connection goes on; ``None`` ends it."""
Handler = Callable[[WireRequest], WireResponse | TakeOver]


class _RefusedError(Exception):
    """The request cannot be read: response ``status`` and close."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class WireServer:
    """A threaded HTTP/1.1 server; a context manager that starts and stops it.

    Args:
        handler: called in the connection's thread with each `WireRequest`; returns a `WireResponse`, or a
            callable that takes the `Connection` over. If it raises, the peer gets a 500, and
            `threading.excepthook` a `RuntimeError` with the exception as its cause.
        host: the IPv4 address to listen on.
        port: the port; 0 lets the system choose.
        ssl_context: a server-side context; the server then speaks TLS.
        on_connect: called with each new connection before anything is read; true means that it dealt with the
            connection, which is then closed.
        on_refusal: called with status and reason when a request was so bad that no handler saw it.
        limits: bounds on what a connection may cost.

    `stop` ends every thread and closes every socket; a stopped server stays stopped.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        on_connect: Callable[[Connection], bool] | None = None,
        on_refusal: Callable[[int, str], None] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._handler = handler
        self._host = host
        self._wanted_port = port
        self._ssl_context = ssl_context
        self._on_connect = on_connect
        self._on_refusal = on_refusal
        self._limits = limits or Limits()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[Connection] = set()
        self._threads: list[threading.Thread] = []
        self._acceptor: threading.Thread | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port it listens, or listened, on."""
        if not self._port:
            raise RuntimeError("the server has not been started")
        return self._port

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        host = "127.0.0.1" if self._host == "0.0.0.0" else self._host
        return f"{'https' if self._ssl_context else 'http'}://{host}:{self.port}"

    def start(self) -> None:
        """Listen; connections are accepted when this returns.

        Raises:
            OSError: the port cannot be had; `OverflowError` if there is no such port.
        """
        if self._acceptor is not None:
            raise RuntimeError("a server is started once")
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if os.name != "nt":  # there, the option means that two servers may share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._host, self._wanted_port))
            listener.listen(512)
            listener.setblocking(False)
        except BaseException:  # OverflowError for an impossible port among them
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        # Closing the second end makes the first readable, for every thread that waits on it: that is how stop() wakes.
        self._wake, self._waker = socket.socketpair()
        self._acceptor = threading.Thread(
            target=self._accept, args=(listener,), name=f"wire-accept-{self._port}", daemon=True
        )
        self._acceptor.start()

    def stop(self) -> None:
        """End all connections, close all sockets and wait for all threads. Calling it again does nothing."""
        if self._acceptor is None or self._stopping.is_set():
            return
        self._stopping.set()
        self._waker.close()
        self._acceptor.join(_JOIN_SECONDS)
        with self._lock:
            connections, threads = list(self._connections), list(self._threads)
        for connection in connections:
            connection.interrupt()
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(_JOIN_SECONDS)
        self._wake.close()
        if any(thread.is_alive() and thread is not threading.current_thread() for thread in threads):
            raise RuntimeError("a connection's thread did not end; does its handler wait for something else?")

    def __enter__(self) -> WireServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # -- the acceptor's thread ------------------------------------------------------------------------------------

    def _accept(self, listener: socket.socket) -> None:
        with listener, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while True:
                selector.select()
                if self._stopping.is_set():
                    return
                try:
                    sock, _ = listener.accept()
                except BlockingIOError:
                    continue  # the peer was gone before we looked
                except OSError:
                    self._stopping.wait(0.01)  # out of descriptors, perhaps: leave others time to give some back
                    continue
                self._spawn(sock)

    def _spawn(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, stopping=self._stopping, wake=self._wake, timeout=self._limits.idle_seconds)
        except OSError:
            sock.close()
            return
        thread = threading.Thread(
            target=self._run, args=(connection,), name=f"wire-connection-{self._port}", daemon=True
        )
        with self._lock:
            self._connections.add(connection)
            self._threads = [known for known in self._threads if known.is_alive()] + [thread]
            thread.start()

    # -- a connection's thread ------------------------------------------------------------------------------------

    def _run(self, connection: Connection) -> None:
        try:
            with suppress(OSError):  # the peer went away, or stop() interrupted: nobody is left to be told
                self._serve(connection)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _serve(self, connection: Connection) -> None:
        if self._on_connect is not None and self._on_connect(connection):
            return
        if self._ssl_context is not None:
            connection.start_tls(self._ssl_context)
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.head_bytes)
        while True:
            try:
                request = self._read(connection, http)
            except _RefusedError as refusal:
                self._refuse(connection, http, refusal)
                return
            if request is None:
                return
            try:
                handled = self._handler(request)
            except Exception as error:
                with suppress(OSError):
                    _write(connection, http, request.method, _plain(500, "the server's handler failed"))
                # Not the error itself: _run takes an OSError for the connection's.
                raise RuntimeError("the server's handler failed") from error
            response = handled if isinstance(handled, WireResponse) else handled(connection)
            if response is None:
                return
            _write(connection, http, request.method, response)
            if http.our_state is not h11.DONE or http.their_state is not h11.DONE:
                return
            http.start_next_cycle()

    def _read(self, connection: Connection, http: h11.Connection) -> WireRequest | None:
        """The next request; ``None`` when there will be none."""
        head: h11.Request | None = None
        body = bytearray()
        gone = False
        while True:
            try:
                event = http.next_event()
            except h11.RemoteProtocolError as error:
                if gone:  # cut off in the middle: there is no request to speak of
                    return None
                # Not h11's own text: it can quote a header line, and so a key.
                raise _RefusedError(error.error_status_hint, "this is not a well-formed HTTP/1.1 request") from None
            if event is h11.NEED_DATA:
                if http.they_are_waiting_for_100_continue:
                    proceed = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                    connection.send(http.send(proceed) or b"")
                try:
                    data = connection.receive(self._limits.idle_seconds)
                except TimeoutError:
                    if head is None and not http.trailing_data[0]:
                        return None
                    raise _RefusedError(408, "the rest of the request did not come in time") from None
                if connection.stopping.is_set():
                    return None
                gone = not data
                http.receive_data(data)
            elif isinstance(event, h11.Request):
                head = event
                declared = next((value for name, value in head.headers if name == b"content-length"), b"0")
                self._check_size(int(declared))
            elif isinstance(event, h11.Data):
                body += event.data
                self._check_size(len(body))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
                return WireRequest(head.method.decode("ascii"), head.target.decode("latin-1"), headers, bytes(body))
            else:
                return None

    def _check_size(self, size: int) -> None:
        if size > self._limits.body_bytes:
            raise _RefusedError(413, f"a request body may have {self._limits.body_bytes} bytes")

    def _refuse(self, connection: Connection, http: h11.Connection, refusal: _RefusedError) -> None:
        if self._on_refusal is not None:
            self._on_refusal(refusal.status, str(refusal))
        if http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            _write(connection, http, "GET", _plain(refusal.status, str(refusal)))
            connection.finish()


def _plain(status: int, text: str) -> WireResponse:
    headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")]
    return WireResponse(status, headers, text.encode())


def _write(connection: Connection, http: h11.Connection, method: str, response: WireResponse) -> None:
    connection.send(_encode(http, method, response))


def _encode(http: h11.Connection, method: str, response: WireResponse) -> bytes:
    bodiless = response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
    headers = list(response.headers)
    framed = any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers)
    if not framed and not bodiless:
        headers.append(("content-length", str(len(response.body))))
    reason = responses.get(response.status, "")
    events: list[h11.Event] = [h11.Response(status_code=response.status, headers=headers, reason=reason)]
    if response.body and not bodiless and method != "HEAD":
        events.append(h11.Data(data=response.body))
    events.append(h11.EndOfMessage())
    return b"".join(http.send(event) or b"" for event in events)


def encode_response(response: WireResponse, method: str) -> bytes:
    """All bytes of a response to a request with this method, after which the connection is closed.

    >>> encode_response(WireResponse(200, [("x-one", "1")], b"ok"), "GET")
    b'HTTP/1.1 200 OK\\r\\nx-one: 1\\r\\nconnection: close\\r\\ncontent-length: 2\\r\\n\\r\\nok'
    """
    closing = WireResponse(response.status, [*response.headers, ("connection", "close")], response.body)
    encoded = _encode(h11.Connection(h11.SERVER), "GET", closing)
    # This h11 has seen no request, so it does not know of HEAD.
    return encoded.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else encoded
