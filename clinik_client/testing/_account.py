"""What a test is told of its service: requests that nothing matched, and what was left unused."""

from __future__ import annotations

from collections.abc import Iterable

from ._exchange import split_target
from ._fault import Fault
from ._faults import named
from ._recordings import listed
from ._sandbox.sandbox import Sandbox
from ._server import FixtureServer

__all__ = ["Account"]


class Account:
    """The account of one test's service.

    Args:
        service: the service.
        faults: those that its requests have to meet, whether they are cleared or not.
        use_all: whether all recorded exchanges have to be asked for.
    """

    def __init__(self, service: FixtureServer | Sandbox, faults: Iterable[Fault], *, use_all: bool = False) -> None:
        self._service = service
        self._faults = [service.faults.schedule(fault) for fault in faults]
        self._use_all = use_all
        self._told = 0

    def mismatches(self) -> str:
        """The requests that matched nothing, if there are any that no report has told of yet."""
        server = self._service
        return "" if isinstance(server, Sandbox) else server.account(with_unused=False, after=self._told)

    def told(self) -> None:
        """Note that a report tells of all of them."""
        if isinstance(self._service, FixtureServer):
            self._told = len(self._service.mismatches)

    def at_the_end(self) -> str:
        """All that speaks against a test that has passed, and was not told of yet; empty if nothing does."""
        parts = [self._of_recordings(self._service)] if isinstance(self._service, FixtureServer) else []
        if unmet := self._unmet():
            parts.append(listed("Faults that too few requests met", unmet))
        return "\n".join(filter(None, parts))

    def _unmet(self) -> list[str]:
        pending, met = self._service.faults.pending(), self._service.faults.met
        dropped = [one for one in self._faults if one.is_pending and all(one.fault is not fault for fault in pending)]
        return [
            *(f"{named(one.fault)}, met by {one.met} before it was cleared" for one in dropped),
            *(f"{named(fault)}, met by {sum(fault is one for one in met)}" for fault in pending),
        ]

    def _of_recordings(self, server: FixtureServer) -> str:
        if self._use_all or server.mismatches:
            return server.account(with_unused=self._use_all, after=self._told)
        unasked = _unasked(server)
        return listed("Recordings of which nothing was asked", unasked) if unasked else ""


def _unasked(server: FixtureServer) -> list[str]:
    """The names of the recordings that no request was for."""
    unused = {id(exchange) for exchange in server.unused()}
    # A fault may have kept a request from its recording.
    kept = {(entry.method, split_target(entry.target)[0]) for entry in server.journal.entries if entry.fault}
    return [
        recording.name
        for recording in server.recordings
        if all(
            id(exchange) in unused and (exchange.method, exchange.path) not in kept for exchange in recording.exchanges
        )
    ]
