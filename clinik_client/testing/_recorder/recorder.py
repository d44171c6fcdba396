"""The recorder: a server that passes requests on to the real service, and writes down what was said.

It stands between a program and the service, on a loopback socket, and asks the service through the SDK's own
transport. So it sees what the SDK would see, and works with every client.
"""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, get_args

import orjson
from attrs import evolve

from ..._client import BASE_URL
from ..._transport import AttemptFailed
from .._exchange import Exchange, Recording
from .._har import KEY_FORMAT, HarError, load_recording
from .._recordings import DROPPED_HEADERS
from .._wire import WireRequest, WireResponse, WireServer
from .finishing import SeenExchange, finished_file
from .forwarding import Upstream, base_url_or_default
from .replay import PSEUDONYMOUS, Replay, as_exchange

__all__ = ["Mode", "Recorder"]

Mode = Literal["none", "once", "new", "all"]

_MADE_UP: Final = "Ids, texts and dates are made up."
# Of a service that is not the public one the name is not written: it may be that of a hospital.
_OTHER_URL: Final = "https://service.invalid"
_LOCAL_URL: Final = "http://localhost"


class Recorder:
    """Records what a program and the service say to each other, or replays what was recorded; a context manager.

    Args:
        path: the HAR file.
        mode: ``"none"`` replays and never asks the service; ``"once"`` records if there is no file, else it is as
            ``"none"``; ``"new"`` replays what is in the file, and records what is not; ``"all"`` records everything
            anew.
        base_url: where the service is; taken from ``CLINIKAPI_BASE_URL`` if not given, else the public service.
        comment: what the story is about. It is written as it is.
        keep: values of requests and responses that are made up already, and are written as they are.
        port: the port on 127.0.0.1 for the program; 0 lets the system choose.
        timeout: the limit of each request to the service, in seconds.
        proxy: the way to the service, as for `clinik_client.Clinik`; ``verify`` and ``trust_env`` are so, too.
        verify: see there.
        trust_env: see there.

    The program uses `url` as its base URL, and its own key. Nothing is written before the block is left, and nothing if
    it is left by an exception: half a story is none.

    Only headers, parameters and fields that the API documents are written, and no key. A story with a request that has
    others is not written at all, because without them it would ask for something else. Ids and texts get pseudonyms,
    the same for the same value, in paths, queries, bodies and references alike. Dates are moved, all by the same number
    of weeks. The finished file is searched for all that came in before it is written.

    When it replays, the program may ask with the values of before: the first request that uses one tells which
    pseudonym stands for it, and the responses have it again.

    Raises:
        HarError: there is no usable recording to replay.
        ClinikConfigError: ``base_url`` or something else on the way to the service is malformed.

    >>> from tempfile import TemporaryDirectory
    >>> from clinik_client import Clinik
    >>> from clinik_client.testing import Exchange, FixtureServer, Recorder, Recording, load_recording
    >>> visit = {"data": {"id": "enc_7", "status": "planned", "class": "VR", "patientId": "pt_42"}}
    >>> service = FixtureServer([Recording("visit", [Exchange.of("GET", "/v1/encounters/enc_7", response=visit)])])
    >>> with TemporaryDirectory() as folder:
    ...     with service, Recorder(f"{folder}/visit.har", base_url=service.url) as recorder:
    ...         with Clinik("clk_test_example", base_url=recorder.url) as clinik:
    ...             print(clinik.encounters.read("enc_7").data)
    ...     print(load_recording(f"{folder}/visit.har").exchanges[0].path)
    ...     with Recorder(f"{folder}/visit.har", mode="none") as recorder:
    ...         with Clinik("clk_test_example", base_url=recorder.url) as clinik:
    ...             print(clinik.encounters.read("enc_7").data)
    <Encounter id='enc_7' status='planned'>
    /v1/encounters/enc_00000001
    <Encounter id='enc_7' status='planned'>
    """

    def __init__(
        self,
        path: str | Path,
        mode: Mode = "once",
        *,
        base_url: str | None = None,
        comment: str = "",
        keep: Collection[str] = (),
        port: int = 0,
        timeout: float = 30.0,
        proxy: str | None = None,
        verify: bool | str | os.PathLike[str] | ssl.SSLContext = True,
        trust_env: bool = True,
    ) -> None:
        if mode not in get_args(Mode):
            raise ValueError(f"mode is one of {', '.join(get_args(Mode))}")
        if isinstance(keep, str):
            raise TypeError("keep is a list of texts, not a text")
        self.path = Path(path)
        self._keep = frozenset(keep)
        replays = mode == "none" or (mode in ("once", "new") and self.path.exists())
        told = comment if comment.endswith("made up.") else f"{comment} {_MADE_UP}".strip()
        self._recording = load_recording(self.path) if replays else Recording(self.path.stem, [], told)
        self._replay = Replay(self._recording)
        forwards = mode in ("new", "all") or not replays
        self._upstream = (
            Upstream(base_url_or_default(base_url), timeout=timeout, proxy=proxy, verify=verify, trust_env=trust_env)
            if forwards
            else None
        )
        self._lock = threading.Lock()
        self._seen: list[SeenExchange] = []
        self._failures: list[str] = []
        self._wire = WireServer(self._respond, port=port)

    @property
    def url(self) -> str:
        """The base URL for the program, without a slash at its end."""
        return self._wire.url

    @property
    def recorded(self) -> int:
        """How many exchanges were recorded so far, besides those that the file had."""
        with self._lock:
            return len(self._seen)

    @property
    def failures(self) -> list[str]:
        """Why requests got no response from the service, which leaves them out of the recording."""
        with self._lock:
            return list(self._failures)

    def start(self) -> Self:
        """Start listening, in threads of its own. Returns the recorder."""
        self._wire.start()
        return self

    def stop(self) -> None:
        """Stop, and write the file if anything was recorded.

        Raises:
            UnsafeRecordingError: a key or a value that came in would be in it. Nothing was written.
            HarError: a request has a parameter or a field that the API does not document; or dates are to be added to a
                file, and it is not known by how much its own were moved.
        """
        self._close()
        if self._seen:
            seen = sorted(self._seen, key=lambda one: one.exchange.started)
            try:
                file = finished_file(self._recording, seen, self._replay.renaming, self._keep)
            except HarError as error:
                raise type(error)(f"{self.path}: {error}") from None
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(file)

    def verify(self) -> None:
        """Raise `AssertionError` if a request had no recording, or no response of the service."""
        told = "\n  - ".join(["Requests without a response of the service:", *self.failures])
        account = "\n".join(filter(None, [self._replay.account(), told if self.failures else ""]))
        if account:
            raise AssertionError(account)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.stop()
        else:
            self._close()

    def _close(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
        self._wire.stop()

    # -- in the connections' threads ------------------------------------------------------------------------------

    def _respond(self, wire: WireRequest) -> WireResponse:
        asked = as_exchange(wire)
        if (response := self._replay.respond(wire, asked)) is not None:
            return response
        if self._upstream is None or self._replay.is_about_pseudonym(asked):
            return self._replay.refuse(wire, asked)
        return self._forward(wire, asked, self._upstream)

    def _forward(self, wire: WireRequest, asked: Exchange, upstream: Upstream) -> WireResponse:
        started, begun = datetime.now(UTC), time.monotonic()
        try:
            response = upstream.ask(wire.method, wire.target, wire.headers, wire.body)
        except AttemptFailed as failure:
            with self._lock:
                self._failures.append(f"{failure.code}: {failure.text}")
            return _no_response(failure)
        headers = [pair for pair in response.headers.items() if pair[0] not in DROPPED_HEADERS]
        key = next(iter(wire.header_values("x-api-key")), "")
        exchange = evolve(
            asked,
            status=response.status,
            response_headers=headers,
            response_body=response.body,
            base_url=BASE_URL if upstream.is_public else _LOCAL_URL if upstream.is_local else _OTHER_URL,
            source=_source(upstream, key, started),
            started=started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            milliseconds=round((time.monotonic() - begun) * 1000, 1),
        )
        with self._lock:
            self._seen.append(SeenExchange(exchange, key))
        return WireResponse(response.status, headers, response.body)


def _source(upstream: Upstream, key: str, started: datetime) -> str:
    place = "the public service" if upstream.is_public else "another service"
    place = "a service on this machine" if upstream.is_local else place
    kind = KEY_FORMAT.fullmatch(key)
    how = f"with a {kind[1]} key" if kind else "with a malformed key" if key else "without a key"
    return f"Recorded {started:%Y-%m-%d} from {place} {how}{PSEUDONYMOUS}"


def _no_response(failure: AttemptFailed) -> WireResponse:
    """What a gateway says in this case: nobody knows what became of it. One that tests may not send was refused."""
    if failure.code == "public_service":
        refused = {"error": "Bad Request", "code": "PUBLIC_SERVICE", "message": failure.text}
        return WireResponse(400, [("content-type", "application/json")], orjson.dumps(refused))
    body = {"error": "Bad Gateway", "code": "NO_RESPONSE", "message": f"The recorder got no response: {failure.text}"}
    return WireResponse(502, [("content-type", "application/json")], orjson.dumps(body))
