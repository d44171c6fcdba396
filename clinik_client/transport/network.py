"""The network below the connection pool: nothing in it waits beyond the end of an attempt."""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import socket
import ssl
import threading
import time
import traceback
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, Final

import httpcore

from .attempt import Attempt

# One TLS record, and little enough for one system call: each looks at the clock.
_WRITE_CHUNK: Final = 16_384
# Bytes read at once before the head is whole: time is only looked at between reads, and 8 KB hold hundreds of heads.
_HEAD_READ: Final = 8_192
# Seconds: the system's timers take no more than some weeks.
_LONGEST_WAIT: Final = 1_000_000.0


class DeadlineBackend(httpcore.NetworkBackend):
    """A network that never waits beyond the end of the attempt that its thread is making.

    httpcore's own limits start anew with each chunk, address and step; what it passes here as a timeout is not used.
    """

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self._current = threading.local()
        self._streams: weakref.WeakSet[DeadlineStream] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Close all connections, also those that a thread is waiting on or has only just made."""
        with self._lock:
            self._closed = True
            streams = list(self._streams)
        for stream in streams:
            stream.close()

    def abandon(self) -> None:
        """Give up what was inherited in a fork. Without locks: a thread of the parent may have held them."""
        for stream in list(self._streams):
            stream.abandon()

    def adopt(self, inner: httpcore.NetworkStream) -> DeadlineStream:
        """Take charge of a new connection."""
        stream = DeadlineStream(inner, self)
        with self._lock:
            self._streams.add(stream)
            closed = self._closed
        if closed:
            stream.close()
            raise httpcore.ConnectError("closed")
        return stream

    def begin(self, attempt: Attempt) -> float | None:
        """From now on this thread works for this attempt. Returns the seconds that it has."""
        self._current.attempt = attempt
        return self.left(httpcore.PoolTimeout)

    def attempt(self) -> Attempt:
        attempt: Attempt = self._current.attempt
        return attempt

    def left(self, expired: type[httpcore.TimeoutException]) -> float | None:
        """Seconds until the attempt's end; ``None`` without an end."""
        until = self.attempt().until
        if until == float("inf"):
            return None
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise expired
        return min(seconds, _LONGEST_WAIT)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._resolve(host, port)
        for index, address in enumerate(addresses):
            seconds = self.left(httpcore.ConnectTimeout)
            others = len(addresses) - index - 1
            # A dead address leaves time for those behind it.
            share = seconds if seconds is None or not others else seconds / (others + 1)
            try:
                stream = self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not others:
                    raise
            else:
                return self.adopt(stream)
        raise httpcore.ConnectError("no address")

    def _resolve(self, host: str, port: int) -> list[str]:
        with contextlib.suppress(ValueError):
            return [str(ipaddress.ip_address(host))]
        # The resolver takes no limit, so it works in a thread that can be left behind.
        answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

        def resolve() -> None:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                answers.put(error if isinstance(error, OSError) else OSError())
            else:
                answers.put(list(dict.fromkeys(str(info[4][0]) for info in found)))

        threading.Thread(target=resolve, name="clinik-resolve", daemon=True).start()
        try:
            answer = answers.get(timeout=self.left(httpcore.ConnectTimeout))
        except queue.Empty:
            raise httpcore.ConnectTimeout from None
        if isinstance(answer, OSError):
            raise httpcore.ConnectError("the name was not resolved")
        return answer


def _close_orphan(error: BaseException | None) -> None:
    """Close the socket that `ssl` leaves to the garbage collector when the peer resets right before the handshake."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            for value in frame.f_locals.values():
                if isinstance(value, ssl.SSLSocket):
                    value.close()
        error = error.__cause__ or error.__context__


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose reads and writes end with the attempt that they are for.

    Any thread may close it. One that waits on the socket meanwhile is woken, and closes the socket itself: a descriptor
    that was closed under a waiting thread could be some other connection's by the time it looks.
    """

    def __init__(self, inner: httpcore.NetworkStream, backend: DeadlineBackend) -> None:
        self._inner = inner
        self._backend = backend
        self._lock = threading.Lock()
        self._busy = False
        self._closed = False
        self._used = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._in_use(httpcore.ReadError):
            attempt = self._backend.attempt()
            most = max_bytes if attempt.status is not None else min(max_bytes, _HEAD_READ)
            data = self._inner.read(most, self._backend.left(httpcore.ReadTimeout))
        self._used = True
        attempt.arrived(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        attempt = self._backend.attempt()
        if attempt.leaving and not attempt.sent:
            self._check_quiet()
            attempt.sent = True
        with self._in_use(httpcore.WriteError):
            for start in range(0, len(buffer), _WRITE_CHUNK):
                self._inner.write(buffer[start : start + _WRITE_CHUNK], self._backend.left(httpcore.WriteTimeout))

    def _check_quiet(self) -> None:
        """Nothing may be there to read before a request leaves: it would be the end, or an answer to nothing."""
        # A fresh TLS connection has session tickets to read.
        tls = self._inner.get_extra_info("ssl_object") is not None
        if (self._used or not tls) and self._inner.get_extra_info("is_readable"):
            # A connection that was in use may have waited too long: the pool takes another one then.
            raise httpcore.ConnectionNotAvailable if self._used else httpcore.ConnectError

    @contextlib.contextmanager
    def _in_use(self, broken: type[httpcore.NetworkError]) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise broken("closed")
            self._busy = True
        try:
            yield
        finally:
            with self._lock:
                self._busy = False
                closed = self._closed
            if closed:
                self._inner.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            busy = self._busy
            if busy:
                with contextlib.suppress(OSError):
                    # Not SSLSocket.shutdown: it takes the TLS state away from under the thread that is waiting.
                    socket.socket.shutdown(self._inner.get_extra_info("socket"), socket.SHUT_RDWR)
        if not busy:
            self._inner.close()

    def abandon(self) -> None:
        """Close this process's copy of the socket; the parent's stays as it is."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        with self._in_use(httpcore.ConnectError):
            seconds = self._backend.left(httpcore.ConnectTimeout)
            try:
                inner = self._inner.start_tls(ssl_context, server_hostname, seconds)
            except Exception as error:
                _close_orphan(error)
                raise
        return self._backend.adopt(inner)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
