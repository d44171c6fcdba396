"""One attempt to send a request: the only module that speaks HTTP.

httpx is behind this door for what it knows of URLs, certificates and proxies; the requests go to httpcore's connection
pool directly. That pool has the seams that the rest of the SDK is built on: a network backend, which puts one
wall-clock limit on everything that waits, and a trace, which tells what has left for the service.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import queue
import re
import socket
import ssl
import threading
import time
import traceback
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx
from attrs import define, field, frozen

from .errors import ClinikConfigError

READ_KEEPALIVE: Final = 4.0
"""Seconds that an idle connection is used again for reads: below the 5 that common servers keep theirs."""

WRITE_KEEPALIVE: Final = 1.0
"""The same for writes, which must not meet a server that is just closing its side."""

_IDLE_CONNECTIONS: Final = 100
# One TLS record, and little enough for one system call: each looks at the clock.
_WRITE_CHUNK: Final = 16_384
# Seconds: the system's timers take no more than some weeks.
_LONGEST_WAIT: Final = 1_000_000.0
_HEAD_KEPT: Final = 16_384
_HEAD_READ: Final = 8_192
# Bytes read at once before the head is whole: time is only looked at between reads, and 8 KB hold hundreds of heads.
_DECODED_STEP: Final = 1_048_576

# Answers with a status of 1xx may stand before the one that counts (RFC 9110, section 15.2).
_INTERIM = rb"(?:HTTP/1\.[01] 1\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)*"
_SUCCESS_LINE = re.compile(_INTERIM + rb"HTTP/1\.[01] 2\d\d(?: [^\r\n]*)?\r?\n")
# How an answer in chunks ends; a trailer, which could follow, is rare enough (RFC 9112, section 7.1).
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"
_WHOLE_HEAD = re.compile(_INTERIM + rb"HTTP/1\.[01] [^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n")


@frozen
class Reply:
    """An answer that arrived whole."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; of a repeated header the first."""
    body: bytes = field(repr=False)
    """Decoded: without transfer and content encodings."""


@define
class Attempt:
    """What is known about one attempt while it runs, and after it failed."""

    until: float
    """When it has to be over, on the monotonic clock."""
    sent: bool = False
    """Something of the request may have left."""
    received: int = 0
    """How many bytes came back after that."""
    head: bytes = field(default=b"", repr=False)
    """The first of them."""
    tail: bytes = field(default=b"", repr=False)
    """The last of them."""
    status: int | None = None
    """The status of the answer, once its head arrived."""
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    leaving: bool = False
    """What is written next is the request, not a proxy's CONNECT."""

    def begins_to_leave(self, leaving: bool) -> None:
        """The next bytes written are the request's (or a CONNECT); what is read from now on answers them."""
        self.leaving = leaving
        self.received = 0
        self.head = self.tail = b""

    def arrived(self, data: bytes) -> None:
        """Something was read."""
        self.received += len(data)
        if len(self.head) < _HEAD_KEPT:
            self.head += data[: _HEAD_KEPT - len(self.head)]
        self.tail = (self.tail + data[-len(_LAST_CHUNK) :])[-len(_LAST_CHUNK) :]

    @property
    def promised(self) -> bool:
        """A status line that tells of success arrived, even if no more did."""
        if self.status is not None:
            return 200 <= self.status <= 299
        return _SUCCESS_LINE.match(self.head) is not None


class AttemptFailed(Exception):
    """An attempt brought no whole answer. Never leaves the SDK.

    Attributes:
        text: what happened, without anything that the request or the answer carried.
        timed_out: its time was up.
        malformed: something came back that is not a whole HTTP answer.
        final: trying again cannot help: a bad certificate, a closed client, an answer above the limit.
    """

    def __init__(self, text: str, *, timed_out: bool = False, malformed: bool = False, final: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.timed_out = timed_out
        self.malformed = malformed
        self.final = final


@frozen
class Target:
    """The service to talk to, taken apart once."""

    scheme: bytes
    host: bytes
    port: int
    prefix: str
    """The path in front of every route, without a slash at its end."""
    shown: str
    """How messages name it."""
    loopback: bool

    @property
    def host_header(self) -> bytes:
        name = b"[%s]" % self.host if b":" in self.host else self.host
        default = {b"https": 443, b"http": 80}[self.scheme]
        return name if self.port == default else b"%s:%d" % (name, self.port)


def parse_target(base_url: str) -> Target:
    """Take a base URL apart.

    Raises:
        ClinikConfigError: it is not an absolute http or https URL, or has parts that do not belong there.
    """
    problem = None
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError, ValueError):
        problem = "is not a URL"
        url = httpx.URL()
    if problem is None and (url.scheme not in ("http", "https") or not url.host):
        problem = "must begin with https:// (or http:// for a server on this machine) and name a host"
    elif problem is None and (url.userinfo or b"?" in url.raw_path or url.fragment):
        problem = "must have no user name, no query and no fragment"
    elif problem is None and url.port is not None and not 0 < url.port < 65_536:
        problem = "names a port that does not exist"
    if problem is not None:
        raise ClinikConfigError(f"base_url {problem}.")
    return Target(
        scheme=url.raw_scheme,
        host=url.raw_host,
        port=url.port or (443 if url.scheme == "https" else 80),
        prefix=url.raw_path.decode("ascii").rstrip("/"),
        shown=f"{url.scheme}://{url.netloc.decode('ascii')}{url.path.rstrip('/')}",
        loopback=_is_loopback(url.host),
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tls_context(verify: bool | str | os.PathLike[str] | ssl.SSLContext, trust_env: bool) -> ssl.SSLContext:
    """The TLS settings for what a caller gives as ``verify``.

    Raises:
        ClinikConfigError: the CA file is not there or holds no certificates.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if isinstance(verify, bool):
        environment = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")) if trust_env else (None, None)
        return _default_context(verify, trust_env, *environment)
    context = None
    with contextlib.suppress(OSError, ValueError):
        path = os.fspath(verify)
        is_folder = os.path.isdir(path)
        context = ssl.create_default_context(cafile=None if is_folder else path, capath=path if is_folder else None)
    if context is None:
        raise ClinikConfigError("verify names a CA file that cannot be read, or that holds no PEM certificates.")
    return context


@lru_cache(maxsize=4)
def _default_context(verify: bool, trust_env: bool, cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    # Loading the certificates takes most of the time that a client needs to start, so clients share them.
    context = None
    with contextlib.suppress(OSError):
        context = httpx.create_ssl_context(verify=verify, trust_env=trust_env)
    if context is None:
        raise ClinikConfigError("SSL_CERT_FILE or SSL_CERT_DIR names something that cannot be read.")
    return context


def find_proxy(target: Target, proxy: str | None, trust_env: bool) -> httpx.Proxy | None:
    """The proxy to use: the one given, or the environment's (``HTTPS_PROXY``, ``NO_PROXY`` and so on).

    Raises:
        ClinikConfigError: it is not an http or https URL.
    """
    host = target.host.decode("ascii")
    if proxy is None and trust_env and not proxy_bypass(f"{host}:{target.port}") and not proxy_bypass(host):
        proxies = getproxies()
        proxy = proxies.get(target.scheme.decode("ascii")) or proxies.get("all")
        # Environments often name a proxy without its scheme.
        proxy = f"http://{proxy}" if proxy and "://" not in proxy else proxy
    if not proxy:
        return None
    found = None
    with contextlib.suppress(httpx.InvalidURL, TypeError, ValueError):
        found = httpx.Proxy(proxy)
    if found is None or found.url.scheme not in ("http", "https") or not found.url.host:
        raise ClinikConfigError("The proxy must be an http:// or https:// URL with a host.")
    return found


@frozen
class _Lines:
    """The connections of one process."""

    backend: _DeadlineBackend
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
        backend = _DeadlineBackend()
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

    def _pool(self, backend: _DeadlineBackend, keepalive: float) -> httpcore.ConnectionPool:
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
        if _something_follows(attempt, method):
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


def _something_follows(attempt: Attempt, method: str) -> bool:
    """Whether bytes came behind the answer (or whether that cannot be told)."""
    head = _WHOLE_HEAD.match(attempt.head)
    if head is None:
        return True
    if "transfer-encoding" in attempt.headers:
        return attempt.tail != _LAST_CHUNK
    bodiless = method == "HEAD" or attempt.status in (204, 304)
    length = 0 if bodiless else int(attempt.headers.get("content-length", attempt.received - head.end()))
    return attempt.received != head.end() + length


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


def read_body(
    stream: Iterable[bytes], encoding: str, limit: int, check_time: Callable[[], object] = lambda: None
) -> bytes:
    """Read and decode a body.

    Args:
        stream: its chunks.
        encoding: the ``Content-Encoding``; only gzip is asked for and understood (RFC 9110, section 8.4.1.3).
        limit: the most bytes that are accepted, decoded or not.
        check_time: called after each step, since a few bytes can hold very many; raises when the time is up.

    Raises:
        AttemptFailed: it is larger than that, cut short, or not in that encoding.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return b"".join(_limited(stream, limit, check_time))
    if encoding not in ("gzip", "x-gzip"):
        raise AttemptFailed("The answer came in an encoding that was not asked for.", malformed=True)
    parts: list[bytes] = []
    room = limit
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    empty, broken = True, False
    for chunk in _limited(stream, limit, check_time):
        empty = empty and not chunk
        more = bool(chunk)
        while more and not broken:
            check_time()
            if decoder.eof:
                # A gzip file may have several members (RFC 1952, section 2.2).
                decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            try:
                part = decoder.decompress(chunk, min(room + 1, _DECODED_STEP))
            except zlib.error:
                broken = True
                break
            parts.append(part)
            room -= len(part)
            if room < 0:
                raise _too_large(limit)
            chunk = decoder.unconsumed_tail or decoder.unused_data
            # A step that was filled may have left output behind although all input is taken.
            more = bool(chunk) or (len(part) == _DECODED_STEP and not decoder.eof)
    # A 204 that names an encoding is whole without a byte.
    if broken or not (decoder.eof or empty):
        raise AttemptFailed("The answer's compressed body is damaged or cut short.", malformed=True)
    return b"".join(parts)


def _limited(stream: Iterable[bytes], limit: int, check_time: Callable[[], object]) -> Iterator[bytes]:
    room = limit
    for chunk in stream:
        check_time()
        room -= len(chunk)
        if room < 0:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> AttemptFailed:
    return AttemptFailed(f"The answer is larger than max_response_bytes ({limit:,} bytes).", malformed=True, final=True)


class _DeadlineBackend(httpcore.NetworkBackend):
    """A network that never waits beyond the end of the attempt that its thread is making.

    httpcore's own limits start anew with each chunk, address and step; what it passes here as a timeout is not used.
    """

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self._current = threading.local()
        self._streams: weakref.WeakSet[_DeadlineStream] = weakref.WeakSet()
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

    def adopt(self, inner: httpcore.NetworkStream) -> _DeadlineStream:
        """Take charge of a new connection."""
        stream = _DeadlineStream(inner, self)
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


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose reads and writes end with the attempt that they are for.

    Any thread may close it. One that waits on the socket meanwhile is woken, and closes the socket itself: a descriptor
    that was closed under a waiting thread could be some other connection's by the time it looks.
    """

    def __init__(self, inner: httpcore.NetworkStream, backend: _DeadlineBackend) -> None:
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
