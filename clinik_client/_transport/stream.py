"""One connection's bytes: nothing waits beyond the end of an attempt, and nothing is read that nobody asked for."""

from __future__ import annotations

import os
import re
import select
import socket
import ssl
from typing import Any, Final

import httpcore

from .._interruption import is_interruption
from .attempt import Attempt
from .failures import NoConnection, code_of_handshake, no_connection
from .tls_layer import TLSLayer

# One TLS record, and little enough for one system call: each looks at the clock.
_WRITE_CHUNK: Final = 16_384
# How the head of a response ends, and a body in chunks (RFC 9112, sections 2.1 and 7.1).
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")

_INHERITED: Final = "the connection belongs to the process before a fork"


class Stream(httpcore.NetworkStream):
    """The socket of one connection. It works for one attempt at a time, whose limit of time and evidence it keeps.

    Args:
        sock: the connected socket.
        attempt: the attempt that it works for.
        layers: how many times TLS is started before the request is written: for the service, for the proxy.
    """

    def __init__(
        self,
        sock: socket.socket,
        attempt: Attempt,
        layers: int,
    ) -> None:
        self._sock: socket.socket | TLSLayer = sock
        self.attempt = attempt
        self._layers = layers
        self._used = False
        self._pid = os.getpid()
        self._unread = b""
        self._last = b""
        # Asking it costs less than a read that finds nothing. Windows and green threads do not have it.
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._waiting = self._poll
        """Waits in the place of a socket that never blocks. A limit of time that the socket keeps takes twice as many
        system calls, and at each of them another thread may take its turn. TLS keeps its own."""
        self._number = sock.fileno()
        if self._poll is not None:
            sock.setblocking(False)
            self._poll.register(sock, select.POLLIN)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        attempt = self.attempt
        data, self._unread = self._unread, b""
        if data:
            # What came at once may hold thousands of heads.
            attempt.seconds_left()
        else:
            data = self._receive(max_bytes, attempt)
        behind = 0
        if attempt.status is None or attempt.chunked:
            # Bytes behind the end of a head, or of a chunked body, are kept back for the next read. So we can tell
            # whether anything follows a response, and leave the parsing of HTTP to h11.
            ending = _BLANK_LINE.search(self._last + data)
            if ending is None:
                self._last = (self._last + data)[-2:]
            else:
                size = ending.end() - len(self._last)
                self._last = b""
                if attempt.counts_what_follows(data[:size]):
                    behind = len(data) - size
                else:
                    data, self._unread = data[:size], data[size:]
        attempt.ended = not data
        attempt.arrived(data, behind)
        return data

    def _receive(self, most: int, attempt: Attempt) -> bytes:
        if self._pid != os.getpid():
            raise httpcore.ReadError(_INHERITED)
        if attempt.sent:
            attempt.phase = "read" if attempt.received else "wait"
        problem: type[Exception]
        try:
            if self._waiting is None:
                self._sock.settimeout(attempt.seconds_left())
                return self._sock.recv(most)
            while True:
                _wait(self._waiting, attempt)
                try:
                    return self._sock.recv(most)
                except BlockingIOError:
                    continue
        except OSError as error:
            if is_interruption(error):
                raise
            attempt.ended = not isinstance(error, TimeoutError)
            problem = httpcore.ReadError if attempt.ended else httpcore.ReadTimeout
            if attempt.received and isinstance(error, ssl.SSLEOFError):
                # The connection ended in its way, but TLS did not say so: the response may be cut short.
                problem = httpcore.RemoteProtocolError
        raise problem

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        attempt = self.attempt
        if self._pid != os.getpid():
            raise httpcore.WriteError(_INHERITED)
        if self._layers == 0 and not attempt.sent:
            # One that was used before was asked when it was taken.
            if not self._used and (noise := self._noise()) is not None:
                raise no_connection(noise)
            attempt.leaves()
            self._used = True
        elif not attempt.sent:
            attempt.phase = "proxy"
        problem: type[Exception]
        try:
            for start in range(0, len(buffer), _WRITE_CHUNK):
                piece = buffer[start : start + _WRITE_CHUNK]
                while piece:
                    piece = piece[self._send(piece, attempt) :]
            return
        except OSError as error:
            if is_interruption(error):
                raise
            problem = httpcore.WriteTimeout if isinstance(error, TimeoutError) else httpcore.WriteError
        raise problem

    def _send(self, piece: bytes, attempt: Attempt) -> int:
        left = attempt.seconds_left()
        if self._waiting is None:
            self._sock.settimeout(left)
            return self._sock.send(piece)
        while True:
            try:
                return self._sock.send(piece)
            except BlockingIOError:
                writable = select.poll()
            writable.register(self._number, select.POLLOUT)
            _wait(writable, attempt)

    @property
    def has_unread(self) -> bool:
        """Whether more came than the response that was asked for."""
        return bool(self._unread)

    def is_quiet(self) -> bool:
        """Whether nothing is there to be read: neither the end, nor a response to what was not asked.

        A byte that is read to find out is lost: only a connection that is quiet can be used.
        """
        return self._noise() is None

    def _noise(self) -> NoConnection | None:
        """Why it is not quiet."""
        if self._unread:
            return "unasked"
        if self._pid != os.getpid():
            return "closed"
        held = isinstance(self._sock, TLSLayer) and self._sock.holds_bytes
        if self._poll is not None and not held and not self._poll.poll(0):
            return None
        try:
            self._sock.settimeout(0)
            # TLS may have decrypted something already, and may have tickets to read, which are no response.
            return "unasked" if self._sock.recv(1) else "closed"
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError as error:
            if is_interruption(error):
                raise
        return "closed"

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        if self._unread:
            raise no_connection("unasked")
        self.attempt.tunnelled = self.attempt.phase == "proxy"
        self.attempt.phase = "tls"
        problem: Exception
        try:
            self._waiting = None
            self._sock = layer = TLSLayer(self._sock, ssl_context, server_hostname)
            layer.settimeout(self.attempt.seconds_left())
            layer.do_handshake()
            self._layers -= 1
            return self
        except OSError as error:
            if is_interruption(error):
                raise
            if isinstance(error, TimeoutError):
                problem = httpcore.ConnectTimeout()
            else:
                first = self._sock.first if isinstance(self._sock, TLSLayer) else b""
                problem = no_connection(code_of_handshake(error, first))
        raise problem

    def close(self) -> None:
        """Close the socket. For the call that owns the connection alone."""
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        return self._sock if info == "ssl_object" and isinstance(self._sock, TLSLayer) else None


def _wait(poll: select.poll, attempt: Attempt) -> None:
    """Wait until a socket is ready, but no longer than the attempt lasts."""
    left = attempt.seconds_left()
    if not poll.poll(None if left is None else left * 1000):
        raise TimeoutError
