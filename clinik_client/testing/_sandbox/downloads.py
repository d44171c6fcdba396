"""The files of exports: on a port of their own, with a token in the URL, and without a key (contract: bulk)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import orjson
from attrs import frozen

from .._backend import Answer
from .._exchange import split_target
from .._wire import WireRequest, WireResponse
from .clock import SandboxClock
from .store import Shape, StoredRecord

__all__ = ["Downloads"]

_PLAIN: Final = ("content-type", "text/plain; charset=utf-8")


@frozen
class _File:
    """The records of an export, as they were when it was asked for."""

    records: list[StoredRecord]
    shape: Shape
    until: datetime

    def content(self) -> bytes:
        return b"".join(
            orjson.dumps(stored.shown(self.shape), option=orjson.OPT_APPEND_NEWLINE) for stored in self.records
        )


class Downloads:
    """All files that exports made; a backend for a server of its own, on another port.

    Args:
        clock: tells the time.
        lock: is held while a request is answered.
    """

    def __init__(self, clock: SandboxClock, lock: AbstractContextManager[object]) -> None:
        self._clock = clock
        self._lock = lock
        self.url = ""
        """Where they are served, without a slash at its end."""
        self.keys_sent = 0
        """How many requests carried a key, which must never be sent here."""
        self._files: dict[tuple[str, str], _File] = {}

    def clear(self) -> None:
        """Forget all files, and the keys that were sent."""
        self.keys_sent = 0
        self._files.clear()

    def add(self, name: str, token: str, records: list[StoredRecord], shape: Shape, until: datetime) -> str:
        """Make a file. Returns path and query of its URL.

        Args:
            name: its name, without an ending.
            token: what the URL has to hold.
            records: what it holds.
            shape: in which shape.
            until: from this moment on it cannot be had.
        """
        path = f"/{name}.ndjson"
        self._files[path, token] = _File(records, shape, until)
        return f"{path}?{urlencode({'token': token})}"

    def operation_of(self, _: WireRequest) -> str:
        """Which operation a request asks for."""
        return "download"

    def answer(self, request: WireRequest) -> Answer:
        """Give the file that is asked for."""
        with self._lock:
            return Answer(self._answer(request, self._clock.now()))

    def _answer(self, request: WireRequest, now: datetime) -> WireResponse:
        if request.header_values("x-api-key"):
            self.keys_sent += 1
            return _refused(400, "This host takes no API key: what may be fetched is in the URL.")
        if request.method != "GET":
            return _refused(405, "A file can be fetched with GET.", ("allow", "GET"))
        path, query = split_target(request.target)
        file = self._files.get((path, dict(query).get("token", "")))
        if file is None or now >= file.until:
            return _refused(403, "The URL is not valid, or no longer.")
        return WireResponse(200, [("content-type", "application/x-ndjson")], file.content())


def _refused(status: int, text: str, *headers: tuple[str, str]) -> WireResponse:
    return WireResponse(status, [_PLAIN, *headers], text.encode())
