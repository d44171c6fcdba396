"""A recording that is replayed to a program which asks with values of its own in the place of pseudonyms."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from urllib.parse import quote, urlencode

from attrs import evolve

from .._exchange import Exchange, Recording, split_target
from .._matching import ReceivedRequest, compare
from .._recordings import RecordingsBackend
from .._wire import WireRequest, WireResponse
from .pseudonyms import is_pseudonym
from .renaming import Renaming
from .rewriting import Rewriter, found_in

__all__ = ["PSEUDONYMOUS", "Replay", "as_exchange", "is_pseudonymous"]

PSEUDONYMOUS = "; ids, texts and dates are pseudonyms."
"""How the source of an exchange ends that a recorder has written."""


class Replay:
    """Finds the recorded response to a request, as `FixtureServer` does, with the names that the program uses.

    The first request that has a value where the recording has a pseudonym tells what it stands for, from then on.
    """

    def __init__(self, recording: Recording) -> None:
        self._recorded = RecordingsBackend([recording])
        self._lock = threading.Lock()
        made = [exchange for exchange in recording.exchanges if is_pseudonymous(exchange)]
        self._pseudonyms = {name for one in made for _, name in found_in(one).values() if is_pseudonym(name)}
        self.renaming = Renaming(open_names=_asked_first(made), moves_dates=bool(made))
        """What is known so far."""

    def respond(self, wire: WireRequest, asked: Exchange) -> WireResponse | None:
        """The recorded response to a request; ``None`` if there is none left."""
        with self._lock:
            translated = self._translated(wire, asked)
            return None if translated is None else self._replayed(wire, translated)

    def refuse(self, wire: WireRequest, asked: Exchange) -> WireResponse:
        """What a request without a recording gets; `account` tells of it."""
        with self._lock:
            return self._replayed(wire, self.renaming.as_recorded(asked))

    def account(self) -> str:
        """What was asked for without a recording; empty if nothing was."""
        return self._recorded.account(with_unused=False)

    def is_about_pseudonym(self, asked: Exchange) -> bool:
        """Whether a request names what only the recording calls so: the service has no such record."""
        return any(value in self._pseudonyms for _, value in found_in(asked, response=False).values())

    def _translated(self, wire: WireRequest, asked: Exchange) -> Exchange | None:
        # As the recorder would have written it, that is without headers that it leaves out.
        rewriter = Rewriter(lambda _place, _kind, value: value)
        written = rewriter.request(asked)
        if rewriter.asks_otherwise:
            written = asked
        for recorded in self._recorded.unused():
            if (recorded.method, recorded.path.count("/")) != (asked.method, asked.path.count("/")):
                continue
            given = written if is_pseudonymous(recorded) else asked
            renaming = self.renaming.fitted(recorded, given)
            if renaming is None:
                continue
            translated = renaming.as_recorded(given)
            if not compare(recorded, _as_received(wire, translated), None):
                self.renaming = renaming
                return translated
        return None

    def _replayed(self, wire: WireRequest, translated: Exchange) -> WireResponse:
        received = _as_received(wire, translated)
        query = f"?{urlencode(received.query, quote_via=quote)}" if received.query else ""
        given = self._recorded.answer(
            evolve(wire, target=received.path + query, headers=received.headers, body=received.body)
        ).response
        response = evolve(translated, response_headers=given.headers, response_body=given.body)
        now = self.renaming.as_now(response)
        return WireResponse(given.status, now.response_headers, now.response_body)


def _asked_first(exchanges: Iterable[Exchange]) -> set[str]:
    """The pseudonyms that the program had before the service: those of what it got from it are in the responses."""
    asked: set[str] = set()
    given: set[str] = set()
    for exchange in exchanges:
        sent = {name for _, name in found_in(exchange, response=False).values() if is_pseudonym(name)}
        asked |= sent - given
        given |= {name for _, name in found_in(exchange).values()}
    return asked


def is_pseudonymous(exchange: Exchange) -> bool:
    """Whether a recorder has written it."""
    return exchange.source.endswith(PSEUDONYMOUS)


def as_exchange(wire: WireRequest) -> Exchange:
    """A request as a recording holds it, still without a response."""
    path, query = split_target(wire.target)
    return Exchange(
        method=wire.method,
        path=path,
        query=query,
        api_key=None if any(wire.header_values("x-api-key")) else "",
        request_headers=tuple(pair for pair in wire.headers if pair[0] != "x-api-key"),
        request_body=wire.body,
        status=200,
        source="",
    )


def _as_received(wire: WireRequest, asked: Exchange) -> ReceivedRequest:
    keys = [("x-api-key", key) for key in wire.header_values("x-api-key")]
    return ReceivedRequest(asked.method, asked.path, asked.query, (*asked.request_headers, *keys), asked.request_body)
