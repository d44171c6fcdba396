"""TLS to the service inside of TLS to a proxy, which `ssl` has no socket for."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any, Final

_RECORD: Final = 16_384


class NestedTLS:
    """TLS over a TLS socket, with the methods of a socket that are needed. A timeout bounds each call as a whole."""

    def __init__(self, outer: Any, context: ssl.SSLContext, host: str | None) -> None:
        self._outer = outer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._inner = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._timeout: float | None = None

    def settimeout(self, seconds: float | None) -> None:
        self._timeout = seconds

    def do_handshake(self) -> None:
        self._run(self._inner.do_handshake)

    def recv(self, most: int) -> bytes:
        data: bytes = self._run(self._inner.read, most)
        return data

    def send(self, data: bytes) -> int:
        count: int = self._run(self._inner.write, data)
        return count

    def selected_alpn_protocol(self) -> str | None:
        return self._inner.selected_alpn_protocol()

    def close(self) -> None:
        self._outer.close()

    def _run(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Take a step, moving bytes until it is done."""
        end = None if self._timeout is None else time.monotonic() + self._timeout

        def set_limit() -> None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0 < (self._timeout or 0):
                raise TimeoutError
            self._outer.settimeout(left if left is None else max(0.0, left))

        while True:
            result, wants_more = None, False
            try:
                result = step(*arguments)
            except ssl.SSLWantReadError:
                wants_more = True
            if data := self._outgoing.read():
                set_limit()
                self._outer.sendall(data)
            if not wants_more:
                return result
            set_limit()
            if data := self._outer.recv(_RECORD):
                self._incoming.write(data)
            else:
                self._incoming.write_eof()
