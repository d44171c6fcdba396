"""The connections to the service: a request goes out, and its whole answer comes back or a failure does."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import httpcore
import httpx
from attrs import frozen

from .attempt import Attempt, AttemptFailed, Reply
from .body import read_body
from .network import DeadlineBackend
from .target import Target

READ_KEEPALIVE: Final = 4.0
"""Seconds that an idle connection is used again for reads: below the 5 that common servers keep theirs."""

WRITE_KEEPALIVE: Final = 1.0
"""The same for writes, which must not meet a server that is just closing its side."""

_IDLE_CONNECTIONS: Final = 100


@frozen
class _Lines:
    """The connections of one process."""

    backend: DeadlineBackend
    reads: httpcore.ConnectionPool
    writes: httpcore.ConnectionPool


class Transport:
    """Connections to one service, shared by all threads of a process.

    Args:
        target: the service.
        context: TLS settings; ``None`` where no TLS is spoken.
        proxy: the proxy, if any.
        max_response_bytes: the most that an answer may hold, before and after decoding.
    """

    def __init__(
        self, target: Target, context: ssl.SSLContext | None, proxy: httpx.Proxy | None, max_response_bytes: int
    ) -> None:
        self._target = target
        self._context = context
        self._proxy = proxy
        self._max_bytes = max_response_bytes
        self.closed = False
        self._lines = {os.getpid(): self._open()}

    def __repr__(self) -> str:
        return f"<Transport to {self._target.shown}>"

    def _open(self) -> _Lines:
        backend = DeadlineBackend()
        return _Lines(backend, self._pool(backend, READ_KEEPALIVE), self._pool(backend, WRITE_KEEPALIVE))

    def _own_lines(self) -> _Lines:
        """The connections of this process."""
        lines = self._lines.get(os.getpid())
        if lines is None:
            # After a fork both processes hold the same sockets, and either could read the other's answer. setdefault
            # is one step, so threads that come here together get the same ones.
            inherited = [pid for pid in list(self._lines) if pid != os.getpid()]
            lines = self._lines.setdefault(os.getpid(), self._open())
            for pid in inherited:
                if (others := self._lines.pop(pid, None)) is not None:
                    others.backend.abandon()
        return lines

    def _pool(self, backend: DeadlineBackend, keepalive: float) -> httpcore.ConnectionPool:
        # No limit on connections: a thread holds one at a time, and waiting for one could outlast the call's limit.
        settings: dict[str, Any] = {
            "ssl_context": self._context,
            "max_connections": None,
            "max_keepalive_connections": _IDLE_CONNECTIONS,
            "keepalive_expiry": keepalive,
            "network_backend": backend,
        }
        if self._proxy is None:
            return httpcore.ConnectionPool(**settings)
        url = self._proxy.url
        return httpcore.HTTPProxy(
            proxy_url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            proxy_auth=self._proxy.raw_auth,
            proxy_ssl_context=self._context if url.scheme == "https" else None,
            **settings,
        )

    def close(self) -> None:
        """Close all connections. A call that is under way in another thread fails at once."""
        self.closed = True
        lines = self._own_lines()
        # Connections that are only being made are in no pool yet: the backend knows them all.
        lines.backend.close()
        lines.reads.close()
        lines.writes.close()

    def send(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[bytes, bytes]],
        content: bytes,
        attempt: Attempt,
    ) -> Reply:
        """Send a request and read the whole answer within the attempt's time.

        Args:
            method: the HTTP method.
            target: path and query.
            headers: all but ``Host`` and ``Content-Length``.
            content: the body, maybe empty.
            attempt: the limit; receives what becomes known.

        Raises:
            AttemptFailed: there is no whole answer.
        """
        failure: AttemptFailed
        try:
            return self._exchange(method, target, headers, content, attempt)
        except AttemptFailed as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - whatever goes wrong below, its text may hold what was sent
            failure = self._failure(error, attempt)
        # Raised here, outside the handler: a context would carry the request and the key along.
        raise failure

    def _exchange(
        self, method: str, target: str, headers: Iterable[tuple[bytes, bytes]], content: bytes, attempt: Attempt
    ) -> Reply:
        if self.closed:
            raise AttemptFailed("The client is closed.", final=True)
        lines = self._own_lines()
        all_headers = [(b"Host", self._target.host_header), *headers]
        if content or method in ("POST", "PATCH", "PUT"):
            all_headers.append((b"Content-Length", b"%d" % len(content)))
        limits = dict.fromkeys(("connect", "read", "write", "pool"), lines.backend.begin(attempt))
        request = httpcore.Request(
            method,
            httpcore.URL(
                scheme=self._target.scheme,
                host=self._target.host,
                port=self._target.port,
                target=(self._target.prefix + target).encode("ascii"),
            ),
            headers=all_headers,
            content=content,
            extensions={"timeout": limits, "trace": _tracer(attempt)},
        )
        pool = lines.reads if method == "GET" else lines.writes
        response = pool.handle_request(request)
        try:
            if not attempt.received:
                # The answer was there before the request left: it belongs to some other one, and so does its status.
                raise AttemptFailed("An answer came that no request on this connection had asked for.", malformed=True)
            attempt.status = response.status
            attempt.headers = _headers(response.headers)
            stream = response.stream
            assert isinstance(stream, Iterable)
            body = read_body(
                stream,
                attempt.headers.get("content-encoding", ""),
                self._max_bytes,
                lambda: lines.backend.left(httpcore.ReadTimeout),
            )
        except BaseException:
            # What is left of a refused answer must not become the next one's beginning.
            response.close()
            raise
        if attempt.something_follows(method):
            # It would be taken for the beginning of the next answer. The pool drops a connection that is closed.
            response.extensions["network_stream"].close()
        response.close()
        return Reply(response.status, attempt.headers, body)

    def _failure(self, error: Exception, attempt: Attempt) -> AttemptFailed:
        if self.closed:
            return AttemptFailed("The client was closed while the call was under way.", final=True)
        if isinstance(error, httpcore.TimeoutException) or time.monotonic() >= attempt.until:
            stage = "while waiting for the answer" if attempt.sent else "while connecting"
            return AttemptFailed(f"The time was up {stage}.", timed_out=True)
        if isinstance(error, httpcore.ProxyError):
            if str(error).startswith("407"):
                return AttemptFailed("The proxy wants a user name and a password that it accepts.", final=True)
            return AttemptFailed("The proxy refused the connection.")
        if isinstance(error, httpcore.LocalProtocolError | UnicodeError | httpcore.UnsupportedProtocol):
            return AttemptFailed("The request cannot be written as HTTP.", final=True)
        if not attempt.sent:
            if _is_certificate_error(error):
                return AttemptFailed("The server's certificate is not valid for it or not trusted.", final=True)
            return AttemptFailed("No connection could be made.")
        if attempt.received and isinstance(error, httpcore.RemoteProtocolError):
            return AttemptFailed("What came back is not a whole HTTP answer.", malformed=True)
        return AttemptFailed("The connection broke before the answer was complete.")


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        headers.setdefault(name.decode("ascii", "replace").lower(), value.decode("latin-1"))
    return headers


def _is_certificate_error(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _tracer(attempt: Attempt) -> Callable[[str, dict[str, Any]], None]:
    def trace(name: str, info: dict[str, Any]) -> None:
        if name == "http11.send_request_headers.started":
            # A proxy's CONNECT carries nothing of the request.
            attempt.begins_to_leave(info["request"].method != b"CONNECT")
        # httpcore logs this dictionary next: headers and error texts of the service do not belong in a log.
        if name.endswith((".complete", ".failed")):
            info.clear()

    return trace
