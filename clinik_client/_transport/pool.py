"""The connections to the service: a request goes out, and its whole response comes back or a failure does."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import h11
import httpcore

from .. import _public_service
from .._interruption import is_interruption
from .attempt import Attempt, HttpResponse
from .body import has_too_many_values, read_body
from .failures import AttemptFailed, failure_of, login_wanted, proxy_named
from .network import Network, Shared
from .target import Target

if TYPE_CHECKING:
    import httpx

READ_KEEPALIVE: Final = 4.0
"""Seconds that an idle connection is used again for reads: below the 5 that common servers keep theirs."""

WRITE_KEEPALIVE: Final = 1.0
"""The same for writes, which must not meet a server that is just closing its side."""

_MOST_IDLE: Final = 100

# Those of httpcore that write what is sent and received into a log, at the level DEBUG.
_LOGGERS: Final = tuple(logging.getLogger(f"httpcore.{part}") for part in ("connection", "http11", "proxy"))


class HttpConnection:
    """One connection. It belongs to the call that has taken it, and to no other until it is put back."""

    def __init__(self, http: httpcore.ConnectionInterface, network: Network) -> None:
        self.http = http
        self.network = network
        self.idle_since = 0.0

    def is_whole(self, attempt: Attempt, method: str) -> bool:
        """Whether another request may follow: the response ended where it said, and nothing came with it.

        The socket is not asked here: it is when the connection is taken again.
        """
        stream = self.network.stream
        return self.http.is_idle() and attempt.body_is_exact(method) and stream is not None and not stream.has_unread

    def close(self) -> None:
        # Not by httpcore, whose locks an interruption may have left locked.
        if self.network.stream is not None:
            self.network.stream.close()


class IdleConnections:
    """Connections that no call is using, the latest first."""

    def __init__(self, keepalive: float) -> None:
        self._keepalive = keepalive
        self._stack: deque[HttpConnection] = deque()

    def take(self) -> HttpConnection | None:
        """One that can be used, now the caller's alone."""
        while True:
            try:
                connection = self._stack.pop()
            except IndexError:
                return None
            try:
                stream = connection.network.stream
                usable = not self._is_old(connection) and stream is not None and stream.is_quiet()
            except BaseException:
                connection.close()
                raise
            if usable:
                return connection
            connection.close()

    def put(self, connection: HttpConnection) -> None:
        """Give one back."""
        connection.idle_since = time.monotonic()
        self._stack.append(connection)
        while True:
            try:
                oldest = self._stack[0]
                if not self._is_old(oldest) and len(self._stack) <= _MOST_IDLE:
                    return
                self._stack.remove(oldest)
            except (IndexError, ValueError):
                return  # another thread has taken it
            oldest.close()

    def _is_old(self, connection: HttpConnection) -> bool:
        return time.monotonic() - connection.idle_since > self._keepalive

    def close(self) -> None:
        """Close all of them."""
        while True:
            try:
                connection = self._stack.pop()
            except IndexError:
                return
            connection.close()


class Pools(Shared):
    """The connections of one process.

    Reads and writes have their own idle ones. Those for writes are kept for a shorter time: a read that meets a
    connection which the server is just closing is sent again, a write cannot be.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reads = IdleConnections(READ_KEEPALIVE)
        self.writes = IdleConnections(WRITE_KEEPALIVE)

    def close(self) -> None:
        """Close what is idle, and wake what is waited on: the calls under way close their own connections."""
        self.closed = True
        self.reads.close()
        self.writes.close()
        for wait in self.waits.things():
            wait.end()
        for sock in self.sockets.things():
            _wake(sock)

    def abandon(self) -> None:
        """Close this process's copies of what was inherited in a fork; the parent's stay as they are."""
        for sock in self.sockets.things():
            sock.close()


class Transport:
    """Connections to one service, shared by all threads of a process.

    Args:
        target: the service.
        context: TLS settings; ``None`` where no TLS is spoken.
        proxy: the proxy, if any.
        max_response_bytes: the most that a response may hold, before and after decoding.
    """

    def __init__(
        self,
        target: Target,
        context: ssl.SSLContext | None,
        proxy: httpx.Proxy | None,
        max_response_bytes: int,
    ) -> None:
        self._target = target
        self._context = context
        self._proxy = proxy
        self._max_bytes = max_response_bytes
        self._host = (b"Host", target.host_header)
        self._origin = httpcore.Origin(target.scheme, target.host, target.port)
        self._latest_headers: tuple[object, Any] = None, None
        self._layers = [target.scheme, b"" if proxy is None else proxy.url.raw_scheme].count(b"https")
        self.closed = False
        self._pools = {os.getpid(): Pools()}

    def __repr__(self) -> str:
        return f"<Transport to {self._target.shown}>"

    @property
    def login_wanted(self) -> str | None:
        """What to say of a response with 407, if a proxy gives the responses: it does where it makes no tunnel."""
        if self._proxy is None or self._target.scheme != b"http":
            return None
        return login_wanted(proxy_named(self._proxy.url))

    def _own_pools(self) -> Pools:
        """The connections of this process."""
        pools = self._pools.get(os.getpid())
        if pools is None:
            # After a fork both processes hold the same sockets, and either could read the other's response. setdefault
            # is one step, so threads that come here together get the same ones.
            inherited = [pid for pid in list(self._pools) if pid != os.getpid()]
            pools = self._pools.setdefault(os.getpid(), Pools())
            for pid in inherited:
                if (others := self._pools.pop(pid, None)) is not None:
                    others.abandon()
        return pools

    def _connection(self, pools: Pools) -> HttpConnection:
        """A new connection; it is made when its first request is sent."""
        network = Network(pools, self._layers)
        if self._proxy is None:
            return HttpConnection(
                httpcore.HTTPConnection(self._origin, self._context, network_backend=network), network
            )
        url = self._proxy.url
        # A pool of httpcore knows how to go through a proxy. It is asked for the connection, and does not keep it.
        pool = httpcore.HTTPProxy(
            proxy_url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            proxy_auth=self._proxy.raw_auth,
            ssl_context=self._context,
            proxy_ssl_context=self._context if url.scheme == "https" else None,
            network_backend=network,
        )
        return HttpConnection(pool.create_connection(self._origin), network)

    def close(self) -> None:
        """Close all connections. A call that is under way in another thread fails at once.

        A signal handler may do this in the middle of a call.
        """
        self.closed = True
        self._own_pools().close()

    def exchange(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[bytes, bytes]],
        content: bytes,
        attempt: Attempt,
    ) -> HttpResponse:
        """Send a request and read the whole response within the attempt's time.

        Args:
            method: the HTTP method.
            target: path and query.
            headers: all but ``Host`` and ``Content-Length``.
            content: the body, maybe empty.
            attempt: the limit; receives what becomes known.

        Raises:
            AttemptFailed: there is no whole response.
        """
        failure: AttemptFailed
        try:
            return self._round_trip(method, target, headers, content, attempt)
        except AttemptFailed as error:
            failure = error
        except Exception as error:
            if is_interruption(error):
                raise
            if self.closed:
                failure = AttemptFailed("client_closed", "The client was closed while the call was under way.")
            else:
                failure = failure_of(error, attempt, self._target, None if self._proxy is None else self._proxy.url)
        # Raised here, outside the handler: a context would carry the request and the key along.
        raise failure

    def _round_trip(
        self, method: str, target: str, headers: Iterable[tuple[bytes, bytes]], content: bytes, attempt: Attempt
    ) -> HttpResponse:
        if self.closed:
            raise AttemptFailed("client_closed", "The client is closed.")
        if self._target.is_public and _public_service.refused:
            _public_service.on_refusal()
            raise AttemptFailed("public_service", _public_service.REASON)
        pools = self._own_pools()
        request = self._request(method, target, headers, content)
        attempt.seconds_left()
        idle = pools.reads if method == "GET" else pools.writes
        connection = idle.take() or self._connection(pools)
        try:
            connection.network.begin(attempt)
            response = connection.http.handle_request(request)
            if not attempt.received:
                # It was there before the request left: it belongs to some other one, and so does its status.
                raise AttemptFailed(
                    "unasked", "A response came that no request on this connection had asked for.", malformed=True
                )
            attempt.head_arrived(response.status, _headers(response.headers))
            stream = response.stream
            assert isinstance(stream, Iterable)
            encoding = attempt.headers.get("content-encoding", "")
            body = read_body(stream, encoding, self._max_bytes, attempt.seconds_left)
            response.close()
            whole = connection.is_whole(attempt, method)
            if not whole:
                connection.close()
        except BaseException:
            # It may be in the middle of anything, so nobody gets it again.
            connection.close()
            raise
        if whole:
            idle.put(connection)
            if pools.closed:
                idle.close()
        if has_too_many_values(body, self._max_bytes):
            raise AttemptFailed(
                "too_large",
                f"The response has more values than max_response_bytes ({self._max_bytes:,} bytes) allows for.",
                malformed=True,
            )
        return HttpResponse(attempt.status or 0, attempt.headers, body)

    def _request(
        self, method: str, target: str, headers: Iterable[tuple[bytes, bytes]], content: bytes
    ) -> httpcore.Request:
        # Following every step costs time, so it is done while somebody could read of it.
        watched = True in [logger.isEnabledFor(logging.DEBUG) for logger in _LOGGERS]
        to = self._target
        extensions = {"trace": _keep_out_of_logs} if watched else None
        url = httpcore.URL(scheme=to.scheme, host=to.host, port=to.port, target=(to.prefix + target).encode("ascii"))
        # An empty part would be sent in vain.
        request = httpcore.Request(method, url, content=[content] if content else [], extensions=extensions)
        # Set here, they are not looked at one by one: h11 does that.
        if content or method in ("POST", "PATCH", "PUT"):
            request.headers = [self._host, *headers, (b"Content-Length", b"%d" % len(content))]
        else:
            request.headers = self._looked_at(headers)
        return request

    def _looked_at(self, headers: Iterable[tuple[bytes, bytes]]) -> Any:
        """These headers and ``Host``, in the form in which h11 keeps those that it has looked at already."""
        latest, looked_at = self._latest_headers
        if latest is not headers:
            looked_at = h11.Request(method="GET", target="/", headers=[self._host, *headers]).headers
            self._latest_headers = headers, looked_at
        return looked_at


def _wake(sock: socket.socket) -> None:
    """End whatever waits on a socket that is another call's: only that one may close it."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        if is_interruption(error):
            raise


def _headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    # Of a repeated header the first stays, which is set last. h11 takes no name that is not ASCII.
    return {name.lower().decode("ascii"): value.decode("latin-1") for name, value in reversed(raw)}


def _keep_out_of_logs(name: str, info: dict[str, Any]) -> None:
    # httpcore logs this dictionary next: headers and error texts of the service do not belong in a log.
    if name.endswith((".complete", ".failed")):
        info.clear()
