"""One accepted connection of a test server, and ways to wait on it that end when the server stops."""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress

__all__ = ["Connection"]

_RECEIVE_BYTES = 65536
_UNREAD_BYTES = 65536
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 256 * 1024 * 1024


class Connection:
    """One accepted connection: its socket, and ways to wait on it that end when the server stops.

    ``sock`` is the accepted socket (an `ssl.SSLSocket` after `start_tls`); ``stopping`` is set when the
    server stops. Use it from its own thread only. The server closes it when the handler, or what took the connection
    over, returns.
    """

    def __init__(self, sock: socket.socket, *, stopping: threading.Event, wake: socket.socket, timeout: float) -> None:
        self.sock = sock
        self.stopping = stopping
        self._lock = threading.Lock()
        self._closed = False
        self._unread = b""
        sock.settimeout(timeout)
        self._selector = selectors.DefaultSelector()
        # By number: start_tls replaces the object, not the descriptor.
        self._selector.register(sock.fileno(), selectors.EVENT_READ)
        self._selector.register(wake, selectors.EVENT_READ)

    def receive(self, timeout: float | None) -> bytes:
        """The next bytes; ``b""`` when the peer has finished or the server stops.

        Args:
            timeout: seconds; ``None`` for as long as it takes.

        Raises:
            TimeoutError: nothing comes in this time.
        """
        if self._unread and not self.stopping.is_set():
            data, self._unread = self._unread, b""
            return data
        return self._receive(timeout)

    def wait(self, seconds: float) -> bool:
        """Let time pass; false if the peer goes away, or the server stops, before it is over.

        What comes meanwhile is there for `receive`.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if len(self._unread) >= _UNREAD_BYTES:
                return not self.stopping.wait(left)
            try:
                data = self._receive(left)
            except TimeoutError:
                break
            except OSError:
                return False
            if not data:
                return False
            self._unread += data
        return not self.stopping.is_set()

    def _receive(self, timeout: float | None) -> bytes:
        # With TLS, too: a record has at most 16 KiB, so that recv leaves nothing decrypted behind.
        if not self._selector.select(timeout):
            raise TimeoutError("nothing was received in time")
        if self.stopping.is_set():
            return b""
        return self.sock.recv(_RECEIVE_BYTES)

    def send(self, data: bytes) -> None:
        """Write all of ``data``."""
        self.sock.sendall(data)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Do the server's side of a TLS handshake; `OSError` if it fails."""
        with self._lock:
            if self.stopping.is_set():
                raise ConnectionAbortedError("the server is stopping")
            self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        assert isinstance(self.sock, ssl.SSLSocket)
        self.sock.do_handshake()

    def finish(self) -> None:
        """Say that nothing more will be sent, and read away what the peer still sends, for a short time.

        Closing at once with unread bytes would reset the connection, and the peer could lose the response.
        """
        # Not SSLSocket.shutdown: it forgets the TLS state that the reads below need.
        socket.socket.shutdown(self.sock, socket.SHUT_WR)
        end, left = time.monotonic() + _LINGER_SECONDS, _LINGER_BYTES
        while left > 0 and (seconds := end - time.monotonic()) > 0:
            data = self.receive(seconds)
            if not data:
                return
            left -= len(data)

    def close(self, *, reset: bool = False) -> None:
        """Close the socket; with ``reset`` the peer gets a TCP reset in place of an orderly end."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if reset:
                # struct linger: two shorts on Windows, two ints elsewhere.
                linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._selector.close()
            self.sock.close()

    def interrupt(self) -> None:
        """Wake the connection's thread out of a blocking call; for the server's own use, from another thread."""
        with self._lock, suppress(OSError):
            if not self._closed:
                # Not SSLSocket.shutdown: it takes the TLS state away from under the thread that is reading.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
