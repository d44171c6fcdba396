"""Servers and networks that misbehave: what `make test` and `make faults` have in common."""

from __future__ import annotations

import selectors
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import repeat
from typing import Final

import trustme

from clinik_client.testing import Connection, WireResponse, WireServer
from clinik_client.testing._steps import hang, send_slowly
from clinik_client.testing._wire import Handler

ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
"""What a proxy says when its tunnel is there."""


# -- what happens to a connection -------------------------------------------------------------------------------------


def shake_hands_slowly(connection: Connection) -> None:
    """Write the head of a TLS record of 16 KiB, then its bytes one by one."""
    connection.send(b"\x16\x03\x03\x40\x00")
    send_slowly(connection, repeat(b"\x00"))


def tunnel(connection: Connection, port: int) -> None:
    """Be a proxy's tunnel to a port on this machine, until either side ends."""
    with socket.create_connection(("127.0.0.1", port)) as target, selectors.DefaultSelector() as selector:
        connection.send(ESTABLISHED)
        selector.register(connection.sock, selectors.EVENT_READ, target)
        selector.register(target, selectors.EVENT_READ, connection.sock)
        while not connection.stopping.is_set():
            for key, _ in selector.select(0.05):
                assert isinstance(key.fileobj, socket.socket)
                data = key.fileobj.recv(65_536)
                if not data:
                    return
                key.data.sendall(data)


# -- in place of a response -------------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\n"


def handed_over(take_over: Callable[[Connection], None]) -> Handler:
    """Leave the connection to this, whatever the request is."""
    return lambda request: take_over


def raw(*parts: bytes, reset: bool = False) -> Handler:
    """Write these bytes, then end the connection; with ``reset``, by a TCP reset."""

    def take_over(connection: Connection) -> None:
        for part in parts:
            connection.send(part)
        if reset:
            connection.close(reset=True)
        else:
            connection.finish()

    return handed_over(take_over)


def keep_open(*parts: bytes) -> Handler:
    """Write these bytes, then nothing, until the client goes away or the server stops."""

    def take_over(connection: Connection) -> None:
        for part in parts:
            connection.send(part)
        hang(connection)

    return handed_over(take_over)


def drip(beginning: bytes, piece: bytes, every: float = 0.02) -> Handler:
    """Write the beginning, then a piece every so many seconds, until the client goes away or the server stops."""

    def take_over(connection: Connection) -> None:
        connection.send(beginning)
        send_slowly(connection, repeat(piece), every)

    return handed_over(take_over)


def send_signal(number: signal.Signals, *parts: bytes) -> Handler:
    """Write these bytes; while the client waits for more, a signal reaches the main thread."""

    def take_over(connection: Connection) -> None:
        for part in parts:
            connection.send(part)
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, number)
        connection.receive(5)

    return handed_over(take_over)


# -- servers ----------------------------------------------------------------------------------------------------------


def serve_bytes(take_over: Callable[[Connection], None]) -> WireServer:
    """A server that hands every connection over before a byte is read, before a TLS handshake too."""

    def connected(connection: Connection) -> bool:
        take_over(connection)
        return True

    return WireServer(lambda request: WireResponse(500), on_connect=connected)


def tls_as(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """The TLS settings of a server that has a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


# -- ports ------------------------------------------------------------------------------------------------------------


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port at which every connection is refused, and that nobody else is given meanwhile."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@contextmanager
def hanging_port(address: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port at which connecting hangs: its queue of connections is full, and nobody accepts."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        with suppress(TimeoutError):
            while True:
                waiting = opened.enter_context(socket.socket())
                waiting.settimeout(0.05)
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]
