"""TLS over a socket, or over another TLS, as to a service behind a proxy that speaks TLS itself.

Not `ssl.SSLSocket`: it takes a socket over in several steps, and an interruption between them leaves two owners of one
descriptor, of which the second to close it may close somebody else's. It also cannot be put over another one.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

from .._interruption import is_interruption

_READ_AT_ONCE: Final = 65_536


class TLSLayer:
    """TLS, with those methods of a socket that are needed. A timeout bounds each call as a whole."""

    def __init__(self, below: socket.socket | TLSLayer, context: ssl.SSLContext, host: str | None) -> None:
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._timeout: float | None = None
        self.first = b""
        """The first byte that came: it tells whether the peer speaks TLS at all."""

    def settimeout(self, seconds: float | None) -> None:
        self._timeout = seconds

    @property
    def holds_bytes(self) -> bool:
        """Whether something is here that was read from the socket, and not by who uses this."""
        below = isinstance(self._below, TLSLayer) and self._below.holds_bytes
        return below or self._incoming.pending > 0 or self._tls.pending() > 0

    def do_handshake(self) -> None:
        self._run(self._tls.do_handshake)

    def recv(self, most: int) -> bytes:
        """The next bytes; ``b""`` when the peer has said that no more come. Any other end is an `ssl.SSLError`."""
        data: bytes = self._run(self._tls.read, most)
        # Python below 3.11.4 lets OpenSSL 3 call the end of the bytes below an end that the peer has said.
        if not data and self._incoming.eof:
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the peer has not said that no more comes")
        return data

    def send(self, data: bytes) -> int:
        count: int = self._run(self._tls.write, data)
        return count

    def sendall(self, data: bytes) -> None:
        while data:
            data = data[self.send(data) :]

    def selected_alpn_protocol(self) -> str | None:
        return self._tls.selected_alpn_protocol()

    def close(self) -> None:
        self._below.close()

    def _run(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Take a step, moving bytes until it is done."""
        end = None if not self._timeout else time.monotonic() + self._timeout
        while True:
            # No error is kept: it knows this frame, so only the garbage collector could let the connection go.
            try:
                result, done = step(*arguments), True
            except ssl.SSLWantReadError:
                result, done = None, False
            except ssl.SSLError:
                try:
                    self._flush(end)
                except OSError as error:
                    # What was to be sent is an alert, which the peer need not be there for any more.
                    if is_interruption(error):
                        raise
                raise
            self._flush(end)
            if done:
                return result
            self._limit(end)
            if data := self._below.recv(_READ_AT_ONCE):
                self.first = self.first or data[:1]
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _flush(self, end: float | None) -> None:
        """Send what TLS has to say."""
        if data := self._outgoing.read():
            self._limit(end)
            self._below.sendall(data)

    def _limit(self, end: float | None) -> None:
        """Give the layer below the time that is left."""
        left = self._timeout if end is None else end - time.monotonic()
        if end is not None and left is not None and left <= 0:
            raise TimeoutError
        self._below.settimeout(left)
