"""The five operations of a sandbox: what each changes, and what it answers (contract: endpoints)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from attrs import frozen

from .._answers import Headers, Refused, empty, envelope
from .._backend import Answer
from .._exchange import Pairs
from .._wire import WireRequest, WireResponse
from .keys import SandboxKey
from .parameters import check_body, check_parameters
from .search import Searches
from .settings import SandboxSettings
from .store import Store, StoredRecord, visible_at

__all__ = ["RoutedCall", "EncounterRoutes"]

# The search parameters of FHIR R4's Encounter that are references, and the elements that hold these.
_REFERENCES: Final = {
    "Encounter:patient": "subject",
    "Encounter:subject": "subject",
    "Encounter:practitioner": "participant",
    "Encounter:participant": "participant",
    "Encounter:appointment": "appointment",
    "Encounter:based-on": "basedOn",
    "Encounter:part-of": "partOf",
    "Encounter:location": "location",
    "Encounter:service-provider": "serviceProvider",
    "Encounter:diagnosis": "diagnosis",
}
_PHANTOM: Final = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "warning", "code": "not-supported", "diagnostics": "A part of the search was ignored."}],
}
_ADDRESS: Final = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9._-]+")
_FHIR_BASE: Final = "https://api.clinikapi.com/v1/fhir"


@frozen
class RoutedCall:
    """One request with a good key, within its limits, on its way to an operation."""

    operation: str
    request: WireRequest
    key: SandboxKey
    now: datetime
    path: tuple[str, ...]
    """What stands in the place of the path's parameters, decoded."""
    query: Pairs
    headers: Headers
    """Those of the answer."""


class EncounterRoutes:
    """Answers calls about the encounters of one store."""

    def __init__(self, store: Store, settings: SandboxSettings, new_id: Callable[[], str]) -> None:
        self._store = store
        self._searches = Searches(store)
        self._settings = settings
        self._new_id = new_id

    def answer(self, call: RoutedCall) -> Answer:
        """Do what is asked.

        Raises:
            Refused: it cannot be done, and nothing was.
        """
        answers: dict[str, Callable[[RoutedCall], Answer]] = {
            "create": self._create,
            "read": self._read,
            "update": self._update,
            "delete": self._delete,
            "search": self._search,
        }
        return answers[call.operation](call)

    def _create(self, call: RoutedCall) -> Answer:
        check_parameters("create", call.query)
        fields = check_body("create", call.request.body)
        record_id = self._new_id()
        while self._store.get(record_id) is not None:
            record_id = self._new_id()
        stored = self._store.put({"id": record_id, **fields}, self._visible(call), call.now)
        return Answer(self._shown(stored, 201, call), applied=True)

    def _read(self, call: RoutedCall) -> Answer:
        elements = _included(call.query)
        stored = self._found(call)
        if elements and self._settings.include == "bundle":
            return Answer(envelope(self._bundle(stored.id, elements, call), 200, call.headers))
        return Answer(self._shown(stored, 200, call))

    def _update(self, call: RoutedCall) -> Answer:
        check_parameters("update", call.query)
        stored = self._found(call)
        changes = check_body("update", call.request.body)
        kept = stored.record.get("hospitalization")
        if self._settings.merge_hospitalization and isinstance(kept, dict) and "hospitalization" in changes:
            changes = {**changes, "hospitalization": {**kept, **changes["hospitalization"]}}
        changed = self._store.put({**stored.record, **changes}, self._visible(call), call.now)
        return Answer(self._shown(changed, 200, call), applied=True)

    def _delete(self, call: RoutedCall) -> Answer:
        check_parameters("delete", call.query)
        stored = self._found(call)
        self._store.delete(stored.id, self._visible(call))
        return Answer(empty(call.headers), applied=True)

    def _search(self, call: RoutedCall) -> Answer:
        page = self._searches.page(call.query, call.now)
        rows: list[Any] = [stored.shown(self._settings.shape) for stored in page.rows]
        if self._settings.phantom:
            rows.append(_PHANTOM)
        told: dict[str, Any] = {"data": rows, "hasMore": page.cursor is not None}
        if page.cursor is not None:
            told["cursor"] = page.cursor
        if self._settings.total:
            told["total"] = page.total
        return Answer(envelope(told, 200, call.headers))

    def _shown(self, stored: StoredRecord, status: int, call: RoutedCall) -> WireResponse:
        return envelope(stored.shown(self._settings.shape), status, call.headers)

    def _visible(self, call: RoutedCall) -> datetime:
        return visible_at(call.now, self._settings.lag)

    def _found(self, call: RoutedCall) -> StoredRecord:
        stored = self._store.get(call.path[0])
        if stored is None:
            raise Refused(404, "NOT_FOUND", "The encounter was not found.")
        return stored

    def _bundle(self, record_id: str, elements: list[str], call: RoutedCall) -> dict[str, Any]:
        """What a search in FHIR's form gives: the record as the index has it, if it does, and what it refers to."""
        index = self._store.index(call.now)
        stored = index.get(record_id)
        entries = []
        if stored is not None:
            resource = stored.fhir()
            entries.append(_entry(resource, f"Encounter/{record_id}", "match"))
            addresses = [address for element in elements for address in _addresses(resource.get(element))]
            for address in dict.fromkeys(addresses):
                kind, _, found = address.partition("/")
                if kind != "Encounter":
                    entries.append(_entry({"resourceType": kind, "id": found}, address, "include"))
                elif found in index:
                    entries.append(_entry(index[found].fhir(), address, "include"))
        return {"resourceType": "Bundle", "type": "searchset", "total": int(stored is not None), "entry": entries}


def _entry(resource: dict[str, Any], address: str, mode: str) -> dict[str, Any]:
    return {"fullUrl": f"{_FHIR_BASE}/{address}", "resource": resource, "search": {"mode": mode}}


def _addresses(element: Any) -> Iterator[str]:
    """The addresses, ``Type/id``, of the records that an element of FHIR's refers to, at any depth."""
    if isinstance(element, list):
        for item in element:
            yield from _addresses(item)
    elif isinstance(element, dict):
        if isinstance(address := element.get("reference"), str) and _ADDRESS.fullmatch(address):
            yield address
        for item in element.values():
            yield from _addresses(item)


def _included(query: Pairs) -> list[str]:
    """The elements whose references a read is to follow.

    Raises:
        Refused: one is unknown, or there are other parameters.
    """
    if any(name != "_include" or value not in _REFERENCES for name, value in query):
        raise Refused(400, None, f"A read takes _include alone, with one of {', '.join(_REFERENCES)}.")
    return [_REFERENCES[value] for _, value in query]
