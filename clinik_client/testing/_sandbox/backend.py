"""From a request on the wire to an operation of the sandbox: keys, limits, media types, and what is told of each."""

from __future__ import annotations

import random
import string
import threading
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any, Final

from attrs import asdict, evolve, frozen

from .._answers import Headers, Refused, error, json_response, text_of_moment
from .._backend import Answer
from .._bulk_requests import BULK_OPERATIONS
from .._exchange import split_target
from .._routes import Route, operation_at, routes_at
from .._wire import WireRequest
from .bulk import BulkRoutes
from .clock import SandboxClock
from .downloads import Downloads
from .encounter_routes import EncounterRoutes, RoutedCall
from .keys import HOME, SandboxKey, SandboxKeys
from .limits import Limiter, Usage
from .settings import SandboxSettings
from .store import Store

__all__ = ["SandboxBackend"]

_MOST_BYTES: Final = 1024 * 1024
_MOST_IMPORTED_BYTES: Final = 100 * 1024 * 1024
_OVERRIDES: Final = ("x-http-method-override", "x-http-method", "x-method-override")
_OVERRIDING_PARAMETER: Final = "_method"
_LETTERS: Final = string.ascii_lowercase + string.digits


@frozen
class _Tenant:
    """What one organization has in one environment."""

    store: Store
    encounters: EncounterRoutes
    bulk: BulkRoutes


class SandboxBackend:
    """A ClinikAPI in memory.

    Args:
        records: what is there at the beginning, in the simple shape, for the test keys and the live keys of the home
            organization.
        settings: how it answers.
        clock: its time.
    """

    def __init__(self, records: Iterable[dict[str, Any]], settings: SandboxSettings, clock: SandboxClock) -> None:
        self._records = list(records)
        self._first_settings = evolve(settings)
        self.settings = settings
        self.clock = clock
        self._lock = threading.RLock()  # reentrant: what holds it may look at stores and usages, too
        self.downloads = Downloads(clock, self._lock)
        """The files of exports: a backend of its own. Its ``url`` has to be set to where it is served."""
        self.reset()

    def reset(self) -> None:
        """Go back to the beginning: records, keys, limits, settings and chance. The clock has a `reset` of its own."""
        with self._lock:
            self.settings.change(**asdict(self._first_settings, recurse=False))
            self.keys = SandboxKeys()
            self._start = self.clock.now()
            # Of their own, so that the ids of records do not depend on how many requests there were.
            self._request_ids = random.Random(0)
            self._begin_ids()
            self._limiters: dict[str, Limiter] = {}
            self._tenants: dict[tuple[str, str], _Tenant] = {}
            self.downloads.clear()

    def _begin_ids(self) -> None:
        self._record_ids, self._job_ids = random.Random(1), random.Random(2)

    def seed(self, records: Iterable[dict[str, Any]]) -> None:
        """Put other records in the place of all that are there, and go back to these with each `reset`.

        New ids begin anew: the same seed gives the same ones.
        """
        records = list(records)
        with self._lock:
            self._records = records
            self._tenants.clear()
            self._begin_ids()

    def store(self, organization: str = HOME, environment: str = "test") -> Store:
        """The records of an organization."""
        with self._lock:
            return self._of(organization, environment, self.clock.now()).store

    def usage(self, organization: str = HOME) -> Usage:
        """What an organization has asked this month."""
        with self._lock:
            return self._limiter(organization, self.clock.now()).usage

    def _limiter(self, organization: str, now: datetime) -> Limiter:
        limiter = self._limiters.setdefault(organization, Limiter(self.settings.plan))
        limiter.plan = self.settings.plan
        limiter.move_on(now)
        return limiter

    def _of(self, organization: str, environment: str, now: datetime) -> _Tenant:
        found = self._tenants.get((organization, environment))
        if found is None:
            store = Store(self._records if organization == HOME else (), self._start)
            limiter = self._limiter(organization, now)
            new_id = partial(_text, "enc_", 9, self._record_ids)
            new_text = partial(_text, chance=self._job_ids)
            found = _Tenant(
                store,
                EncounterRoutes(store, self.settings, new_id),
                BulkRoutes(store, limiter, self.settings, self.downloads, new_id, new_text),
            )
            self._tenants[organization, environment] = found
        found.bulk.settle(now)
        return found

    # -- requests -------------------------------------------------------------------------------------------------

    def operation_of(self, request: WireRequest) -> str | None:
        """Which operation a request asks for."""
        return operation_at(request.method, request.target)

    def answer(self, request: WireRequest) -> Answer:
        """Do what is asked, and say what came of it."""
        with self._lock:
            now = self.clock.now()
            request_id = _text("req_", 8, self._request_ids)
            headers: Headers = [("x-request-id", request_id), ("x-timestamp", text_of_moment(now))]
            try:
                return self._answer(request, now, headers)
            except Refused as refused:
                return Answer(error(refused, headers, self.settings.errors))

    @property
    def keys_sent_to_downloads(self) -> int:
        """How many requests for files carried a key."""
        return self.downloads.keys_sent

    def _answer(self, request: WireRequest, now: datetime, headers: Headers) -> Answer:
        """Do what is asked. What is known for the headers goes there, for an error too."""
        path, query = split_target(request.target)
        if path in _OPEN:
            if request.method != "GET":
                raise _not_allowed("GET")
            return Answer(json_response(_OPEN[path], headers=headers))
        key = self.keys.check(request.header_values("x-api-key"), now)
        headers += self._limiter(key.organization, now).take(key, now)
        if any(name in _OVERRIDES for name, _ in request.headers) or _OVERRIDING_PARAMETER in dict(query):
            raise Refused(400, "METHOD_OVERRIDE_REJECTED", "Overriding the HTTP method is not supported.")
        operation, _, steps = _route_of(request.method, path)
        self._check(request, operation, key)
        tenant = self._of(key.organization, key.environment, now)
        routes = tenant.bulk if operation in BULK_OPERATIONS else tenant.encounters
        return routes.answer(RoutedCall(operation, request, key, now, steps, query, headers))

    def _check(self, request: WireRequest, operation: str, key: SandboxKey) -> None:
        if not key.may(request.method):
            scope = "read" if request.method == "GET" else "write"
            raise Refused(403, None, f"The API key lacks the {scope} scope.")
        most = _MOST_IMPORTED_BYTES if operation == "import" else _MOST_BYTES
        if len(request.body) > most:
            raise Refused(413, None, f"A request body may have {most:,} bytes.")
        if request.method in ("POST", "PATCH"):
            accepted = self.settings.accepted(operation)
            sent = [value.partition(";")[0].strip().lower() for value in request.header_values("content-type")]
            if len(sent) != 1 or sent[0] not in accepted:
                raise Refused(415, None, f"The body must be one of {', '.join(accepted)}.")


_OPEN: Final[dict[str, dict[str, Any]]] = {
    "/health": {"status": "ok"},
    "/v1/metadata": {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2025-01-01",
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "resource": [
                    {
                        "type": "Encounter",
                        "interaction": [
                            {"code": code} for code in ("create", "read", "patch", "delete", "search-type")
                        ],
                    }
                ],
            }
        ],
    },
}
"""What needs no key."""


def _route_of(method: str, path: str) -> Route:
    """The operation of a request.

    Raises:
        Refused: there is none.
    """
    routes = routes_at(path)
    if not routes:
        raise Refused(404, "NOT_FOUND", "There is nothing at this path.")
    for route in routes:
        if route.method == method:
            return route
    raise _not_allowed(", ".join(sorted(route.method for route in routes)))


def _not_allowed(allowed: str) -> Refused:
    return Refused(405, None, f"This path takes {allowed}.", headers=[("Allow", allowed)])


def _text(prefix: str, length: int, chance: random.Random) -> str:
    return prefix + "".join(chance.choices(_LETTERS, k=length))
