"""Recordings as a backend: the recorded response to each request, and an account of what has none."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable
from http import HTTPStatus

import orjson
from attrs import define, evolve, field, frozen

from ._backend import Answer
from ._exchange import Exchange, Recording, split_target
from ._matching import Differences, ReceivedRequest, compare, distance, tell
from ._routes import SAFE_METHODS, operation_at
from ._wire import WireRequest, WireResponse

__all__ = ["DROPPED_HEADERS", "Mismatch", "RecordingsBackend", "listed", "route_of"]

# The wire layer frames the body anew, and a recorded body is the decoded one.
DROPPED_HEADERS = frozenset(
    ["connection", "content-encoding", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"]
)
_PLAIN_SEGMENT = re.compile(r"[A-Za-z]+[0-9]?")


def route_of(path: str) -> str:
    """A path without ids, for messages: ``/v1/encounters/{id}``."""
    return "/".join(s if not s or _PLAIN_SEGMENT.fullmatch(s) else "{id}" for s in path.split("/"))


def listed(what: str, lines: Collection[object]) -> str:
    """A list for people, under a line that says what it is of and how many there are."""
    return "\n  - ".join([f"{what} ({len(lines)}):", *map(str, lines)])


@define
class _Slot:
    """A recorded exchange, of which story it is, where it stands there, and whether it was replayed.

    ``used``: it was ever. ``given``: it was since its story began last.
    """

    story: str
    number: int
    exchange: Exchange
    used: bool = False
    given: bool = False

    def __str__(self) -> str:
        return f"{self.story}.har entry {self.number}: {self.exchange.method} {route_of(self.exchange.path)}"


@frozen
class Mismatch:
    """A request that no recording has a response for; ``str()`` gives a readable account, without values, ids or keys.

    ``number`` is the request's place in the order of arrival, from 1, not counting those that a fault kept from being
    carried out. ``nearest`` names the recorded exchange that
    comes nearest, ``differences`` says by aspect (``method``, ``path``, ``query``, ``key``, ``body``, ``times``, ...)
    what is not as recorded. ``request`` is ``None`` when it was too malformed to be read.
    """

    number: int
    summary: str
    nearest: str | None = None
    differences: dict[str, str] = field(factory=dict)
    request: ReceivedRequest | None = field(default=None, repr=False)

    def __str__(self) -> str:
        lines = [f"request {self.number}: {self.summary}"]
        if self.nearest is not None:
            lines.append(f"nearest recording: {self.nearest}")
        lines += [f"{aspect}: {text}" for aspect, text in self.differences.items()]
        return "\n      ".join(lines)


class RecordingsBackend:
    """Responds as it was recorded; see `FixtureServer` for what matches what.

    Args:
        recordings: the stories.
        api_keys: the keys that count as valid; ``None`` for every key of the right form.
        loop: whether a story begins again when a request has got all the responses that it recorded for it.
    """

    def __init__(
        self, recordings: Iterable[Recording], *, api_keys: Iterable[str] | None = None, loop: bool = False
    ) -> None:
        self.recordings = tuple(recordings)
        self._slots = [
            _Slot(recording.name, number, exchange)
            for recording in self.recordings
            for number, exchange in enumerate(recording.exchanges, start=1)
        ]
        self._api_keys = None if api_keys is None else frozenset(api_keys)
        self._loop = loop
        self._lock = threading.Lock()
        self._requests: list[ReceivedRequest] = []
        self._mismatches: list[Mismatch] = []
        self._arrived = 0

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Every request so far."""
        with self._lock:
            return list(self._requests)

    @property
    def mismatches(self) -> list[Mismatch]:
        """Every request so far that matched nothing."""
        with self._lock:
            return list(self._mismatches)

    def unused(self) -> list[Exchange]:
        """The exchanges that have not been asked for."""
        with self._lock:
            return [slot.exchange for slot in self._slots if not slot.used]

    def account(self, *, with_unused: bool, after: int = 0) -> str:
        """What went wrong so far, but for the first ``after`` mismatches; readable, empty if nothing did."""
        with self._lock:
            mismatches = [str(mismatch) for mismatch in self._mismatches[after:]]
            unused = [str(slot) for slot in self._slots if not slot.used] if with_unused else []
        parts = []
        if mismatches:
            parts.append(listed("Requests that match no recording", mismatches))
        if unused:
            parts.append(listed("Recorded exchanges never asked for", unused))
        return "\n".join(parts)

    def refuse(self, status: int, reason: str) -> None:
        """A request was too malformed to be read: it matched nothing, either."""
        with self._lock:
            self._arrived += 1
            self._mismatches.append(Mismatch(self._arrived, f"refused with {status}: {reason}"))

    def operation_of(self, request: WireRequest) -> str | None:
        """See `Backend`."""
        return operation_at(request.method, request.target)

    def answer(self, request: WireRequest) -> Answer:
        """See `Backend`. A write that was recorded as a success counts as applied."""
        response = self._response(request)
        success = HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES
        return Answer(response, applied=success and request.method not in SAFE_METHODS)

    def _response(self, wire: WireRequest) -> WireResponse:
        path, query = split_target(wire.target)
        request = ReceivedRequest(wire.method, path, query, wire.headers, wire.body)
        with self._lock:
            self._arrived += 1
            compared = [(slot, compare(slot.exchange, request, self._api_keys)) for slot in self._slots]
            matching = [slot for slot, differences in compared if not differences]
            if any(slot.exchange.api_key is not None for slot in matching):
                matching = [slot for slot in matching if slot.exchange.api_key is not None]
            if self._loop and all(slot.given for slot in matching):
                self._begin_again({slot.story for slot in matching})
            slot = next((slot for slot in matching if not slot.given), None)
            if slot is not None:
                slot.used = slot.given = True
                self._requests.append(evolve(request, exchange=slot.exchange))
                return _replay(slot.exchange)
            self._requests.append(request)
            mismatch = self._mismatch(request, compared, matching)
            self._mismatches.append(mismatch)
        return _no_recording(mismatch)

    def _begin_again(self, stories: set[str]) -> None:
        for slot in self._slots:
            slot.given = slot.given and slot.story not in stories

    def _mismatch(
        self, request: ReceivedRequest, compared: list[tuple[_Slot, Differences]], matching: list[_Slot]
    ) -> Mismatch:
        summary = f"{request.method} {route_of(request.path)}"
        if matching:
            times = f"asked more often than it was recorded, which is {len(matching)}"
            return Mismatch(self._arrived, summary, str(matching[-1]), {"times": times}, request)
        if not compared:
            return Mismatch(self._arrived, summary, request=request)
        slot, differences = min(compared, key=lambda pair: distance(pair[0].exchange, request, pair[1]))
        return Mismatch(self._arrived, summary, str(slot), tell(differences), request)


def _replay(exchange: Exchange) -> WireResponse:
    headers = [pair for pair in exchange.response_headers if pair[0].lower() not in DROPPED_HEADERS]
    return WireResponse(exchange.status, headers, exchange.response_body)


def _no_recording(mismatch: Mismatch) -> WireResponse:
    request_id = f"req_fixture_{mismatch.number}"
    nearest = f"; nearest is {mismatch.nearest}" if mismatch.nearest else ", and there are no recordings"
    body = {
        "error": "Bad Request",
        "message": f"No recording matches {mismatch.summary}{nearest}.",
        "code": "NO_RECORDING",
        "requestId": request_id,
        "issues": [
            {"severity": "error", "code": "not-found", "diagnostics": f"{aspect}: {text}"}
            for aspect, text in mismatch.differences.items()
        ],
    }
    headers = [("content-type", "application/json"), ("x-request-id", request_id)]
    return WireResponse(400, headers, orjson.dumps(body))
