"""The real service, for what stands between it and a program: asked through the SDK's own transport."""

from __future__ import annotations

import os
import ssl
import time
from types import TracebackType
from typing import Self

from ..._client import BASE_URL
from ..._errors import ClinikWarning
from ..._frames import warn
from ..._transport import Attempt, HttpResponse, Transport, find_proxy, parse_target, tls_context
from .._exchange import Pairs

__all__ = ["Upstream", "base_url_or_default"]

# Each connection has its own; the transport decodes what it asked for, which is gzip alone.
_OWN_HEADERS = frozenset(
    {
        *(
            "host",
            "connection",
            "content-length",
            "transfer-encoding",
            "keep-alive",
            "te",
            "trailer",
            "upgrade",
            "expect",
        ),
        *("proxy-authorization", "proxy-connection", "accept-encoding"),
    }
)
_MOST_BYTES = 64 * 1024 * 1024


def base_url_or_default(base_url: str | None) -> str:
    """Where the service is, as `clinik_client.Clinik` finds it."""
    return (os.environ.get("CLINIKAPI_BASE_URL") or BASE_URL) if base_url is None else base_url


class Upstream:
    """Connections to a service, through which whole responses come. A context manager that closes them.

    Args:
        base_url: where it is.
        timeout: the limit of each request, in seconds.
        proxy: as for `clinik_client.Clinik`, and so are the others.

    It warns of plain HTTP to another machine.

    Raises:
        ClinikConfigError: something of this is malformed.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 30.0,
        proxy: str | None = None,
        verify: bool | str | os.PathLike[str] | ssl.SSLContext = True,
        trust_env: bool = True,
    ) -> None:
        target = parse_target(base_url)
        found = find_proxy(target, proxy, trust_env)
        speaks_tls = target.scheme == b"https" or (found is not None and found.url.scheme == "https")
        context = tls_context(verify, trust_env) if speaks_tls or verify is not True else None
        if target.scheme == b"http" and not target.loopback:
            # The program talks to this machine, so its own client does not warn.
            warn("base_url is plain HTTP: the key and health data can be read on the way. Use https://.", ClinikWarning)
        self.is_public = target.is_public
        self.is_local = target.loopback
        self._timeout = timeout
        self._transport = Transport(target, context, found, _MOST_BYTES)

    def ask(self, method: str, target: str, headers: Pairs, body: bytes) -> HttpResponse:
        """Send a request once, and read the whole response.

        Raises:
            AttemptFailed: there is none.
        """
        sent = [(name.encode(), value.encode("latin-1")) for name, value in headers if name not in _OWN_HEADERS]
        sent.append((b"Accept-Encoding", b"gzip"))
        return self._transport.exchange(method, target, sent, body, Attempt(time.monotonic() + self._timeout))

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
