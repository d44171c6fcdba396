"""One attempt to get a response: what is known about it, and the response."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Final

import httpcore

from .._errors import Outcome, Phase
from .._proof import is_own_head, is_refusal

_HEAD_KEPT: Final = 16_384
# Seconds: the system's timers take no more than some weeks.
_LONGEST_WAIT: Final = 1_000_000.0

# Responses with a status of 1xx may stand before the one that counts (RFC 9110, section 15.2).
_INTERIM = rb"(?:HTTP/1\.[01] 1\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)*"
_SUCCESS_LINE: Final = _INTERIM + rb"HTTP/1\.[01] 2\d\d(?: [^\r\n]*)?\r?\n"


class HttpResponse:
    """A response that arrived whole.

    Args:
        status: the HTTP status.
        headers: names in lower case; of a repeated header the first.
        body: decoded: without transfer and content encodings.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Attempt:
    """What is known about one attempt while it runs, and after it failed.

    The connection that works for the attempt has it at hand and writes down here what it sees. Nothing hangs on the
    thread, so a call that is made inside another one (by a signal handler, say) keeps evidence of its own.

    Args:
        until: when it has to be over, on the monotonic clock.
    """

    def __init__(self, until: float) -> None:
        self.until = until
        self.phase: Phase = "connect"
        """What is being done."""
        self.tunnelled = False
        """A proxy has made a tunnel: what happens from now on is between this machine and the service."""
        self.sent = False
        """Something of the request may have left."""
        self.received = 0
        """How many bytes came back after that."""
        self.head = b""
        """The first of them."""
        self.status: int | None = None
        """The status of the response, once its head arrived."""
        self.headers: Mapping[str, str] = {}
        self.chunked = False
        """The body comes in chunks."""
        self.body_start = 0
        """How many of the bytes that came back are the response's head."""
        self._behind = 0
        self.ended = False
        """Nothing more can come: the other side has ended the connection, or it broke."""

    def seconds_left(self) -> float | None:
        """Seconds until its end; ``None`` without an end.

        Raises:
            httpcore.TimeoutException: it has come.
        """
        if self.until == float("inf"):
            return None
        seconds = self.until - time.monotonic()
        if seconds <= 0:
            raise httpcore.TimeoutException
        return min(seconds, _LONGEST_WAIT)

    def leaves(self) -> None:
        """The next bytes written are the request's: what is read from now on is no longer about a proxy's CONNECT."""
        self.received = 0
        self.head = b""
        self.sent = True
        self.phase = "send"

    def counts_what_follows(self, end: bytes) -> bool:
        """Whether the number of bytes behind a head tells whether more came than its response: then they need not be
        kept back. After a head with a status of 1xx another one follows, and chunks tell their end themselves.

        Args:
            end: the last piece of the head.
        """
        if not self.sent or self.status is not None or len(self.head) + len(end) > _HEAD_KEPT:
            return False
        head = self.head + end
        is_final = head[:7] == b"HTTP/1." and head[8:10] in (b" 2", b" 3", b" 4", b" 5")
        return is_final and b"transfer-encoding" not in head.lower()

    def arrived(self, data: bytes, behind: int = 0) -> None:
        """Something was read.

        Args:
            data: what it is.
            behind: so many of its bytes are behind the end of a head.
        """
        self.received += len(data)
        self._behind = behind
        if self.status is None and len(self.head) < _HEAD_KEPT:
            self.head += data[: min(len(data) - behind, _HEAD_KEPT - len(self.head))]

    def head_arrived(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of the response has arrived."""
        self.headers = headers
        self.chunked = "transfer-encoding" in headers
        self.body_start = self.received - self._behind
        self.status = status
        self.phase = "read"

    @property
    def success_seen(self) -> bool:
        """A status line that tells of success arrived, even if no more did."""
        if self.status is not None:
            return 200 <= self.status <= 299
        return re.match(_SUCCESS_LINE, self.head) is not None

    @property
    def outcome(self) -> Outcome:
        """What all this says about the fate of the request."""
        if not self.sent:
            return "not_sent"
        if self.status is not None and is_refusal(self.status, is_own_head(self.headers)):
            return "rejected"
        return "applied" if self.success_seen else "unknown"

    def body_is_exact(self, method: str) -> bool:
        """Whether what came behind the head is as long as the head said; chunks tell their end themselves."""
        if self.chunked:
            return True
        bodiless = method == "HEAD" or self.status in (204, 304)
        came = self.received - self.body_start
        return came == (0 if bodiless else int(self.headers.get("content-length", came)))
