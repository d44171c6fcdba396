"""One attempt to get an answer: what is known about it, the answer, and the failure to get one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

_HEAD_KEPT: Final = 16_384

# Answers with a status of 1xx may stand before the one that counts (RFC 9110, section 15.2).
_INTERIM = rb"(?:HTTP/1\.[01] 1\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)*"
_SUCCESS_LINE = re.compile(_INTERIM + rb"HTTP/1\.[01] 2\d\d(?: [^\r\n]*)?\r?\n")
_WHOLE_HEAD = re.compile(_INTERIM + rb"HTTP/1\.[01] [^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n")
# How an answer in chunks ends; a trailer, which could follow, is rare enough (RFC 9112, section 7.1).
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"


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

    def something_follows(self, method: str) -> bool:
        """Whether bytes came behind the answer (or whether that cannot be told)."""
        head = _WHOLE_HEAD.match(self.head)
        if head is None:
            return True
        if "transfer-encoding" in self.headers:
            return self.tail != _LAST_CHUNK
        bodiless = method == "HEAD" or self.status in (204, 304)
        length = 0 if bodiless else int(self.headers.get("content-length", self.received - head.end()))
        return self.received != head.end() + length


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
