"""The fixture server: recorded exchanges, replayed over real HTTP on a loopback socket."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path

from ._exchange import Exchange, Recording
from ._har import load_recordings
from ._matching import ReceivedRequest
from ._recordings import Mismatch, RecordingsBackend
from ._service import Service

__all__ = ["FixtureServer"]


class FixtureServer(Service):
    """Replays recordings to whoever asks exactly what was recorded; a context manager that starts and stops it.

    Args:
        recordings: the stories to replay.
        api_keys: the keys that count as valid; ``None`` for every key of the form ``clk_live_...`` or ``clk_test_...``.
        must_use_all: whether `verify` also complains of exchanges that were never asked for.
        loop: whether a story begins again when a request has got all the responses that it recorded for it.
        port: the port on 127.0.0.1; 0 lets the system choose.
        ssl_context: a server-side context; the server then speaks TLS.

    A request must have the recorded method, path, query (the same pairs in any order), body (the same JSON value, with
    date-times of the same moment; the same bytes where the recording is not JSON), media type of the body, and a valid
    key. An exchange that was recorded with a bad key, or without one, stands for exactly that key, or its absence, and
    is preferred to one for any key.

    Each exchange is replayed once. The same request asked again steps through its recorded responses in their order;
    asked more often than it was recorded, it matches nothing, or with ``loop`` begins its story again. Exchanges may be
    asked for in any order otherwise.

    What matches nothing gets a 400, which no client repeats, and an error body of the API's form, code
    ``NO_RECORDING``, whose ``message`` and ``issues`` name the nearest recording and the difference. It is also kept
    in `mismatches`.

    It is a `Service`: it has a journal, a ledger, and faults. A request that met a fault before it was carried out is
    told of in the journal alone.
    """

    def __init__(
        self,
        recordings: Iterable[Recording],
        *,
        api_keys: Iterable[str] | None = None,
        must_use_all: bool = False,
        loop: bool = False,
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._must_use_all = must_use_all
        self._recordings = RecordingsBackend(recordings, api_keys=api_keys, loop=loop)
        super().__init__(self._recordings, port=port, ssl_context=ssl_context)

    @classmethod
    def from_directory(
        cls,
        directory: str | Path,
        stories: Iterable[str] | None = None,
        *,
        api_keys: Iterable[str] | None = None,
        must_use_all: bool = False,
        loop: bool = False,
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> FixtureServer:
        """A server of the HAR files in ``directory``: of the ``stories`` named (without ``.har``), or of all.

        Raises:
            HarError: there are none, or one of them is not usable.
        """
        return cls(
            load_recordings(directory, stories=stories),
            api_keys=api_keys,
            must_use_all=must_use_all,
            loop=loop,
            port=port,
            ssl_context=ssl_context,
        )

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """The stories that it replays."""
        return self._recordings.recordings

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Every request so far that was carried out, in the order of arrival."""
        return self._recordings.requests

    @property
    def mismatches(self) -> list[Mismatch]:
        """Every request so far that matched nothing."""
        return self._recordings.mismatches

    def unused(self) -> list[Exchange]:
        """The exchanges that have not been asked for, in the order of the recordings."""
        return self._recordings.unused()

    def account(self, *, with_unused: bool = True, after: int = 0) -> str:
        """What went wrong so far, readable; empty if nothing did.

        Args:
            with_unused: whether it lists what was never asked for.
            after: how many mismatches are known already, and left out.
        """
        return self._recordings.account(with_unused=with_unused, after=after)

    def verify(self) -> None:
        """Raise `AssertionError` if a request matched nothing, if too few met a fault, or if something is unused.

        The last only with ``must_use_all``.
        """
        parts = [self.account(with_unused=self._must_use_all), self.faults.account()]
        if account := "\n".join(filter(None, parts)):
            raise AssertionError(account)

    def _refused(self, status: int, reason: str) -> None:
        super()._refused(status, reason)
        self._recordings.refuse(status, reason)
